// MTL-IBP: between adversarial training and interval bound propagation.
#include <hans/defenses/mtl_ibp.hpp>

#include <numeric>

#include <hans/autodiff/arrays.hpp>
#include "detail/interval_training.hpp"

namespace hans::defenses {
namespace {

Var half_of(const Var& x, std::size_t first, std::size_t count) {
  std::vector<std::size_t> rows(count);
  std::iota(rows.begin(), rows.end(), first);
  return take(x, 0, rows);
}

}  // namespace

void MtlIbp::validate() const { check_course(name); }
MtlIbp MtlIbp::resolved() const { return with_clean_start(*this); }

Var MtlIbp::loss(const nn::TrainStep& step) const {
  check_radius(name, eps, step.batch);
  const double radius = radius_at(step);
  const std::size_t size = step.batch.size();
  if (radius == 0) return losses_of(*this, step, step.logits(step.batch.images));
  const auto share = static_cast<real>(alpha.value());
  const Tensor images = share < 1 ? attacked(step, attack_within(radius, steps), name) : Tensor();
  const nn::IntervalPass pass = pass_with_boxes(*this, step, {.eps = radius}, images);
  Var robust = losses_of(*this, step, pass.margins);
  if (share < 1) {
    robust = robust * share + losses_of(*this, step, half_of(pass.logits, size, size)) * (1 - share);
  }
  return mixed(*this, step, pass, losses_of(*this, step, half_of(pass.logits, 0, size)), robust);
}

}  // namespace hans::defenses
