// Interval bound propagation: training on the worst that intervals allow.
#include <hans/defenses/ibp.hpp>

#include <algorithm>

#include <hans/attacks/pgd.hpp>
#include <hans/core/error.hpp>
#include <hans/nn/intervals.hpp>

namespace hans::defenses {
namespace {

/// A part of a run, in steps.
struct Part {
  std::uint64_t first, length;

  /// How much of it is done, 0 to 1.
  double done(std::uint64_t step) const {
    if (step < first) return 0;
    return step - first >= length ? 1 : static_cast<double>(step - first) / static_cast<double>(length);
  }
};

Part ramp_of(const Ibp& ibp, const nn::RunStep& step) {
  (void)step.progress();  // throws if nobody knows how long the run is
  const auto all = static_cast<double>(step.steps);
  return {static_cast<std::uint64_t>(all * double{ibp.warmup}), static_cast<std::uint64_t>(all * double{ibp.ramp})};
}

/// The images, then the centres and the radii of their balls, cut with the box.
Tensor with_intervals(const data::Samples& batch, double eps) {
  const std::size_t size = batch.images.size();
  Tensor all = Tensor::uninitialised(batch.images.shape().without_front().with_front(3 * batch.size()));
  const real* const x = batch.images.data();
  real *const to = all.mutable_data(), *const centre = to + size, *const radius = centre + size;
  const auto reach = static_cast<real>(eps);
  const real least = batch.box.lo, most = batch.box.hi;
  for (std::size_t i = 0; i < size; ++i) {
    const real low = std::max(x[i] - reach, least), high = std::min(x[i] + reach, most);
    to[i] = x[i];
    centre[i] = (low + high) / 2;
    radius[i] = (high - low) / 2;
  }
  return all;
}

}  // namespace

double smooth_ramp(std::uint64_t step, std::uint64_t length, double end) {
  if (step >= length) return end;
  const auto s = static_cast<double>(step), all = static_cast<double>(length), mid = static_cast<double>(length / 4);
  if (mid == 0) return end * (s / all);
  const double cube = mid * mid * mid, a = end / (4 * (all - mid) * cube + cube * mid);
  if (s <= mid) return a * (s * s * s * s);
  const double reached = a * (cube * mid);
  return reached + (end - reached) * ((s - mid) / (all - mid));
}

void Ibp::validate() const {
  check_usage(double{warmup} + double{ramp} <= 1, "ibp: a warmup of ", warmup, " and a ramp of ", ramp,
              " of the run are longer than the run");
}

Ibp Ibp::resolved() const {
  Ibp copy = *this;
  copy.clean_start = clean_start.value_or(clean_weight);
  return copy;
}

Var Ibp::loss(const nn::TrainStep& step) const {
  const data::Samples& batch = step.batch;
  (void)attacks::budget_of(name, &eps.value(), Norm::linf, batch.images.shape().without_front(), batch.box);
  const Part part = ramp_of(*this, step);
  const double at = step.step < part.first ? 0 : smooth_ramp(step.step - part.first, part.length, double{eps.value()});
  const auto smooth = static_cast<real>(smoothing);
  const std::vector<int>& labels = batch.labels;
  if (at == 0) return cross_entropy(step.logits(batch.images), labels, smooth);
  const std::size_t size = batch.size();
  const nn::IntervalPass pass = interval_pass(step.net, step.weights, step.tape.constant(with_intervals(batch, at)),
                                              size, size, labels, step.mode);
  const double start = double{clean_start.value_or(clean_weight)}, end = double{clean_weight};
  const auto weight = static_cast<real>(start + (end - start) * part.done(step.step));
  return cross_entropy(pass.logits, labels, smooth) * weight +
         cross_entropy(pass.margins, labels, smooth) * (1 - weight);
}

void Ibp::before(const nn::RunStep& step, std::span<Tensor> gradients) const {
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
