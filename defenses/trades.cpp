// TRADES: a loss that weighs robustness against accuracy.
#include <hans/defenses/trades.hpp>

#include <hans/attacks/pgd.hpp>

namespace hans::defenses {
namespace {

attacks::Pgd attack_of(const Trades& trades) {
  return {.eps = trades.eps,
          .norm = trades.norm,
          .steps = trades.steps,
          .alpha = trades.alpha,
          .loss = attacks::Loss::kl,
          .start = attacks::Start::gaussian};
}

Tensor attacked_by(const Trades& trades, const nn::TrainStep& step) {
  const data::Samples& batch = step.batch;
  const Shape image = batch.images.shape().without_front();
  (void)attacks::budget_of(Trades::name, &trades.eps.value(), trades.norm, image,
                           batch.box);  // refused in its own name
  return attacked(step, attack_of(trades), Trades::name);
}

}  // namespace

Trades Trades::resolved() const {
  Trades copy = *this;
  copy.alpha = attack_of(*this).resolved({}).alpha;
  return copy;
}

Var Trades::loss(const nn::TrainStep& step) const {
  const Tensor images = beta > 0 ? attacked_by(*this, step) : Tensor();
  const Var logits = step.logits(step.batch.images);
  const Var clean = cross_entropy(logits, step.batch.labels, static_cast<real>(smoothing));
  if (beta == 0) return clean;
  const Var known = log_softmax(logits);
  const Var divergence = sum_rows(exp(known) * (known - log_softmax(step.logits(images))));
  return clean + divergence * static_cast<real>(beta);
}

}  // namespace hans::defenses
