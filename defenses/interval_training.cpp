// What methods that train with intervals share: their course over the run, and their pass.
#include "detail/interval_training.hpp"

#include <algorithm>

#include <hans/attacks/pgd.hpp>
#include <hans/core/error.hpp>

namespace hans::defenses {
namespace {

/// The first step of the ramp, and the number of its steps.
struct RampSteps {
  std::uint64_t first, length;
};

RampSteps ramp_of(const Course& course, const nn::RunStep& step) {
  (void)step.progress();  // throws if nobody knows how long the run is
  const auto all = static_cast<double>(step.steps);
  return {static_cast<std::uint64_t>(all * course.warmup), static_cast<std::uint64_t>(all * course.ramp)};
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

void Course::check(std::string_view name) const {
  check_usage(warmup + ramp <= 1, name, ": a warmup of ", static_cast<float>(warmup), " and a ramp of ",
              static_cast<float>(ramp), " of the run are longer than the run");
}

double Course::radius_at(const nn::RunStep& step) const {
  const RampSteps steps = ramp_of(*this, step);
  return step.step < steps.first ? 0 : smooth_ramp(step.step - steps.first, steps.length, eps);
}

real Course::clean_weight_at(const nn::RunStep& step) const {
  const RampSteps steps = ramp_of(*this, step);
  const std::uint64_t at = step.step < steps.first ? 0 : std::min(step.step - steps.first, steps.length);
  const double done = at == steps.length ? 1 : static_cast<double>(at) / static_cast<double>(steps.length);
  return static_cast<real>(clean_start + (clean_weight - clean_start) * done);
}

void check_radius(std::string_view name, float eps, const data::Samples& batch) {
  (void)attacks::budget_of(name, &eps, Norm::linf, batch.images.shape().without_front(), batch.box);
}

nn::IntervalPass pass_with_balls(const nn::TrainStep& step, double eps, const Tensor& more) {
  const data::Samples& batch = step.batch;
  const std::size_t size = batch.images.size(), points = batch.size() + (more.size() > 0 ? more.shape()[0] : 0);
  Tensor all = Tensor::uninitialised(batch.images.shape().without_front().with_front(points + 2 * batch.size()));
  real *const to = all.mutable_data(), *const centre = to + size + more.size(), *const radius = centre + size;
  std::ranges::copy(batch.images.values(), to);
  std::ranges::copy(more.values(), to + size);
  const auto reach = static_cast<real>(eps);
  const real least = batch.box.lo, most = batch.box.hi;
  for (std::size_t i = 0; i < size; ++i) {
    const real low = std::max(to[i] - reach, least), high = std::min(to[i] + reach, most);
    centre[i] = (low + high) / 2;
    radius[i] = (high - low) / 2;
  }
  return interval_pass(step.net, step.weights, step.tape.constant(std::move(all)), points, batch.size(), batch.labels,
                       step.mode);
}

void add_l1(const nn::RunStep& step, float l1, std::span<Tensor> gradients) {
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

}  // namespace hans::defenses
