// Sigma-zero.
#pragma once

#include <hans/attacks/driver.hpp>

namespace hans::attacks {

/// Minimum-norm attack in l0, for the fewest changed features (Cina 2025): steps down max(-margin, 0) plus the mean of
/// v^2 / (v^2 + sigma) over the changes v, a smooth count of them. Each gradient is divided by its largest element.
/// Changes below a threshold are undone; the threshold rises by `tau_rate` of the step while the goal is reached and
/// falls while it is not. The step falls from `rate` to a tenth of it along half a cosine. Then `refine` forward passes
/// undo changes one by one (see refine_best), which the paper does not. Cost: a gradient a step.
struct SigmaZero {
  unsigned steps = 100;
  float rate = 1;
  float sigma = 1e-3F;
  float tau = 0.3F;
  float tau_rate = 0.01F;
  unsigned refine = 10;

  static constexpr std::string_view name = "sigma-zero";
  static constexpr std::string_view meaning = "fewest features: a smooth count of them, and a threshold";
  static constexpr std::string_view paper = "Cina 2025, arXiv:2402.01879";
  static constexpr std::string_view norms = "l0";
  static constexpr auto fields() {
    return std::tuple(field("steps", &SigmaZero::steps, at_least(1), "gradients"),
                      field("rate", &SigmaZero::rate, at_least(0), "length of the first step"),
                      field("sigma", &SigmaZero::sigma, at_least(0), "how sharp the count is"),
                      field("tau", &SigmaZero::tau, between(0, 1), "first threshold"),
                      field("tau_rate", &SigmaZero::tau_rate, at_least(0), "how fast the threshold moves"),
                      field("refine", &SigmaZero::refine, "changes that are taken back in the end"));
  }

  void check_goal(const Goal& goal, std::size_t class_count) const;
  Task<Stop> search(GradientOracle& sample) const;
};

}  // namespace hans::attacks
