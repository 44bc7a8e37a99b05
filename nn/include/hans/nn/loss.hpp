// Training methods: the loss that training minimises, and hooks around the optimizer step.
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

/// Finite tensors that a training method keeps between steps. Checkpoints contain them, so an interrupted run resumes
/// with them.
struct Kept {
  std::deque<std::pair<std::string, Tensor>> tensors;

  /// The tensor of this name, for reading and writing; on first use in a run, a copy of `start`. The reference stays
  /// valid. Throws Error if the kept tensor has another shape.
  Tensor& at(std::string_view name, const Tensor& start);

  /// The tensor of this name; null before its first use.
  const Tensor* find(std::string_view name) const;
};

/// A step of a training run, as the hooks around the optimizer step see it.
struct RunStep {
  const Sequential& net;  ///< with its current weights
  const data::Samples& batch;
  Tape& aside;  ///< for side computations that are not differentiated by the step; keeps its memory between steps
  Rng rng;      ///< of the run
  std::uint32_t step;   ///< index in the run, from 0
  std::uint32_t steps;  ///< steps of the whole run; 0: unknown
  Kept& kept;

  /// The completed fraction of the run, step / steps: 0 at first, below 1. Throws UsageError if the number of steps is
  /// unknown.
  double progress() const;
};

/// Whether a forward pass updates the stored means and variances by those of its batch.
enum class Statistics { follow, ignore };

/// A step of a training run, as the loss sees it.
struct TrainStep : RunStep {
  std::span<const Var> weights;  ///< the parameters, tracked; pass them to net.forward
  const Mode& mode;              ///< training mode; for the forward pass that is differentiated
  Tape& tape;

  /// The logits of `images` in training mode. Layers normalise by these images in either case.
  Var logits(const Tensor& images, Statistics statistics = Statistics::follow) const;
};

/// A training method. It computes the losses of a batch, one per sample; training minimises their mean.
class Loss {
 public:
  /// The interface of a training method. A method that consists of its losses alone can be a Function instead.
  struct Method {
    virtual ~Method() = default;
    virtual std::string record() const = 0;  ///< its text in the recipe
    virtual Var losses(const TrainStep& step) const = 0;

    /// Called before gradient clipping and the optimizer step; may change the gradients.
    virtual void before(const RunStep& step, std::span<Tensor> gradients) const;
    /// Called after the optimizer step; may change the parameters and buffers of `net`, which is step.net.
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

/// Cross entropy with label smoothing: targets are 1 - smoothing at the label, smoothing / (classes - 1) elsewhere.
Loss cross_entropy_loss(float smoothing = 0);

}  // namespace hans::nn
