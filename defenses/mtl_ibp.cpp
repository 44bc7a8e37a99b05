// MTL-IBP: between adversarial training and interval bound propagation.
#include <hans/defenses/mtl_ibp.hpp>

#include <algorithm>
#include <numeric>

#include <hans/attacks/pgd.hpp>
#include <hans/autodiff/arrays.hpp>
#include "detail/interval_training.hpp"

namespace hans::defenses {
namespace {

/// Ten radii in one step lead to a corner of the ball from anywhere in it.
attacks::Pgd attack_within(double radius, unsigned steps) {
  const double size = steps == 1 ? 10 * radius : std::max(0.25, 2.0 / steps) * radius;
  return {.eps = static_cast<float>(radius), .steps = steps, .alpha = static_cast<float>(size)};
}

Var half_of(const Var& x, std::size_t first, std::size_t count) {
  std::vector<std::size_t> rows(count);
  std::iota(rows.begin(), rows.end(), first);
  return take(x, 0, rows);
}

}  // namespace

void MtlIbp::validate() const { Course::of(*this).check(name); }

MtlIbp MtlIbp::resolved() const {
  MtlIbp copy = *this;
  copy.clean_start = clean_start.value_or(clean_weight);
  return copy;
}

Var MtlIbp::loss(const nn::TrainStep& step) const {
  check_radius(name, eps, step.batch);
  const Course course = Course::of(*this);
  const double radius = course.radius_at(step);
  const auto smooth = static_cast<real>(smoothing);
  const std::vector<int>& labels = step.batch.labels;
  const std::size_t size = step.batch.size();
  if (radius == 0) return cross_entropy(step.logits(step.batch.images), labels, smooth);
  const auto share = static_cast<real>(alpha.value());
  const Tensor images = share < 1 ? attacked(step, attack_within(radius, steps), name) : Tensor();
  const nn::IntervalPass pass = pass_with_balls(step, radius, images);
  Var robust = cross_entropy(pass.margins, labels, smooth);
  if (share < 1) {
    const Var fooled = cross_entropy(half_of(pass.logits, size, size), labels, smooth);
    robust = robust * share + fooled * (1 - share);
  }
  const real clean = course.clean_weight_at(step);
  return cross_entropy(half_of(pass.logits, 0, size), labels, smooth) * clean + robust * (1 - clean);
}

void MtlIbp::before(const nn::RunStep& step, std::span<Tensor> gradients) const { add_l1(step, l1, gradients); }

}  // namespace hans::defenses
