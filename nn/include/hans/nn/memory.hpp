// How much memory work with a network takes.
#pragma once

#include <cstddef>

#include <hans/nn/optim.hpp>
#include <hans/nn/sequential.hpp>

namespace hans::nn {

/// Bytes, besides the program and the data set.
struct MemoryUse {
  std::size_t weights;  ///< of the network itself; the others come on top
  std::size_t infer;    ///< the logits of a batch
  std::size_t attack;   ///< the gradient of a batch's losses with respect to its images, all of them together
  std::size_t train;    ///< a training step: activations, gradients and the optimizer's state
};

/// Measured, not estimated: each is done on images of zeros. Of networks that go in pieces (Classifier::piece), infer
/// and attack hold less at a time. Cost: two training steps of `batch` images. Throws Error if there is no room for it,
/// or for an empty batch.
MemoryUse memory_use(const Sequential& net, std::size_t batch, Optimizer optimizer = Adam{});

}  // namespace hans::nn
