// Functions of one number that a network writes as several layers.
#pragma once

#include <functional>
#include <optional>

#include <hans/nn/sequential.hpp>
#include "graph.hpp"

namespace hans::nn::bounds {

/// A layer's output as a function of one number: of the element at the same place of an earlier value.
struct Chain {
  std::size_t source = 0;  ///< the layer whose output that is, or Source::images
  Curve curve;             ///< evaluates the layers between, one after the other
};

/// The chain that ends at a layer, such as x * 0.5 * (1 + erf(x / sqrt(2))), as short as it can be; nothing if its
/// operands have no common source, or a layer between has another shape or is none of: sums, products, quotients by a
/// number, squares and cubes, erf, tanh, sigmoid, hard_sigmoid, clip and relu. `constant`: the output of a layer that
/// does not depend on the images, else nullptr. The network must outlive it.
std::optional<Chain> chain_at(const Sequential& net, std::size_t position,
                              const std::function<const Tensor*(std::size_t layer)>& constant);

}  // namespace hans::nn::bounds
