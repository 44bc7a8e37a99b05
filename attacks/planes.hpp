// The nearest point of a plane: what attacks do that take the model to be linear.
#pragma once

#include <span>

#include <hans/attacks/attack.hpp>

namespace hans::attacks {

/// The change of least length in the norm (not l0) that takes `point` to the plane of all x with w . x = w . point +
/// rise, without leaving low to high. Where the ranges do not reach the plane, every feature goes to its end. Features
/// with w = 0 stay. Cost: a few passes over the features; in l1 a sort.
void step_to_plane(std::span<const real> point, std::span<const real> w, double rise, std::span<const real> low,
                   std::span<const real> high, Norm norm, std::span<real> change);

}  // namespace hans::attacks
