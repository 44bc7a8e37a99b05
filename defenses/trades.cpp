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

}  // namespace

Trades Trades::resolved() const {
  Trades copy = *this;
  copy.alpha = attack_of(*this).resolved({}).alpha;
  return copy;
}

Var Trades::loss(const nn::TrainStep& step) const {
  const Tensor images = beta > 0 ? attacked(step, attack_of(*this), name) : Tensor();
  const Var logits = step.logits(step.batch.images);
  const Var clean = cross_entropy(logits, step.batch.labels, static_cast<real>(smoothing));
  if (beta == 0) return clean;
  const Var known = log_softmax(logits);
  const Var divergence = sum_rows(exp(known) * (known - log_softmax(step.logits(images))));
  return clean + divergence * static_cast<real>(beta);
}

}  // namespace hans::defenses
