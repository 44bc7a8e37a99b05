// The attack of Carlini and Wagner.
#include <hans/attacks/carlini_wagner.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include <hans/attacks/descent.hpp>
#include <hans/attacks/losses.hpp>
#include <hans/attacks/steps.hpp>
#include <hans/core/reduce.hpp>

namespace hans::attacks {
namespace {

/// One run with one c. Whether it reached the goal.
Task<bool> minimise(GradientOracle& sample, const CarliniWagner& how, const real c) {
  const std::span<real> image = sample.image();
  const std::span<const real> original = sample.original();
  const std::size_t n = image.size();
  const Climb margin(Loss::margin, sample);
  const auto loss = [&](std::span<const real> logits, std::span<real> seed) {
    const real found = margin(logits, seed);
    if (found >= how.kappa) std::ranges::fill(seed, real{0});
    return found;
  };
  std::vector<real> gradient(n);
  std::ranges::copy(original, image.begin());
  Descent adam(n, how.rate);
  const unsigned tenth = (how.steps + 9) / 10;
  double objective_before = std::numeric_limits<double>::infinity();
  double missing_before = std::numeric_limits<double>::infinity();
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
    if (!how.abort_early || k % tenth != 0) continue;
    const double missing = std::max(static_cast<double>(how.kappa) - static_cast<double>(slope.loss), 0.0);
    const double objective = distance + static_cast<double>(c) * missing;
    if (objective > 0.9999 * objective_before && missing > 0.9999 * missing_before) break;
    objective_before = objective;
    missing_before = missing;
  }
  co_return reached;
}

}  // namespace

Budget CarliniWagner::budget(const Shape&, data::Box box) const {
  check_fields(*this);
  return nearest_budget(Norm::l2, box);
}

Task<Stop> CarliniWagner::search(GradientOracle& sample) const {
  real weight = c;
  real low = 0;
  real high = std::numeric_limits<real>::infinity();
  for (unsigned k = 0; k < searches; ++k) {
    const Task<bool> one = minimise(sample, *this, weight);
    const bool reached = co_await one;
    (reached ? high : low) = weight;
    weight = std::isinf(high) ? weight * 10 : (low + high) / 2;
  }
  const Task<Stop> back = refine_kept(sample, refine);
  co_return co_await back;
}

Crafted CarliniWagner::operator()(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                                  const CraftOptions& options) const {
  check_classes(name, Loss::margin, goal.targeted, model.classes());
  return craft(*this, model, samples, goal, options);
}

}  // namespace hans::attacks
