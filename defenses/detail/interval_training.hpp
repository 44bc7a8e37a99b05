// What methods that train with intervals share: their course over the run, and their pass.
#pragma once

#include <cstdint>
#include <span>

#include <hans/nn/intervals.hpp>
#include <hans/nn/loss.hpp>

namespace hans::defenses {

/// The radius at a step of a ramp from 0 to `end` over `length` steps: a * step^4 for the first quarter, then straight
/// with the slope reached there. `end` from step `length` on.
double smooth_ramp(std::uint64_t step, std::uint64_t length, double end);

/// The course of radius and clean loss over a run: see Ibp.
struct Course {
  double eps, clean_weight, clean_start, warmup, ramp;

  template <class D>
  static Course of(const D& d) {
    return {double{d.eps.value()}, double{d.clean_weight}, double{d.clean_start.value_or(d.clean_weight)},
            double{d.warmup}, double{d.ramp}};
  }

  /// Throws UsageError, which begins with `name`, if the ramp does not fit into the run.
  void check(std::string_view name) const;

  double radius_at(const nn::RunStep& step) const;
  real clean_weight_at(const nn::RunStep& step) const;
};

/// Throws UsageError unless features of the batch can change by eps.
void check_radius(std::string_view name, float eps, const data::Samples& batch);

/// The pass of the batch, of `more` images beside it (or none), and of the balls around it, cut with the box. The
/// logits are those of the batch, then of `more`.
nn::IntervalPass pass_with_balls(const nn::TrainStep& step, double eps, const Tensor& more);

/// Adds the gradient of l1 * |w| for the weights of convolutions and linear layers; that of |0| is 0.
void add_l1(const nn::RunStep& step, float l1, std::span<Tensor> gradients);

}  // namespace hans::defenses
