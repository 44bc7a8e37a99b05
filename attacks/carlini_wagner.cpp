// The attack of Carlini and Wagner.
#include <hans/attacks/carlini_wagner.hpp>

#include <algorithm>
#include <cmath>

#include <hans/attacks/descent.hpp>
#include <hans/core/reduce.hpp>
#include "tools/detail/weighing.hpp"

namespace hans::attacks {
namespace {

/// One run with one c. Returns whether it reached the goal.
Task<bool> minimise(GradientOracle& sample, const CarliniWagner& how, const real c) {
  const std::span<real> image = sample.image();
  const std::span<const real> original = sample.original();
  const std::size_t n = image.size();
  const HingedMargin loss{Climb(Loss::margin, sample), how.kappa};
  std::vector<real> gradient(n);
  std::ranges::copy(original, image.begin());
  Descent adam(n, how.rate);
  Stalling stalling(how.abort_early, how.steps);
  bool reached = false;
  for (unsigned k = 0; k < how.steps; ++k) {
    const Slope slope = co_await sample.slope(image, loss, how.kappa == 0);
    ++sample.note().steps;
    reached = reached || sample.reached(static_cast<int>(argmax(slope.logits)));
    double distance = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const real change = image[i] - original[i];
      gradient[i] = 2 * change - (slope.gradient.empty() ? real{0} : c * slope.gradient[i]);
      distance += static_cast<double>(change) * static_cast<double>(change);
    }
    adam.step(gradient, image);
    const double missing = std::max(static_cast<double>(how.kappa) - static_cast<double>(slope.loss), 0.0);
    const double objective = distance + static_cast<double>(c) * missing;
    if (stalling.stalled(k, objective, missing)) break;
  }
  co_return reached;
}

}  // namespace

Task<Stop> CarliniWagner::search(GradientOracle& sample) const {
  return search_weight(sample, searches, c, refine,
                       [this, &sample](real weight) { return minimise(sample, *this, weight); });
}

void CarliniWagner::check_goal(const Goal& goal, std::size_t class_count) const {
  check_classes(name, Loss::margin, goal.targeted, class_count);
}

}  // namespace hans::attacks
