// Sigma-zero.
#include <hans/attacks/sigma_zero.hpp>

#include <algorithm>
#include <cmath>

#include <hans/attacks/losses.hpp>
#include <hans/attacks/steps.hpp>

namespace hans::attacks {

Task<Stop> SigmaZero::search(GradientOracle& sample) const {
  const std::span<real> image = sample.image();
  const std::span<const real> original = sample.original();
  const std::size_t n = image.size();
  const Climb climb(Loss::cw, sample);
  std::vector<real> down(n);
  real threshold = tau;
  for (unsigned k = 0; k < steps; ++k) {
    const Slope slope = co_await sample.slope(image, climb, true);
    ++sample.note().steps;
    const bool reached = slope.gradient.empty();
    for (std::size_t i = 0; i < n; ++i) {
      const real v = image[i] - original[i];
      const real below = v * v + sigma;
      const real count = 2 * v * sigma / (below * below) / static_cast<real>(n);
      down[i] = count - (reached ? real{0} : slope.gradient[i]);
    }
    const real step = cosine(rate, rate / 10, k, steps);
    const real scale = step / static_cast<real>(std::max(length_linf(down), 1e-12));
    for (std::size_t i = 0; i < n; ++i) image[i] -= scale * down[i];
    sample.project(image);
    threshold = std::clamp(threshold + (reached ? tau_rate : -tau_rate) * step, real{0}, real{1});
    for (std::size_t i = 0; i < n; ++i) {
      if (std::abs(image[i] - original[i]) < threshold) image[i] = original[i];
    }
  }
  co_await sample.prediction(image);
  const Task<Stop> back = refine_best(sample, refine);
  co_return co_await back;
}

void SigmaZero::check_goal(const Goal& goal, std::size_t class_count) const {
  check_classes(name, Loss::margin, goal.targeted, class_count);
}

}  // namespace hans::attacks
