// What training makes small.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <utility>

#include <hans/data/dataset.hpp>
#include <hans/nn/sequential.hpp>

namespace hans::nn {

/// One training step as a loss sees it.
struct TrainStep {
  const Sequential& net;         ///< its weights are the values of `weights`
  std::span<const Var> weights;  ///< watched; pass them to net.forward
  const data::Samples& batch;
  const Mode& mode;  ///< training mode, for the forward pass that is learnt from
  Tape& tape;
  Tape& aside;         ///< for what is computed on the way and not learnt from; keeps its memory between steps
  Rng rng;             ///< of the run
  std::uint32_t step;  ///< counted from the start of the run

  /// The logits of `images` in training mode.
  Var logits(const Tensor& images) const { return net.forward(weights, tape.constant(images), mode); }
};

/// Gives the losses of one batch, one per sample; training takes their mean. `spec` describes it for the record.
class Loss {
 public:
  using Function = std::function<Var(const TrainStep&)>;
  Loss(std::string spec, Function function) : spec_(std::move(spec)), function_(std::move(function)) {}

  const std::string& spec() const { return spec_; }
  Var operator()(const TrainStep& step) const { return function_(step); }

 private:
  std::string spec_;
  Function function_;
};

/// Cross entropy with the labels, smoothed: 1 - smoothing at the label, smoothing / (classes - 1) elsewhere.
Loss cross_entropy_loss(float smoothing = 0);

}  // namespace hans::nn
