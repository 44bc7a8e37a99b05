// What attacks have in common that see nothing but classes.
#pragma once

#include <span>

#include <hans/attacks/judge.hpp>
#include <hans/attacks/oracle.hpp>

namespace hans::attacks {

/// Makes the sample's image one that reaches the goal: the original itself if it does, or else noise, uniform in the
/// box, drawn up to `tries` times. Whether it was found.
Task<bool> begin_reaching(LabelOracle& sample, unsigned tries);

/// Brings an image that reaches the goal back to the boundary, by halving the ball that it is projected into
/// (project_to) 14 times; it still reaches the goal.
Task<Stop> back_to_boundary(LabelOracle& sample, std::span<real> image);

}  // namespace hans::attacks
