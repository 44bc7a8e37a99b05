// Losses that gradient attacks climb, of one row of logits.
#include <hans/attacks/losses.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <hans/core/error.hpp>
#include <hans/core/math.hpp>
#include <hans/core/reduce.hpp>

namespace hans::attacks {
namespace {

real climb_cross_entropy(std::span<const real> logits, int wanted, real way, std::span<real> seed) {
  std::vector<real> one_hot(logits.size());
  one_hot[static_cast<std::size_t>(wanted)] = 1;
  real loss = 0;
  cross_entropy(logits.data(), one_hot.data(), &loss, 1, logits.size());
  cross_entropy_gradient(logits.data(), one_hot.data(), &way, seed.data(), 1, logits.size());
  return way * loss;
}

/// The KL divergence as the sum of p_j * (exp(d_j) - 1 - d_j) with d = log q - log p. It equals the sum of -p_j * d_j,
/// but no term is negative, so nothing cancels where the model is sure. The gradient of logit j is q_j - p_j; for the
/// original's likeliest class, where both may round to 1, it is the negative sum of the others. All are 0 at the
/// original.
real climb_divergence(std::span<const real> original, std::span<const real> logits, std::span<real> seed) {
  std::vector<real> terms(logits.size());
  log_softmax(logits.data(), terms.data(), 1, logits.size());
  for (std::size_t j = 0; j < logits.size(); ++j) {
    const real p = exp(original[j]);
    const real d = terms[j] - original[j];
    seed[j] = exp(terms[j]) - p;
    terms[j] = std::abs(d) < real{0.01F} ? p * d * d * (real{0.5} + d / 6) : seed[j] - p * d;
  }
  const std::size_t first = argmax(original);
  if (first == original.size()) return sum(terms);  // a NaN
  seed[first] = 0;
  seed[first] = -sum(seed);
  return sum(terms);
}

}  // namespace

real difference(std::span<const real> logits, int up, int down, std::span<real> seed) {
  seed[static_cast<std::size_t>(up)] += 1;
  seed[static_cast<std::size_t>(down)] -= 1;
  return logits[static_cast<std::size_t>(up)] - logits[static_cast<std::size_t>(down)];
}

std::vector<int> falling(std::span<const real> logits) {
  std::vector<int> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, [&](int a, int b) {
    const real x = logits[static_cast<std::size_t>(a)];
    const real y = logits[static_cast<std::size_t>(b)];
    return x != y ? x > y : a < b;
  });
  return order;
}

int largest_but(std::span<const real> logits, int but) {
  int best = but == 0 ? 1 : 0;
  for (int j = best + 1; j < static_cast<int>(logits.size()); ++j) {
    if (j != but && logits[static_cast<std::size_t>(j)] > logits[static_cast<std::size_t>(best)]) best = j;
  }
  return best;
}

void Climb::depart_from(std::span<const real> logits) {
  original.resize(logits.size());
  log_softmax(logits.data(), original.data(), 1, logits.size());
}

real Climb::operator()(std::span<const real> logits, std::span<real> seed) const {
  if (loss == Loss::kl) return climb_divergence(original, logits, seed);
  if (loss == Loss::ce)
    return targeted ? climb_cross_entropy(logits, target, -1, seed) : climb_cross_entropy(logits, label, 1, seed);
  if (loss != Loss::dlr) {
    const real margin = targeted ? difference(logits, target, largest_but(logits, target), seed)
                                 : difference(logits, largest_but(logits, label), label, seed);
    if (loss == Loss::margin || margin < 0) return margin;
    std::ranges::fill(seed, real{0});
    return 0;
  }
  const std::vector<int> order = falling(logits);
  const auto z = [&](std::size_t place) { return logits[static_cast<std::size_t>(order[place])]; };
  const real above =
      targeted ? difference(logits, target, label, seed) : difference(logits, largest_but(logits, label), label, seed);
  const real below = (targeted ? z(0) - real{0.5} * (z(2) + z(3)) : z(0) - z(2)) + real{1e-12F};
  const real loss_value = above / below;
  // d(a / b) = (da - (a / b) * db) / b
  for (real& weight : seed) weight /= below;
  const real share = loss_value / below;
  seed[static_cast<std::size_t>(order[0])] -= share;
  if (targeted) {
    seed[static_cast<std::size_t>(order[2])] += real{0.5} * share;
    seed[static_cast<std::size_t>(order[3])] += real{0.5} * share;
  } else {
    seed[static_cast<std::size_t>(order[2])] += share;
  }
  return loss_value;
}

real Climb::value(std::span<const real> logits) const {
  std::vector<real> unused(logits.size());
  return (*this)(logits, unused);
}

void check_classes(std::string_view attack, Loss loss, bool targeted, std::size_t classes) {
  check_usage(loss != Loss::kl || !targeted, attack,
              ": loss=kl leads away from the model's answer and takes no targets; ",
              "leave the targets out or climb another loss");
  const std::size_t least = loss != Loss::dlr ? 2 : targeted ? 4 : 3;
  check_usage(classes >= least, attack, ": the loss ", enum_name(loss), targeted ? ", targeted," : "", " needs ", least,
              " classes; the model has ", classes);
}

}  // namespace hans::attacks
