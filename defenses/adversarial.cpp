// Adversarial training.
#include <hans/defenses/adversarial.hpp>

#include <hans/core/error.hpp>

namespace hans::defenses {

void Adversarial::validate() const { check_usage(attack.value().present(), "adversarial training needs an attack"); }

Adversarial Adversarial::resolved() const { return {attack.value().in_training(), clean_weight, smoothing}; }

Var Adversarial::loss(const nn::TrainStep& step) const {
  const Tensor images = attacked(step, attack, name);  // before the tape records anything
  const auto smooth = static_cast<real>(smoothing);
  const auto weight = static_cast<real>(clean_weight);
  const Var clean = cross_entropy(step.logits(step.batch.images), step.batch.labels, smooth);
  const Var adversarial = cross_entropy(step.logits(images), step.batch.labels, smooth);
  return clean * weight + adversarial * (1 - weight);
}

nn::Loss adversarial_training(attacks::Attack attack, AdversarialOptions options) {
  return Defense(Adversarial{std::move(attack), options.clean_weight, options.smoothing});
}

}  // namespace hans::defenses
