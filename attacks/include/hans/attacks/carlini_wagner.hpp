// The attack of Carlini and Wagner.
#pragma once

#include <hans/attacks/driver.hpp>

namespace hans::attacks {

/// Minimum-norm attack in l2: minimizes |x' - x|^2 + c * max(kappa - margin, 0) with Adam (Carlini and Wagner 2017). Of
/// the paper's ways to stay in the box it uses projected gradient descent: with a tanh change of variables, features at
/// an end of the box (most of those of a digit) have no slope and hardly move. A binary search of `searches` runs finds
/// the smallest c that reaches the goal: times 10 until a run does, then halving the interval. With abort_early a run
/// ends if a tenth of its steps lowered neither the objective nor the missing margin by 0.01 %. Cost: a forward pass
/// and a gradient a step; for kappa = 0 no gradient where the goal is reached.
struct CarliniWagner {
  unsigned searches = 9;
  unsigned steps = 1000;
  float rate = 0.01F;
  float c = 1e-3F;
  float kappa = 0;
  bool abort_early = true;
  unsigned refine = 0;

  static constexpr std::string_view name = "cw";
  static constexpr std::string_view meaning = "nearest image in l2: distance and margin weighed by binary search";
  static constexpr std::string_view paper = "Carlini 2017, arXiv:1608.04644";
  static constexpr std::string_view norms = "l2";
  static constexpr auto fields() {
    return std::tuple(field("searches", &CarliniWagner::searches, at_least(1), "values of c that are tried"),
                      field("steps", &CarliniWagner::steps, at_least(1), "of Adam for each c"),
                      field("rate", &CarliniWagner::rate, at_least(0), "of Adam"),
                      field("c", &CarliniWagner::c, at_least(0), "first weight of the margin"),
                      field("kappa", &CarliniWagner::kappa, at_least(0), "margin that is aimed at"),
                      field("abort_early", &CarliniWagner::abort_early, "end runs that get no better"),
                      field("refine", &CarliniWagner::refine, "forward passes on the way back"));
  }

  void check_goal(const Goal& goal, std::size_t class_count) const;
  Task<Stop> search(GradientOracle& sample) const;
};

}  // namespace hans::attacks
