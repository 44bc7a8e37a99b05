// Adversarial weight perturbation, around any other defence.
#include <hans/defenses/awp.hpp>

#include <algorithm>

#include <hans/attacks/steps.hpp>
#include <hans/autodiff/grad.hpp>
#include <hans/core/error.hpp>

namespace hans::defenses {
namespace {

/// The gradient of the batch's mean loss at the step's weights; leaves no trace in the run.
std::vector<Tensor> ascent(const nn::Loss& loss, const nn::TrainStep& step) {
  std::vector<Tensor> weights;
  for (const Var& weight : step.weights) weights.push_back(weight.value());
  std::vector<Tensor> gradients(weights.size());
  std::vector<nn::BatchStatistics> ignored;
  nn::Mode mode = step.mode;
  if (mode.statistics != nullptr) mode.statistics = &ignored;
  nn::Kept kept = step.kept;
  const nn::RunStep run{step.net, step.batch, step.aside, step.rng, step.step, step.steps, kept};
  const std::size_t size = step.batch.size();
  Tape tape;
  (void)value_and_grads(
      tape,
      [&](std::span<const Var> watched) {
        return loss({run, watched, mode, tape});
      },
      weights, Tensor::full({size}, real{1} / static_cast<real>(std::max<std::size_t>(size, 1))), gradients);
  return gradients;
}

}  // namespace

void Awp::validate() const { check_usage(of.value().present(), "awp needs a defence"); }

Var Awp::loss(const nn::TrainStep& step) const {
  const nn::Loss wrapped = of.value();
  if (gamma == 0) return wrapped(step);
  std::vector<Tensor> gradients = ascent(wrapped, step);
  std::vector<Var> weights(step.weights.begin(), step.weights.end());
  for (std::size_t k = 0; k < weights.size(); ++k) {
    if (weights[k].shape().rank() < 2) continue;
    const double length = attacks::length_l2(gradients[k].values());
    if (length == 0) continue;
    const double share = static_cast<double>(gamma) * attacks::length_l2(weights[k].value().values()) / length;
    for (real& g : gradients[k].mutable_values()) g = attacks::scaled(share, g);
    weights[k] = weights[k] + step.tape.constant(gradients[k]);
  }
  const nn::RunStep& run = step;
  return wrapped({run, weights, step.mode, step.tape});
}

void Awp::before(const nn::RunStep& step, std::span<Tensor> gradients) const {
  nn::Loss(of.value()).method().before(step, gradients);
}

void Awp::after(const nn::RunStep& step, nn::Sequential& net) const { nn::Loss(of.value()).method().after(step, net); }

}  // namespace hans::defenses
