// Decoupled direction and norm.
#include <hans/attacks/ddn.hpp>

#include <algorithm>
#include <limits>

#include <hans/attacks/losses.hpp>
#include <hans/attacks/steps.hpp>
#include <hans/core/reduce.hpp>

namespace hans::attacks {

Task<Stop> Ddn::search(GradientOracle& sample) const {
  const std::span<real> image = sample.image();
  const std::span<const real> original = sample.original();
  const std::size_t n = image.size();
  std::vector<real> change(n);
  for (std::size_t i = 0; i < n; ++i)
    change[i] = std::max(sample.high()[i] - original[i], original[i] - sample.low()[i]);
  const double farthest = length_l2(change);
  const Climb climb(Loss::ce, sample);
  double eps = init_eps;
  std::vector<real> way(n);
  for (unsigned k = 0; k < steps; ++k) {
    const Slope slope = co_await sample.slope(image, climb);
    ++sample.note().steps;
    std::ranges::copy(slope.gradient, way.begin());
    double length = length_l2(way);
    if (length == 0) {
      sample.random(name, k).normals(way);
      length = length_l2(way);
    }
    const double scale = static_cast<double>(cosine(1, 0.01F, k, steps)) / length;
    for (std::size_t i = 0; i < n; ++i) change[i] = (image[i] - original[i]) + scaled(scale, way[i]);
    const bool reached = sample.reached(static_cast<int>(argmax(slope.logits)));
    eps = std::min(eps * (reached ? 1 - static_cast<double>(gamma) : 1 + static_cast<double>(gamma)), farthest);
    const real to_sphere = static_cast<real>(eps / std::max(length_l2(change), 1e-12));
    for (std::size_t i = 0; i < n; ++i) image[i] = original[i] + to_sphere * change[i];
  }
  co_await sample.prediction(image);
  const Task<Stop> back = refine_best(sample, refine);
  co_return co_await back;
}

}  // namespace hans::attacks
