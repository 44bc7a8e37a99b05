// SABR: interval bound propagation on a small box where an attack went.
#include <hans/defenses/sabr.hpp>

#include "detail/interval_training.hpp"

namespace hans::defenses {

void Sabr::validate() const { check_course(name); }
Sabr Sabr::resolved() const { return with_clean_start(*this); }

Var Sabr::loss(const nn::TrainStep& step) const {
  check_radius(name, eps, step.batch);
  const double radius = radius_at(step);
  if (radius == 0) return losses_of(*this, step, step.logits(step.batch.images));
  TrainingBoxes boxes{.eps = radius, .share = static_cast<real>(lambda.value())};
  if (boxes.share < 1) boxes.around = attacked(step, attack_within(radius, steps), name);
  const nn::IntervalPass pass = pass_with_boxes(*this, step, boxes);
  return mixed(*this, step, pass, losses_of(*this, step, pass.logits), losses_of(*this, step, pass.margins));
}

}  // namespace hans::defenses
