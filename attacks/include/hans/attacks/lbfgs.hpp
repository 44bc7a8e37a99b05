// The attack of Szegedy et al., with L-BFGS.
#pragma once

#include <hans/attacks/driver.hpp>

namespace hans::attacks {

/// Minimum-norm attack in l2: minimizes |x' - x|^2 + c * cross entropy of the target (untargeted: minus that of the
/// label) in the box with L-BFGS (Szegedy 2013, section 4.1). Each quasi-Newton step follows from the last 10, moves
/// the features that no end of the box holds, is clipped to the box, and is halved until the objective falls enough. A
/// binary search of `searches` runs finds the smallest c that reaches the goal: times 10 until a run does, then halving
/// the interval. Then `refine` forward passes look for a nearer image (see refine_best). Cost: a gradient for each
/// image that a run tries.
struct Lbfgs {
  unsigned searches = 9;
  unsigned steps = 100;
  float c = 0.1F;
  unsigned refine = 10;

  static constexpr std::string_view name = "l-bfgs";
  static constexpr std::string_view meaning = "nearest image in l2: distance and cross entropy weighed, by L-BFGS";
  static constexpr std::string_view paper = "Szegedy 2013, arXiv:1312.6199";
  static constexpr std::string_view norms = "l2";
  static constexpr auto fields() {
    return std::tuple(field("searches", &Lbfgs::searches, at_least(1), "values of c that are tried"),
                      field("steps", &Lbfgs::steps, at_least(1), "of L-BFGS for each c"),
                      field("c", &Lbfgs::c, at_least(0), "first weight of the cross entropy"),
                      field("refine", &Lbfgs::refine, "forward passes on the way back"));
  }

  Task<Stop> search(GradientOracle& sample) const;
};

}  // namespace hans::attacks
