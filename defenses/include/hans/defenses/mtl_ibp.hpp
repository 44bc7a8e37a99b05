// MTL-IBP: between adversarial training and interval bound propagation.
#pragma once

#include <hans/defenses/interval_training.hpp>

namespace hans::defenses {

/// The robust loss alpha * CE(u, y) + (1 - alpha) * CE(f(x'), y), where u are the upper bounds that ibp trains on, and
/// x' is attacked in the same ball (De Palma 2024, eq. 7). Small alphas give networks that branch and bound certifies
/// and intervals do not, with a higher clean accuracy: judge them by `hans certify`, not by intervals. x' is found by
/// pgd in evaluation mode with the current weights: for one step from a random start to a corner of the ball, else
/// `steps` steps of max(1/4, 2/steps) of the radius. alpha = 1 is ibp, with its bits; alpha = 0 adversarial training
/// with its ramp. Cost of a step: four times that of plain training, and steps + 1 gradients.
struct MtlIbp : IntervalTraining {
  Required<float> alpha;
  unsigned steps = 1;

  static constexpr std::string_view name = "mtl-ibp";
  static constexpr std::string_view meaning = "learn from attacked images, and a little of what intervals can prove";
  static constexpr std::string_view paper = "De Palma 2024, arXiv:2305.13991";
  static constexpr auto fields() {
    return fields_with(field("alpha", &MtlIbp::alpha, between(0, 1), "share of intervals in the robust loss"),
                       field("steps", &MtlIbp::steps, at_least(1), "gradients of the attack"));
  }
  void validate() const;
  MtlIbp resolved() const;
  Var loss(const nn::TrainStep& step) const;
};

}  // namespace hans::defenses
