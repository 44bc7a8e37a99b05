// Steps to planes, for attacks that take the model to be linear.
#pragma once

#include <span>
#include <vector>

#include <hans/attacks/losses.hpp>
#include <hans/attacks/oracle.hpp>

namespace hans::attacks {

/// The shortest change in the norm that takes `point` to the plane of all x with w . x = w . point + rise, within the
/// ranges low to high. If the ranges do not reach the plane, every feature goes to its end. Features with w = 0 stay.
/// Throws Error for l0. Cost: a few passes over the features; in l1 a sort.
void step_to_plane(std::span<const real> point, std::span<const real> w, real rise, std::span<const real> low,
                   std::span<const real> high, Norm norm, std::span<real> change);

/// The logit of `up` minus that of `down`, a loss that is zero on the boundary between the two classes.
struct Difference {
  int up, down;
  real operator()(std::span<const real> logits, std::span<real> seed) const {
    return difference(logits, up, down, seed);
  }
};

/// A class boundary, taken to be a plane: how much the difference of logits has to rise to reach it, and the gradient
/// of that difference.
struct Boundary {
  real missing = 0;
  std::vector<real> gradient;
};

/// The boundary nearest in the norm between the goal's class and any of `classes`; the first among equals. `slope` is
/// that of the Difference to the first class, at the last image asked about. Cost: one gradient for each other class.
Task<Boundary> nearest_boundary(GradientOracle& sample, Norm norm, const Slope slope, const std::vector<int>& classes);

}  // namespace hans::attacks
