// The nearest point of a plane: what attacks do that take the model to be linear.
#pragma once

#include <span>
#include <vector>

#include <hans/attacks/losses.hpp>
#include <hans/attacks/oracle.hpp>

namespace hans::attacks {

/// The change of least length in the norm (not l0) that takes `point` to the plane of all x with w . x = w . point +
/// rise, without leaving low to high. Where the ranges do not reach the plane, every feature goes to its end. Features
/// with w = 0 stay. Cost: a few passes over the features; in l1 a sort.
void step_to_plane(std::span<const real> point, std::span<const real> w, real rise, std::span<const real> low,
                   std::span<const real> high, Norm norm, std::span<real> change);

/// The loss whose zero is the boundary between two classes: the logit of `up` minus that of `down`.
struct Difference {
  int up, down;
  real operator()(std::span<const real> logits, std::span<real> seed) const {
    return difference(logits, up, down, seed);
  }
};

/// A boundary, taken to be a plane: what is missing to it, and the gradient of what has to rise by that.
struct Boundary {
  real missing = 0;
  std::vector<real> gradient;
};

/// Of the boundaries between the goal's class and each of `classes` the one nearest in the norm, of equals the first.
/// `slope` is the Difference to the first of them, at the image asked about last. Cost: a gradient for each other.
Task<Boundary> nearest_boundary(GradientOracle& sample, Norm norm, const Slope slope, const std::vector<int>& classes);

}  // namespace hans::attacks
