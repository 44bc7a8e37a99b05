// Adversarial training.
#pragma once

#include <hans/defenses/defense.hpp>

namespace hans::defenses {

/// The default label smoothing of adversarial training, that of the cleverhans v1.0.0 tutorial. On MNIST it is worth
/// half a point of clean and one and a half points of robust accuracy.
inline constexpr float usual_smoothing = 0.1F;

/// The loss clean_weight * loss(x) + (1 - clean_weight) * loss(x'), where x' is crafted from x in evaluation mode with
/// the current weights (Goodfellow 2014, section 6; the report averages both) and loss is the cross entropy with
/// smoothed labels. If the attack leaves the label open, it moves away from the model's prediction, so that the true
/// label does not leak into x'. Targeted attacks aim at (label + 1) mod classes.
struct Adversarial {
  Required<attacks::Attack> attack;
  float clean_weight = 0.5F;
  float smoothing = usual_smoothing;

  static constexpr std::string_view name = "adversarial";
  static constexpr std::string_view meaning = "learn from clean and attacked images";
  static constexpr std::string_view paper = "Goodfellow 2014, arXiv:1412.6572";
  static constexpr auto fields() {
    return std::tuple(
        field("attack", &Adversarial::attack, "crafts an example from each image of a batch"),
        field("clean_weight", &Adversarial::clean_weight, between(0, 1), "share of the clean loss"),
        field("smoothing", &Adversarial::smoothing, between_from(0, 1), "share of a label given to the other classes"));
  }
  void validate() const;
  Adversarial resolved() const;  ///< with the attack as Attack::in_training()
  Var loss(const nn::TrainStep& step) const;
};

/// Options of adversarial_training(); see Adversarial.
struct AdversarialOptions {
  float clean_weight = 0.5F;
  float smoothing = usual_smoothing;
};

/// Adversarial training with an attack, as a loss for nn::fit and nn::Trainer.
nn::Loss adversarial_training(attacks::Attack attack, AdversarialOptions options = {});

}  // namespace hans::defenses
