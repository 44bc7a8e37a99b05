// What methods that train with intervals share: the course of their losses over a run, and its settings.
#pragma once

#include <hans/defenses/defense.hpp>

namespace hans::defenses {

/// The base of methods that train with intervals. Built in code, it stands first: `MtlIbp{{.eps = 0.1F}, 0.2F}`.
///
/// Their loss is clean_weight * CE(f(x), y) + (1 - clean_weight) * R, where each method has its own robust loss R, over
/// images within eps of x, cut with the box. eps starts at 0 and stays there for `warmup` of the run. For the next
/// `ramp` of it, it rises smoothly: with the fourth power of the step for a quarter of the ramp, then straight (Zhang
/// 2020). While eps is 0 the loss is that of clean images. Over the same time the weight of the clean loss goes
/// straight from clean_start to clean_weight. While eps rises, `regularize` * (1 - eps now / eps) times the regulariser
/// nn::interval_imbalance is added, which keeps intervals narrow and relus in balance (Shi 2021 takes 0.5). `l1` adds
/// l1 * |w| of convolutions and linear layers to the loss (Mueller 2023). Batch normalisation takes its statistics from
/// clean images (Shi 2021). Start from `--init intervals`. The network needs layers with a rule for intervals (see
/// nn::interval_pass).
struct IntervalTraining {
  Required<float> eps;
  float clean_weight = 0.3F;
  std::optional<float> clean_start = {};
  float warmup = 0;
  float ramp = 0.3F;
  float l1 = 0;
  float regularize = 0;
  float smoothing = 0;

  /// These parameters, and those of a method behind eps.
  template <class... Own>
  static constexpr auto fields_with(const Own&... own) {
    using Shared = IntervalTraining;
    return std::tuple(
        field("eps", &Shared::eps, at_least(0), "radius of the linf ball, in data units"), own...,
        field("clean_weight", &Shared::clean_weight, between(0, 1), "share of the clean loss after the ramp"),
        field("clean_start", &Shared::clean_start, between(0, 1), "its share before the ramp", "clean_weight"),
        field("warmup", &Shared::warmup, between(0, 1), "share of the run with an eps of 0"),
        field("ramp", &Shared::ramp, between(0, 1), "share of the run in which eps rises"),
        field("l1", &Shared::l1, at_least(0), "weight of the sum of |w| in the loss"),
        field("regularize", &Shared::regularize, at_least(0), "weight of the regulariser while eps rises"),
        field("smoothing", &Shared::smoothing, between_from(0, 1), "share of a label given to the other classes"));
  }

  /// Throws UsageError, which begins with `name`, if warmup and ramp do not fit into the run.
  void check_course(std::string_view name) const;

  double ramp_done(const nn::RunStep& step) const;      ///< the completed fraction of the ramp: 0 before it, 1 after
  double radius_at(const nn::RunStep& step) const;      ///< eps at this step
  real clean_weight_at(const nn::RunStep& step) const;  ///< weight of the clean loss at this step
  real regularize_at(const nn::RunStep& step) const;    ///< weight of the regulariser at this step

  /// Adds the gradient of l1 * |w|; that of |0| is 0.
  void before(const nn::RunStep& step, std::span<Tensor> gradients) const;
};

}  // namespace hans::defenses
