// One training step, and the state that it keeps for the next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <hans/nn/loss.hpp>
#include <hans/nn/optim.hpp>

namespace hans::nn {

/// Trains a network step by step. Reuses tapes and gradients, so that after two equal steps nothing more is allocated.
/// The network and the optimizer belong to the caller and must outlive the trainer.
class Trainer {
 public:
  /// `rng` is the run's; it drives dropout and the loss. `clip` limits the l2 norm of the gradient; 0 means no limit.
  /// `steps` is the length of the whole run, if known (RunStep::progress).
  Trainer(Sequential& net, Optimizer& optimizer, Loss loss, Rng rng, double clip = 0, std::uint32_t steps = 0);

  /// Performs one optimizer step on the mean loss of `batch`, and returns the losses before the step, one per sample.
  /// `number` counts the steps of the run; `factor` scales the learning rate. Throws Error for an empty batch, or if a
  /// loss or gradient is not finite; network and optimizer are then unchanged (but not necessarily kept()).
  Tensor step(const data::Samples& batch, std::uint32_t number, real factor = 1);

  /// The tensors that the training method keeps between steps. Together with network and optimizer they are the whole
  /// state.
  Kept& kept() { return kept_; }

  /// Bytes of tensor memory obtained from the system: activations, gradients, and side computations of the loss.
  std::size_t bytes() const { return tape_.bytes() + aside_.bytes(); }

 private:
  Sequential& net_;
  Optimizer& optimizer_;
  Loss loss_;
  Rng rng_;
  double clip_;
  std::uint32_t steps_;
  Kept kept_;
  Tape tape_, aside_;
  Tensor seed_;  // the weight of each loss in the mean
  std::vector<Tensor> gradients_;
  std::vector<BatchStatistics> statistics_;
};

}  // namespace hans::nn
