// Elastic-net attack.
#pragma once

#include <hans/attacks/driver.hpp>

namespace hans::attacks {

/// Minimum-norm attack in l1 (Chen 2018): minimizes c * max(kappa - margin, 0) + |x' - x|_2^2 + beta * |x' - x|_1 by
/// FISTA, whose steps shrink every change by beta and whose rate falls as a square root. A binary search of `searches`
/// runs finds the smallest c that reaches the goal: times 10 until a run does, then halving the interval. With
/// abort_early a run ends if a tenth of its steps lowered neither the objective nor the missing margin by 0.01 %. Then
/// `refine` forward passes look for a nearer image (see refine_best), which the paper does not. Cost: a gradient and
/// two forward passes a step; for kappa = 0 no gradient where the goal is reached.
struct Ead {
  unsigned searches = 9;
  unsigned steps = 1000;
  float rate = 0.01F;
  float c = 1e-3F;
  float kappa = 0;
  float beta = 1e-2F;
  bool abort_early = true;
  unsigned refine = 10;

  static constexpr std::string_view name = "ead";
  static constexpr std::string_view meaning = "nearest image in l1: elastic net, distance and margin weighed by search";
  static constexpr std::string_view paper = "Chen 2018, arXiv:1709.04114";
  static constexpr std::string_view norms = "l1";
  static constexpr auto fields() {
    return std::tuple(field("searches", &Ead::searches, at_least(1), "values of c that are tried"),
                      field("steps", &Ead::steps, at_least(1), "for each c"),
                      field("rate", &Ead::rate, at_least(0), "of the first step"),
                      field("c", &Ead::c, at_least(0), "first weight of the margin"),
                      field("kappa", &Ead::kappa, at_least(0), "margin that is aimed at"),
                      field("beta", &Ead::beta, at_least(0), "weight of the l1 distance"),
                      field("abort_early", &Ead::abort_early, "end runs that get no better"),
                      field("refine", &Ead::refine, "forward passes on the way back"));
  }

  void check_goal(const Goal& goal, std::size_t class_count) const;
  Task<Stop> search(GradientOracle& sample) const;
};

}  // namespace hans::attacks
