// What training makes small, and what else a method of training does in a step.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <hans/data/dataset.hpp>
#include <hans/nn/sequential.hpp>

namespace hans::nn {

/// Finite numbers that a method keeps from step to step. Checkpoints hold them, so a run that was killed goes on with
/// them.
struct Kept {
  std::deque<std::pair<std::string, Tensor>> tensors;

  /// The numbers of this name, to read and to change: a copy of `start` when they are first asked for in a run. The
  /// reference stays good. Throws Error if what is kept has another shape.
  Tensor& at(std::string_view name, const Tensor& start);
};

/// A step of a training run, as what comes before and behind the optimizer sees it.
struct RunStep {
  const Sequential& net;  ///< with its weights as they stand
  const data::Samples& batch;
  Tape& aside;          ///< for what is computed on the way and not learnt from; keeps its memory between steps
  Rng rng;              ///< of the run
  std::uint32_t step;   ///< counted from the start of the run
  std::uint32_t steps;  ///< of the whole run; 0: not known
  Kept& kept;

  /// The share of the run that is behind: step / steps, 0 at first and below 1. Throws UsageError where the number of
  /// steps is not known.
  double progress() const;
};

/// Whether the means and variances that the network keeps follow those of the batch in a forward pass.
enum class Statistics { follow, ignore };

/// The same step, as a loss sees it.
struct TrainStep : RunStep {
  std::span<const Var> weights;  ///< watched; pass them to net.forward
  const Mode& mode;              ///< training mode, for the forward pass that is learnt from
  Tape& tape;

  /// The logits of `images` in training mode. Layers normalise by these images either way.
  Var logits(const Tensor& images, Statistics statistics = Statistics::follow) const;
};

/// Gives the losses of one batch, one per sample; training takes their mean.
class Loss {
 public:
  /// Any method of training. One that needs no more than its losses is a function (see below).
  struct Method {
    virtual ~Method() = default;
    virtual std::string record() const = 0;  ///< describes it in the recipe
    virtual Var losses(const TrainStep& step) const = 0;

    /// Before the optimizer's step, and before the gradients' norm is limited: may change them.
    virtual void before(const RunStep& step, std::span<Tensor> gradients) const;
    /// Behind the optimizer's step: may change the numbers of `net`, which is step.net.
    virtual void after(const RunStep& step, Sequential& net) const;
  };
  using Function = std::function<Var(const TrainStep&)>;

  Loss(std::shared_ptr<const Method> method) : method_(std::move(method)) {}
  Loss(std::string spec, Function function);

  std::string spec() const { return method_->record(); }
  Var operator()(const TrainStep& step) const { return method_->losses(step); }
  const Method& method() const { return *method_; }

 private:
  std::shared_ptr<const Method> method_;
};

/// Cross entropy with the labels, smoothed: 1 - smoothing at the label, smoothing / (classes - 1) elsewhere.
Loss cross_entropy_loss(float smoothing = 0);

}  // namespace hans::nn
