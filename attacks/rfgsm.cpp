// The fast gradient sign method from a random start.
#include <hans/attacks/rfgsm.hpp>

#include <hans/attacks/losses.hpp>
#include <hans/attacks/steps.hpp>

namespace hans::attacks {

RFgsm RFgsm::resolved(data::Box) const {
  return {eps, alpha.value_or(start == Leap::sign ? eps / 2 : 1.25F * eps), start};
}

Task<Stop> RFgsm::search(GradientOracle& sample) const {
  const std::span<real> image = sample.image();
  const real step = *RFgsm{sample.eps(), alpha, start}.resolved({}).alpha;
  if (start == Leap::uniform) {
    start_in_ball(sample, name, 0);
  } else {
    std::vector<real> way(image.size());
    sample.random(name).normals(way);
    for (std::size_t i = 0; i < way.size(); ++i) image[i] += (sample.eps() - step) * sign(way[i]);
  }
  const Climb climb(Loss::ce, sample);
  const Slope slope = co_await sample.slope(image, climb);
  step_up(sample, slope.gradient, step, image);
  sample.note().steps = 2;
  co_return Stop::finished;
}

}  // namespace hans::attacks
