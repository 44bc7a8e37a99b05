// Adversarial training.
#pragma once

#include <hans/attacks/attack.hpp>
#include <hans/nn/loss.hpp>

namespace hans::defenses {

/// The share of a label that adversarial training gives to the other classes unless told otherwise: that of the
/// cleverhans v1.0.0 tutorial. On MNIST it is worth half a point of clean and one and a half of robust accuracy.
inline constexpr float usual_smoothing = 0.1F;

/// clean_weight * loss(x) + (1 - clean_weight) * loss(x'), with x' crafted from x against the current weights in
/// evaluation mode (Goodfellow 2014, section 6; the report averages both). A label the attack leaves open is the
/// model's own prediction, so that the true one does not leak into x'. Targeted attacks aim at (label + 1) mod classes.
struct Adversarial {
  Required<attacks::Attack> attack;
  float clean_weight = 0.5F;

  static constexpr std::string_view name = "adversarial";
  static constexpr std::string_view meaning = "learn from clean and attacked images";
  static constexpr std::string_view paper = "Goodfellow 2014, arXiv:1412.6572";
  static constexpr auto fields() {
    return std::tuple(field("attack", &Adversarial::attack, "crafts an example from each image of a batch"),
                      field("clean_weight", &Adversarial::clean_weight, between(0, 1), "share of the clean loss"));
  }
  /// The loss to train with; labels are smoothed as in nn::cross_entropy_loss.
  nn::Loss loss(float smoothing = usual_smoothing) const;
};

struct AdversarialOptions {
  float clean_weight = 0.5F;
  float smoothing = usual_smoothing;
};
nn::Loss adversarial_training(attacks::Attack attack, AdversarialOptions options = {});

/// The loss of the defence `spec` names. Throws UsageError that lists all defences.
nn::Loss from_spec(const Spec& spec, float smoothing = usual_smoothing);

struct DefenseInfo {
  std::string name, meaning, paper;
  std::vector<FieldInfo> fields;

  template <class D>
  static DefenseInfo of() {
    return {std::string(D::name), std::string(D::meaning), std::string(D::paper), describe<D>()};
  }
};
std::vector<DefenseInfo> list_defenses();

}  // namespace hans::defenses
