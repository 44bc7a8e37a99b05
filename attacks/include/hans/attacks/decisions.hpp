// What decision-based attacks share: a start, and the way back to the boundary.
#pragma once

#include <span>

#include <hans/attacks/judge.hpp>
#include <hans/attacks/oracle.hpp>

namespace hans::attacks {

/// Sets the sample's image to one that reaches the goal: on the first call the image itself if it does, else noise that
/// is uniform in the box. `tried` counts the draws over all calls, up to `tries`. Returns whether one was found.
Task<bool> find_start(LabelOracle& sample, unsigned tries, unsigned& tried);

/// Moves an image that reaches the goal back to the boundary, with 14 steps of a binary search over the radius of the
/// ball it is projected into (project_to). The result still reaches the goal. Cost: 14 forward passes.
Task<Stop> move_to_boundary(LabelOracle& sample, std::span<real> image);

}  // namespace hans::attacks
