// Interval bound propagation: training on the worst that intervals allow.
#include <hans/defenses/ibp.hpp>

#include "detail/interval_training.hpp"

namespace hans::defenses {

void Ibp::validate() const { check_course(name); }
Ibp Ibp::resolved() const { return with_clean_start(*this); }

Var Ibp::loss(const nn::TrainStep& step) const {
  check_radius(name, eps, step.batch);
  const double radius = radius_at(step);
  if (radius == 0) return losses_of(*this, step, step.logits(step.batch.images));
  const nn::IntervalPass pass = pass_with_boxes(*this, step, {.eps = radius});
  return mixed(*this, step, pass, losses_of(*this, step, pass.logits), losses_of(*this, step, pass.margins));
}

}  // namespace hans::defenses
