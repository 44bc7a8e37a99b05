// Interval bound propagation: training on the worst that intervals allow.
#include <hans/defenses/ibp.hpp>

#include "detail/interval_training.hpp"

namespace hans::defenses {

void Ibp::validate() const { Course::of(*this).check(name); }

Ibp Ibp::resolved() const {
  Ibp copy = *this;
  copy.clean_start = clean_start.value_or(clean_weight);
  return copy;
}

Var Ibp::loss(const nn::TrainStep& step) const {
  check_radius(name, eps, step.batch);
  const Course course = Course::of(*this);
  const double radius = course.radius_at(step);
  const auto smooth = static_cast<real>(smoothing);
  const std::vector<int>& labels = step.batch.labels;
  if (radius == 0) return cross_entropy(step.logits(step.batch.images), labels, smooth);
  const nn::IntervalPass pass = pass_with_balls(step, radius, {});
  const real clean = course.clean_weight_at(step);
  return cross_entropy(pass.logits, labels, smooth) * clean + cross_entropy(pass.margins, labels, smooth) * (1 - clean);
}

void Ibp::before(const nn::RunStep& step, std::span<Tensor> gradients) const { add_l1(step, l1, gradients); }

}  // namespace hans::defenses
