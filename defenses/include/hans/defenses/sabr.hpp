// SABR: interval bound propagation on a small box where an attack went.
#pragma once

#include <hans/defenses/interval_training.hpp>

namespace hans::defenses {

/// The robust loss of ibp on a small box inside the ball (Mueller 2023, eq. 4). With r the half-width of the ball, cut
/// with the box of the data, in each feature, the small box has the half-width lambda * r; its centre is the nearest to
/// x' with which it stays inside. x' is attacked in the ball as for mtl-ibp. Intervals over small boxes are tighter, so
/// small lambdas cost less clean accuracy and need branch and bound: judge these networks by `hans certify`. lambda = 1
/// is ibp, with its bits and without an attack; lambda = 0 adversarial training with its ramp. Cost of a step: three
/// times that of plain training, and steps + 1 gradients.
struct Sabr : IntervalTraining {
  Required<float> lambda;
  unsigned steps = 8;

  static constexpr std::string_view name = "sabr";
  static constexpr std::string_view meaning = "learn what intervals can prove around attacked images";
  static constexpr std::string_view paper = "Mueller 2023, arXiv:2210.04871";
  static constexpr auto fields() {
    return fields_with(field("lambda", &Sabr::lambda, between(0, 1), "size of the small box, as a share of the ball"),
                       field("steps", &Sabr::steps, at_least(1), "gradients of the attack"));
  }
  void validate() const;
  Sabr resolved() const;
  Var loss(const nn::TrainStep& step) const;
};

}  // namespace hans::defenses
