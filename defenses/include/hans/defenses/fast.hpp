// Fast adversarial training, which undoes catastrophic overfitting.
#pragma once

#include <hans/defenses/defense.hpp>

namespace hans::defenses {

/// The loss CE(f(x'), y). x' is a random point of the linf ball, moved by one step of size alpha along the sign of the
/// gradient, back in ball and box (Wong 2020, algorithm 3). As in all attacks, the gradient is taken in evaluation
/// mode, with the current weights; the authors take it in training mode.
///
/// One step may teach a network to withstand that step alone (catastrophic overfitting). So every `probe` steps, and
/// after the last step of the run, the accuracy after a step is compared with that after PGD (10 steps of a quarter of
/// eps), on the images of the run's first batch (at most 128). The network has overfitted if its accuracy under PGD is
/// more than 0.2 below that under a step. If it is also more than 0.2 below the best that a probe has seen, the network
/// gets the weights and buffers of the last probe at which it was not, and from there on x' takes twice as many steps
/// (2, 4, 8, at most 16) of half of alpha. A network that has overfitted without having been better is not changed; at
/// every fifth probe x' takes twice as many steps. The optimizer's state stays. Cost of a step: 2 gradients, and one
/// more for each further step of x'; a probe costs 11 gradients of 128 images.
struct Fast {
  Required<float> eps;
  std::optional<float> alpha = {};
  unsigned probe = 20;
  float smoothing = 0;

  static constexpr std::string_view name = "fast";
  static constexpr std::string_view meaning = "learn from one step of attack, and notice when that is not enough";
  static constexpr std::string_view paper = "Wong 2020, arXiv:2001.03994";
  static constexpr auto fields() {
    return std::tuple(
        field("eps", &Fast::eps, at_least(0), "radius of the linf ball, in data units"),
        field("alpha", &Fast::alpha, at_least(0), "size of the step, in data units", "1.25*eps"),
        field("probe", &Fast::probe, at_least(1), "training steps between two looks for overfitting"),
        field("smoothing", &Fast::smoothing, between_from(0, 1), "share of a label given to the other classes"));
  }
  Fast resolved() const;
  Var loss(const nn::TrainStep& step) const;
  void after(const nn::RunStep& step, nn::Sequential& net) const;
};

}  // namespace hans::defenses
