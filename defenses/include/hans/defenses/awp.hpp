// Adversarial weight perturbation, around any other defence.
#pragma once

#include <hans/defenses/defense.hpp>

namespace hans::defenses {

/// The loss of another defence at perturbed weights: each tensor w of rank 2 or more becomes w + gamma * |w| / |g| * g,
/// where g is the gradient of the batch's mean loss at w and |.| the l2 norm of a tensor; biases, scales and tensors
/// with |g| = 0 stay (Wu 2020, algorithm 1, with one step; its step size cancels out). The optimizer applies the
/// gradient at the perturbed weights to the unperturbed ones. Attacked images are crafted with the unperturbed weights.
/// The pass that gives g updates no batch statistics and keeps nothing between steps. gamma = 0 is the other defence
/// alone, with its bits. Smoothing is the other defence's parameter. Cost of a step: twice that of the other defence.
struct Awp {
  Required<Defense> of;
  float gamma = 0.01F;

  static constexpr std::string_view name = "awp";
  static constexpr std::string_view meaning = "train another defence where its loss is highest around the weights";
  static constexpr std::string_view paper = "Wu 2020, arXiv:2004.05884";
  static constexpr auto fields() {
    return std::tuple(
        field("of", &Awp::of, "the defence, such as [trades:eps=0.3]"),
        field("gamma", &Awp::gamma, at_least(0), "size of the perturbation, as a share of the weights' norm"));
  }
  void validate() const;
  Var loss(const nn::TrainStep& step) const;
  void before(const nn::RunStep& step, std::span<Tensor> gradients) const;
  void after(const nn::RunStep& step, nn::Sequential& net) const;
};

}  // namespace hans::defenses
