// The attack of Carlini and Wagner in linf.
#include <hans/attacks/carlini_wagner_linf.hpp>

#include <cmath>

#include <hans/attacks/descent.hpp>
#include <hans/attacks/judge.hpp>
#include <hans/core/reduce.hpp>
#include "tools/detail/weighing.hpp"

namespace hans::attacks {
namespace {

/// One run with one c and tau, from the sample's image on. Returns whether an image without excess reached the goal; it
/// is then the sample's image.
Task<bool> keep_below(GradientOracle& sample, const CarliniWagnerLinf& how, const real c, const real tau) {
  const std::span<real> image = sample.image();
  const std::span<const real> original = sample.original();
  const std::size_t n = image.size();
  const HingedMargin loss{Climb(Loss::margin, sample), how.kappa};
  std::vector<real> gradient(n);
  Descent adam(n, how.rate);
  Stalling stalling(how.abort_early, how.steps);
  for (unsigned k = 0; k < how.steps; ++k) {
    const Slope slope = co_await sample.slope(image, loss, how.kappa == 0);
    ++sample.note().steps;
    double excess = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const real change = image[i] - original[i];
      const real beyond = std::max(std::abs(change) - tau, real{0});
      gradient[i] = (beyond > 0 ? sign(change) : real{0}) - (slope.gradient.empty() ? real{0} : c * slope.gradient[i]);
      excess += static_cast<double>(beyond);
    }
    const double missing = std::max(static_cast<double>(how.kappa) - static_cast<double>(slope.loss), 0.0);
    if (excess == 0 && sample.reached(static_cast<int>(argmax(slope.logits))) && missing == 0) co_return true;
    if (stalling.stalled(k, excess + static_cast<double>(c) * missing, missing)) break;
    adam.step(gradient, image);
  }
  co_return false;
}

}  // namespace

Task<Stop> CarliniWagnerLinf::search(GradientOracle& sample) const {
  const std::span<const real> original = sample.original();
  std::vector<real> start(original.begin(), original.end());
  real tau = std::numeric_limits<real>::infinity();
  for (real weight = c; weight <= real{most_c} && tau > 0;) {
    std::ranges::copy(start, sample.image().begin());
    const Task<bool> run = keep_below(sample, *this, weight, tau);
    const bool reached = co_await run;
    if (reached) {
      start.assign(sample.image().begin(), sample.image().end());
      tau = real{tau_decay} * static_cast<real>(distances(original, start).linf);
    } else {
      weight *= 2;
    }
  }
  const Task<Stop> back = refine_best(sample, refine);
  co_return co_await back;
}

void CarliniWagnerLinf::check_goal(const Goal& goal, std::size_t class_count) const {
  check_classes(name, Loss::margin, goal.targeted, class_count);
}

}  // namespace hans::attacks
