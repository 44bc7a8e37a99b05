// Networks as bounds see them.
#pragma once

#include "graph.hpp"

namespace hans::nn::bounds {

/// The graph of a network. Throws Error, which names the layer and what could be done, for a layer that no bound is
/// known for. A softmax at the end, which leaves the order of the logits, is left out.
Graph graph_of(const Sequential& net);

}  // namespace hans::nn::bounds
