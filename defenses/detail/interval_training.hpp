// The losses and the pass of methods that train with intervals.
#pragma once

#include <cstdint>

#include <hans/attacks/pgd.hpp>
#include <hans/defenses/interval_training.hpp>
#include <hans/nn/intervals.hpp>

namespace hans::defenses {

/// The radius at a step of a ramp from 0 to `end` over `length` steps: a * step^4 for the first quarter, then straight
/// with the slope reached there. `end` from step `length` on.
double smooth_ramp(std::uint64_t step, std::uint64_t length, double end);

template <class D>
D with_clean_start(D method) {
  method.clean_start = method.clean_start.value_or(method.clean_weight);
  return method;
}

/// Throws UsageError unless features of the batch can change by eps.
void check_radius(std::string_view name, float eps, const data::Samples& batch);

/// pgd in the linf ball of this radius. Ten radii in one step lead to a corner of the ball from anywhere in it.
attacks::Pgd attack_within(double radius, unsigned steps);

/// A box for each image of a batch. The ball of eps, cut with the box of the data, has a centre and a half-width in
/// each feature; the box has `share` of the half-width, and of all centres with which it stays inside the nearest to
/// `around`.
struct TrainingBoxes {
  double eps;
  real share = 1;
  Tensor around = {};   ///< as many images as the batch; unused if share is 1, when the box is the ball
  bool traced = false;  ///< trace the pass in any case
};

/// The pass of the batch, of `more` images beside it (or none), and of the boxes. The logits are those of the batch,
/// then of `more`. The pass is traced where the method regularises.
nn::IntervalPass pass_with_boxes(const IntervalTraining& method, const nn::TrainStep& step, const TrainingBoxes& boxes,
                                 const Tensor& more = {});

/// The cross entropy of the labels, with the smoothing of the method.
Var losses_of(const IntervalTraining& method, const nn::TrainStep& step, const Var& logits);

/// Clean and robust losses and the regulariser of the pass, with their weights at this step.
Var mixed(const IntervalTraining& method, const nn::TrainStep& step, const nn::IntervalPass& pass, const Var& clean,
          const Var& robust);

}  // namespace hans::defenses
