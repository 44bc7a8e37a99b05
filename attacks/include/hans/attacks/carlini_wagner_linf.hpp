// The attack of Carlini and Wagner in linf.
#pragma once

#include <hans/attacks/driver.hpp>

namespace hans::attacks {

/// Minimum-norm attack in linf: minimizes with Adam the sum of the changes' excess over tau plus c * max(kappa -
/// margin, 0) (Carlini and Wagner 2017, section VI-C). A run ends with the first image that reaches the goal without
/// excess; then tau becomes tau_decay times its largest change, and the next run begins at it. A run without such an
/// image doubles c, up to most_c. The box is kept as in `cw`. With abort_early a run ends if a tenth of its steps
/// lowered neither the objective nor the missing margin by 0.01 %. Cost: a forward pass and a gradient a step; for
/// kappa = 0 no gradient where the goal is reached.
struct CarliniWagnerLinf {
  unsigned steps = 1000;
  float rate = 5e-3F;
  float c = 1e-5F;
  float most_c = 20;
  float tau_decay = 0.9F;
  float kappa = 0;
  bool abort_early = true;
  unsigned refine = 10;

  static constexpr std::string_view name = "cw-linf";
  static constexpr std::string_view meaning = "nearest image in linf: changes beyond a falling limit are penalised";
  static constexpr std::string_view paper = "Carlini 2017, arXiv:1608.04644";
  static constexpr std::string_view norms = "linf";
  static constexpr auto fields() {
    using Self = CarliniWagnerLinf;
    return std::tuple(field("steps", &Self::steps, at_least(1), "of Adam in each run"),
                      field("rate", &Self::rate, at_least(0), "of Adam"),
                      field("c", &Self::c, above(0), "first weight of the margin"),
                      field("most_c", &Self::most_c, above(0), "largest weight of the margin"),
                      field("tau_decay", &Self::tau_decay, between_from(0, 1), "by which the limit falls"),
                      field("kappa", &Self::kappa, at_least(0), "margin that is aimed at"),
                      field("abort_early", &Self::abort_early, "end runs that get no better"),
                      field("refine", &Self::refine, "forward passes on the way back"));
  }

  void check_goal(const Goal& goal, std::size_t class_count) const;
  Task<Stop> search(GradientOracle& sample) const;
};

}  // namespace hans::attacks
