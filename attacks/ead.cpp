// Elastic-net attack.
#include <hans/attacks/ead.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include <hans/attacks/losses.hpp>
#include <hans/attacks/steps.hpp>

namespace hans::attacks {
namespace {

/// One run with one c. Whether it reached the goal.
Task<bool> shrink_and_step(GradientOracle& sample, const Ead& how, const real c) {
  const std::span<const real> original = sample.original();
  const std::span<real> image = sample.image();
  const std::size_t n = image.size();
  const Climb margin(Loss::margin, sample);
  const auto loss = [&](std::span<const real> logits, std::span<real> seed) {
    const real found = margin(logits, seed);
    if (found >= how.kappa) std::ranges::fill(seed, real{0});
    return found;
  };
  std::vector<real> ahead(original.begin(), original.end());  // where the gradient is taken
  std::vector<real> before(n);
  std::ranges::copy(original, image.begin());
  const unsigned tenth = (how.steps + 9) / 10;
  double objective_before = std::numeric_limits<double>::infinity();
  double missing_before = std::numeric_limits<double>::infinity();
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
    if (!how.abort_early || k % tenth != 0) continue;
    if (objective > 0.9999 * objective_before && missing > 0.9999 * missing_before) break;
    objective_before = objective;
    missing_before = missing;
  }
  co_return reached;
}

}  // namespace

Budget Ead::budget(const Shape&, data::Box box) const {
  check_fields(*this);
  return nearest_budget(Norm::l1, box);
}

Task<Stop> Ead::search(GradientOracle& sample) const {
  real weight = c;
  real low = 0;
  real high = std::numeric_limits<real>::infinity();
  for (unsigned k = 0; k < searches; ++k) {
    const Task<bool> one = shrink_and_step(sample, *this, weight);
    const bool reached = co_await one;
    (reached ? high : low) = weight;
    weight = std::isinf(high) ? weight * 10 : (low + high) / 2;
  }
  const Task<Stop> back = refine_kept(sample, refine);
  co_return co_await back;
}

Crafted Ead::operator()(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                        const CraftOptions& options) const {
  check_classes(name, Loss::margin, goal.targeted, model.classes());
  return craft(*this, model, samples, goal, options);
}

}  // namespace hans::attacks
