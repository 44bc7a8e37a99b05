// TRADES: accuracy and robustness, weighed against each other.
#pragma once

#include <hans/defenses/defense.hpp>

namespace hans::defenses {

/// CE(f(x), y) + beta * KL(softmax f(x) || softmax f(x')): the second term asks for the same answer all over the ball,
/// whatever the label (Zhang 2019, eq. 5; beta is its 1 / lambda, and 1 to 6 there). x' is what pgd:loss=kl reaches in
/// `steps` steps from x + 0.001 N(0, 1), in evaluation mode against the current weights. The gradient of the divergence
/// goes through both logits in training, through those of x' alone in the attack, as in the authors' code. Both passes
/// count for batch statistics. With beta = 0 nothing is attacked: it is plain training. Labels are hard by default.
/// Cost of a step: as training on both, and steps + 1 gradients.
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
