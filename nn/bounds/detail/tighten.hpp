// Bounds of all values of a network.
#pragma once

#include <hans/nn/ball.hpp>
#include "optimise.hpp"

namespace hans::nn::bounds {

/// Bounds all values of the network, without the margins; `known` has its sets of images.
Known known_of(const Graph& graph, Known known, const BoundOptions& options, Tape& tape);

/// The value where interval bounds of the margins start: the operand of the last affine layers.
std::size_t elided(const Graph& graph);

}  // namespace hans::nn::bounds
