// What attacks have in common that see nothing but classes.
#pragma once

#include <span>

#include <hans/attacks/judge.hpp>
#include <hans/attacks/oracle.hpp>

namespace hans::attacks {

/// Makes the sample's image one that reaches the goal: at first the original itself if it does, else noise, uniform in
/// the box. `tried` counts what was drawn, over all calls, up to `tries`. Whether one was found.
Task<bool> begin_reaching(LabelOracle& sample, unsigned tries, unsigned& tried);

/// Brings an image that reaches the goal back to the boundary, by halving the ball that it is projected into
/// (project_to) 14 times; it still reaches the goal.
Task<Stop> back_to_boundary(LabelOracle& sample, std::span<real> image);

}  // namespace hans::attacks
