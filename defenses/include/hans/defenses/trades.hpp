// TRADES: a loss that weighs robustness against accuracy.
#pragma once

#include <hans/defenses/defense.hpp>

namespace hans::defenses {

/// The loss CE(f(x), y) + beta * KL(softmax f(x) || softmax f(x')): the second term asks for the same answer in the
/// whole ball, whatever the label (Zhang 2019, eq. 5; beta is the paper's 1 / lambda, 1 to 6 there). x' is found by
/// `steps` steps of pgd:loss=kl from x + 0.001 N(0, 1), in evaluation mode with the current weights. As in the authors'
/// code, the gradient of the divergence flows through both logits in training, and through those of x' alone in the
/// attack. Both forward passes update batch statistics. beta = 0 is plain training without an attack. Labels are not
/// smoothed by default. Cost of a step: training on both images, and steps + 1 gradients.
struct Trades {
  Required<float> eps;
  float beta = 1;
  attacks::Norm norm = attacks::Norm::linf;
  unsigned steps = 10;
  std::optional<float> alpha = {};
  float smoothing = 0;

  static constexpr std::string_view name = "trades";
  static constexpr std::string_view meaning = "learn to be right, and to say the same all over the ball";
  static constexpr std::string_view paper = "Zhang 2019, arXiv:1901.08573";
  static constexpr auto fields() {
    return std::tuple(
        field("eps", &Trades::eps, at_least(0), "radius of the ball, in data units"),
        field("beta", &Trades::beta, at_least(0), "weight of the divergence: the paper's 1/lambda"),
        field("norm", &Trades::norm, up_to(attacks::Norm::l2), "of the ball"),
        field("steps", &Trades::steps, at_least(1), "gradients of the attack"),
        field("alpha", &Trades::alpha, at_least(0), "size of a step, in data units", "2.5*eps/steps"),
        field("smoothing", &Trades::smoothing, between_from(0, 1), "share of a label given to the other classes"));
  }
  Trades resolved() const;
  Var loss(const nn::TrainStep& step) const;
};

}  // namespace hans::defenses
