// One training step, and what it keeps for the next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <hans/nn/loss.hpp>
#include <hans/nn/optim.hpp>

namespace hans::nn {

/// Trains a network step by step. Keeps tapes and gradients between steps, so that after two of many equal ones
/// no more memory is asked for. The network and the optimizer are the caller's and must outlive it.
class Trainer {
 public:
  /// `rng` is the run's: of dropout, and of what the loss draws. `clip`: largest l2 norm of the gradient, 0 for none.
  /// `steps`: of the whole run, where they are known (RunStep::progress).
  Trainer(Sequential& net, Optimizer& optimizer, Loss loss, Rng rng, double clip = 0, std::uint32_t steps = 0);

  /// Makes the mean loss of `batch` smaller by one step of the optimizer, and gives the losses from before it, one
  /// per sample. `number` counts the steps of the run; `factor` scales the learning rate. Throws Error for an empty
  /// batch and where a loss or a gradient is not finite; network and optimizer are then as they were
  /// (what the method keeps may not be).
  Tensor step(const data::Samples& batch, std::uint32_t number, real factor = 1);

  /// What the method keeps from step to step: with network and optimizer all that the next step depends on.
  Kept& kept() { return kept_; }

  /// Bytes of tensor memory taken from the system: activations, gradients, and what the loss computes aside.
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
  Tensor seed_;  // the mean's share of each loss
  std::vector<Tensor> gradients_;
  std::vector<BatchStatistics> statistics_;
};

}  // namespace hans::nn
