// Interval bound propagation: training on the worst that intervals allow.
#pragma once

#include <hans/defenses/defense.hpp>

namespace hans::defenses {

/// The loss clean_weight * CE(f(x), y) + (1 - clean_weight) * CE(u, y), where u_j is the upper bound of z_j - z_y that
/// intervals give for all images within eps of x, cut with the box; the last layer elided (Gowal 2018, eq. 8 to 12).
/// A network that is right on u is certified by `hans certify --method ibp`.
///
/// eps starts at 0 and stays there for `warmup` of the run. For the next `ramp` of it, it rises smoothly: with the
/// fourth power of the step for a quarter of the ramp, then straight (Zhang 2020). While eps is 0 the loss is that of
/// clean images. Over the same time the weight of the clean loss goes straight from clean_start to clean_weight. `l1`
/// adds l1 * |w| of convolutions and linear layers to the loss (Mueller 2023). Batch normalisation takes its statistics
/// from clean images (Shi 2021). Start from `--init intervals`. The network needs layers with a rule for intervals (see
/// nn::interval_pass). Cost of a step: three times that of plain training.
struct Ibp {
  Required<float> eps;
  float clean_weight = 0.3F;
  std::optional<float> clean_start = {};
  float warmup = 0;
  float ramp = 0.3F;
  float l1 = 0;
  float smoothing = 0;

  static constexpr std::string_view name = "ibp";
  static constexpr std::string_view meaning = "learn what intervals can prove in the whole ball";
  static constexpr std::string_view paper = "Gowal 2018, arXiv:1810.12715";
  static constexpr auto fields() {
    return std::tuple(
        field("eps", &Ibp::eps, at_least(0), "radius of the linf ball, in data units"),
        field("clean_weight", &Ibp::clean_weight, between(0, 1), "share of the clean loss after the ramp"),
        field("clean_start", &Ibp::clean_start, between(0, 1), "its share before the ramp", "clean_weight"),
        field("warmup", &Ibp::warmup, between(0, 1), "share of the run with an eps of 0"),
        field("ramp", &Ibp::ramp, between(0, 1), "share of the run in which eps rises"),
        field("l1", &Ibp::l1, at_least(0), "weight of the sum of |w| in the loss"),
        field("smoothing", &Ibp::smoothing, between_from(0, 1), "share of a label given to the other classes"));
  }
  void validate() const;
  Ibp resolved() const;
  Var loss(const nn::TrainStep& step) const;
  void before(const nn::RunStep& step, std::span<Tensor> gradients) const;
};

}  // namespace hans::defenses
