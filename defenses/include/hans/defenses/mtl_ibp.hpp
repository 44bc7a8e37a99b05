// MTL-IBP: between adversarial training and interval bound propagation.
#pragma once

#include <hans/defenses/defense.hpp>

namespace hans::defenses {

/// The loss clean_weight * CE(f(x), y) + (1 - clean_weight) * (alpha * CE(u, y) + (1 - alpha) * CE(f(x'), y)), where u
/// are the upper bounds that ibp trains on, and x' is attacked in the same ball (De Palma 2024, eq. 7). Small alphas
/// give networks that branch and bound certifies and intervals do not, with a higher clean accuracy: judge them by
/// `hans certify`, not by intervals. x' is found by pgd in evaluation mode with the current weights: for one step from
/// a random start to a corner of the ball, else `steps` steps of max(1/4, 2/steps) of the radius. alpha = 1 is ibp,
/// with its bits; alpha = 0 adversarial training with its ramp. Course, l1, statistics and start as for ibp. Cost of a
/// step: four times that of plain training, and steps + 1 gradients.
struct MtlIbp {
  Required<float> eps;
  Required<float> alpha;
  unsigned steps = 1;
  float clean_weight = 0.3F;
  std::optional<float> clean_start = {};
  float warmup = 0;
  float ramp = 0.3F;
  float l1 = 0;
  float smoothing = 0;

  static constexpr std::string_view name = "mtl-ibp";
  static constexpr std::string_view meaning = "learn from attacked images, and a little of what intervals can prove";
  static constexpr std::string_view paper = "De Palma 2024, arXiv:2305.13991";
  static constexpr auto fields() {
    return std::tuple(
        field("eps", &MtlIbp::eps, at_least(0), "radius of the linf ball, in data units"),
        field("alpha", &MtlIbp::alpha, between(0, 1), "share of intervals in the robust loss"),
        field("steps", &MtlIbp::steps, at_least(1), "gradients of the attack"),
        field("clean_weight", &MtlIbp::clean_weight, between(0, 1), "share of the clean loss after the ramp"),
        field("clean_start", &MtlIbp::clean_start, between(0, 1), "its share before the ramp", "clean_weight"),
        field("warmup", &MtlIbp::warmup, between(0, 1), "share of the run with an eps of 0"),
        field("ramp", &MtlIbp::ramp, between(0, 1), "share of the run in which eps rises"),
        field("l1", &MtlIbp::l1, at_least(0), "weight of the sum of |w| in the loss"),
        field("smoothing", &MtlIbp::smoothing, between_from(0, 1), "share of a label given to the other classes"));
  }
  void validate() const;
  MtlIbp resolved() const;
  Var loss(const nn::TrainStep& step) const;
  void before(const nn::RunStep& step, std::span<Tensor> gradients) const;
};

}  // namespace hans::defenses
