// Elastic-net attack.
#include <hans/attacks/ead.hpp>

#include <algorithm>
#include <cmath>

#include "tools/detail/weighing.hpp"

namespace hans::attacks {
namespace {

/// One run with one c. Returns whether it reached the goal.
Task<bool> shrink_and_step(GradientOracle& sample, const Ead& how, const real c) {
  const std::span<const real> original = sample.original();
  const std::span<real> image = sample.image();
  const std::size_t n = image.size();
  const HingedMargin loss{Climb(Loss::margin, sample), how.kappa};
  std::vector<real> ahead(original.begin(), original.end());  // where the gradient is taken
  std::vector<real> before(n);
  std::ranges::copy(original, image.begin());
  Stalling stalling(how.abort_early, how.steps);
  bool reached = false;
  for (unsigned k = 0; k < how.steps; ++k) {
    const real part = static_cast<real>(k) / static_cast<real>(how.steps);
    const real rate = how.rate * std::sqrt(1 - part);
    const Slope slope = co_await sample.slope(ahead, loss, how.kappa == 0);
    ++sample.note().steps;
    const double missing = std::max(static_cast<double>(how.kappa) - static_cast<double>(slope.loss), 0.0);
    double objective = static_cast<double>(c) * missing;
    std::ranges::copy(image, before.begin());
    for (std::size_t i = 0; i < n; ++i) {
      const real change = ahead[i] - original[i];
      objective += static_cast<double>(change) * static_cast<double>(change) +
                   static_cast<double>(how.beta) * std::abs(static_cast<double>(change));
      const real pull = slope.gradient.empty() ? real{0} : c * slope.gradient[i];
      const real next = ahead[i] - rate * (2 * change - pull);
      const real moved = next - original[i];
      const real size = std::abs(moved) - how.beta;
      image[i] = size > 0 ? original[i] + (moved > 0 ? size : -size) : original[i];
    }
    const int prediction = co_await sample.prediction(image);
    reached = reached || sample.reached(prediction);
    const real momentum = static_cast<real>(k) / static_cast<real>(k + 3);
    for (std::size_t i = 0; i < n; ++i) ahead[i] = image[i] + momentum * (image[i] - before[i]);
    if (stalling.stalled(k, objective, missing)) break;
  }
  co_return reached;
}

}  // namespace

Task<Stop> Ead::search(GradientOracle& sample) const {
  return search_weight(sample, searches, c, refine,
                       [this, &sample](real weight) { return shrink_and_step(sample, *this, weight); });
}

void Ead::check_goal(const Goal& goal, std::size_t class_count) const {
  check_classes(name, Loss::margin, goal.targeted, class_count);
}

}  // namespace hans::attacks
