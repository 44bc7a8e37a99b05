// Memory use of a network.
#pragma once

#include <cstddef>

#include <hans/nn/optim.hpp>
#include <hans/nn/sequential.hpp>

namespace hans::nn {

/// Bytes, in addition to the program and the data set.
struct MemoryUse {
  std::size_t weights;  ///< of the network itself; the other members exclude it
  std::size_t infer;    ///< computing the logits of a batch
  std::size_t attack;   ///< computing the gradient of a batch's losses with respect to its images, all at once
  std::size_t train;    ///< training steps: activations, gradients and the optimizer's state
};

/// Measures the memory use by running each task on images of zeros. For networks that run in pieces
/// (Classifier::piece), inference and attacks use less. Cost: about three training steps of `batch` images. Throws
/// Error if memory does not suffice, or for an empty batch.
MemoryUse memory_use(const Sequential& net, std::size_t batch, Optimizer optimizer = Adam{});

}  // namespace hans::nn
