// CROWN-IBP: interval bound propagation that starts from tighter bounds.
#include <hans/defenses/crown_ibp.hpp>

#include <hans/nn/intervals.hpp>
#include "detail/interval_training.hpp"

namespace hans::defenses {

void CrownIbp::validate() const { check_course(name); }
CrownIbp CrownIbp::resolved() const { return with_clean_start(*this); }

Var CrownIbp::loss(const nn::TrainStep& step) const {
  check_radius(name, eps, step.batch);
  const double radius = radius_at(step);
  if (radius == 0) return losses_of(*this, step, step.logits(step.batch.images));
  const auto share = static_cast<real>(1 - ramp_done(step));
  const nn::IntervalPass pass = pass_with_boxes(*this, step, {.eps = radius, .traced = share > 0});
  Var margins = pass.margins;
  if (share > 0) {
    const data::Samples& batch = step.batch;
    margins = crown_margins(step.net, step.weights, pass, batch.size(), batch.labels) * share + margins * (1 - share);
  }
  return mixed(*this, step, pass, losses_of(*this, step, pass.logits), losses_of(*this, step, margins));
}

}  // namespace hans::defenses
