// What decision-based attacks share: a start, and the way back to the boundary.
#include <hans/attacks/decisions.hpp>

#include <algorithm>

#include <hans/attacks/steps.hpp>

namespace hans::attacks {

Task<bool> find_start(LabelOracle& sample, unsigned tries, unsigned& tried) {
  const std::span<real> image = sample.image();
  bool there = false;
  if (tried == 0) {
    const int prediction = co_await sample.prediction(image);
    there = sample.reached(prediction);
  }
  for (; tried < tries && !there; ++tried) {
    Stream stream = sample.random("begin", tried);
    for (std::size_t i = 0; i < image.size(); ++i) {
      image[i] = sample.low()[i] + stream.uniform() * (sample.high()[i] - sample.low()[i]);
    }
    const int prediction = co_await sample.prediction(image);
    there = sample.reached(prediction);
  }
  co_return there;
}

Task<Stop> move_to_boundary(LabelOracle& sample, std::span<real> image) {
  const std::vector<real> far(image.begin(), image.end());
  std::vector<real> next(image.size());
  double low = 0;
  double high = distances(sample.original(), image).of(sample.budget().norm);
  for (unsigned k = 0; k < 14; ++k) {
    const double middle = (low + high) / 2;
    std::ranges::copy(far, next.begin());
    project_to(sample, middle, next);
    const int prediction = co_await sample.prediction(next);
    const bool there = sample.reached(prediction);
    (there ? high : low) = middle;
    if (there) std::ranges::copy(next, image.begin());
  }
  co_return Stop::finished;
}

}  // namespace hans::attacks
