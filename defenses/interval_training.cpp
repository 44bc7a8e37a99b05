// What methods that train with intervals share: their course over the run, their losses, and their pass.
#include <hans/defenses/interval_training.hpp>

#include <algorithm>

#include <hans/core/error.hpp>
#include "detail/interval_training.hpp"

namespace hans::defenses {
namespace {

/// The first step of the ramp, and the number of its steps.
struct RampSteps {
  std::uint64_t first, length;
};

RampSteps ramp_of(const IntervalTraining& method, const nn::RunStep& step) {
  (void)step.progress();  // throws if nobody knows how long the run is
  const auto all = static_cast<double>(step.steps);
  return {static_cast<std::uint64_t>(all * double{method.warmup}),
          static_cast<std::uint64_t>(all * double{method.ramp})};
}

}  // namespace

double smooth_ramp(std::uint64_t step, std::uint64_t length, double end) {
  if (step >= length) return end;
  const std::uint64_t quarter = length / 4;
  const auto s = static_cast<double>(step), all = static_cast<double>(length), mid = static_cast<double>(quarter);
  if (mid == 0) return end * (s / all);
  const double cube = mid * mid * mid, a = end / (4 * (all - mid) * cube + cube * mid);
  if (s <= mid) return a * (s * s * s * s);
  const double reached = a * (cube * mid);
  return reached + (end - reached) * ((s - mid) / (all - mid));
}

void IntervalTraining::check_course(std::string_view name) const {
  check_usage(double{warmup} + double{ramp} <= 1, name, ": a warmup of ", warmup, " and a ramp of ", ramp,
              " of the run are longer than the run");
}

double IntervalTraining::radius_at(const nn::RunStep& step) const {
  const RampSteps steps = ramp_of(*this, step);
  return step.step < steps.first ? 0 : smooth_ramp(step.step - steps.first, steps.length, double{eps.value()});
}

double IntervalTraining::ramp_done(const nn::RunStep& step) const {
  const RampSteps steps = ramp_of(*this, step);
  const std::uint64_t at = step.step < steps.first ? 0 : std::min(step.step - steps.first, steps.length);
  return at == steps.length ? 1 : static_cast<double>(at) / static_cast<double>(steps.length);
}

real IntervalTraining::clean_weight_at(const nn::RunStep& step) const {
  const double end{clean_weight}, start{clean_start.value_or(clean_weight)};
  return static_cast<real>(start + (end - start) * ramp_done(step));
}

real IntervalTraining::regularize_at(const nn::RunStep& step) const {
  const double radius = radius_at(step), end{eps.value()};
  return radius < end ? static_cast<real>(double{regularize} * (1 - radius / end)) : real{0};
}

void IntervalTraining::before(const nn::RunStep& step, std::span<Tensor> gradients) const {
  if (l1 == 0) return;
  const auto share = static_cast<real>(l1);
  for (std::size_t k = 0; k < gradients.size(); ++k) {
    const Tensor& w = step.net.weights()[k];
    if (w.shape().rank() < 2) continue;
    real* const gradient = gradients[k].mutable_data();
    for (std::size_t i = 0; i < w.size(); ++i) {
      gradient[i] += w.data()[i] > 0 ? share : w.data()[i] < 0 ? -share : real{0};
    }
  }
}

void check_radius(std::string_view name, float eps, const data::Samples& batch) {
  (void)attacks::budget_of(name, &eps, Norm::linf, batch.images.shape().without_front(), batch.box);
}

attacks::Pgd attack_within(double radius, unsigned steps) {
  const double size = steps == 1 ? 10 * radius : std::max(0.25, 2.0 / steps) * radius;
  return {.eps = static_cast<float>(radius), .steps = steps, .alpha = static_cast<float>(size)};
}

nn::IntervalPass pass_with_boxes(const IntervalTraining& method, const nn::TrainStep& step, const TrainingBoxes& boxes,
                                 const Tensor& more) {
  const data::Samples& batch = step.batch;
  const std::size_t size = batch.images.size(), points = batch.size() + (more.size() > 0 ? more.shape()[0] : 0);
  Tensor all = Tensor::uninitialised(batch.images.shape().without_front().with_front(points + 2 * batch.size()));
  real *const to = all.mutable_data(), *const centre = to + size + more.size(), *const radius = centre + size;
  std::ranges::copy(batch.images.values(), to);
  std::ranges::copy(more.values(), to + size);
  const auto reach = static_cast<real>(boxes.eps);
  const real least = batch.box.lo, most = batch.box.hi;
  const real* const around = boxes.share < 1 ? boxes.around.data() : to;
  for (std::size_t i = 0; i < size; ++i) {
    const real low = std::max(to[i] - reach, least), high = std::min(to[i] + reach, most);
    const real middle = (low + high) / 2, half = (high - low) / 2, room = (1 - boxes.share) * half;
    centre[i] = std::clamp(around[i], middle - room, middle + room);
    radius[i] = boxes.share * half;
  }
  return interval_pass(step.net, step.weights, step.tape.constant(std::move(all)), points, batch.size(), batch.labels,
                       step.mode, boxes.traced || method.regularize_at(step) > 0 ? nn::Trace::inputs : nn::Trace::off);
}

Var losses_of(const IntervalTraining& method, const nn::TrainStep& step, const Var& logits) {
  return cross_entropy(logits, step.batch.labels, static_cast<real>(method.smoothing));
}

Var mixed(const IntervalTraining& method, const nn::TrainStep& step, const nn::IntervalPass& pass, const Var& clean,
          const Var& robust) {
  const real weight = method.clean_weight_at(step);
  const Var losses = clean * weight + robust * (1 - weight);
  const real regularize = method.regularize_at(step);
  if (regularize == 0) return losses;
  return losses + interval_imbalance(step.net, pass, step.batch.size()) * regularize;
}

}  // namespace hans::defenses
