// The choice of the next features in saliency map attacks.
#include "detail/saliency.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <hans/core/error.hpp>
#include <hans/core/reduce.hpp>

namespace hans::attacks {
namespace {

// The pair with the largest rounded sum. Rounding is monotone, so the best partner of each i is the largest g behind
// it. The result is the first i whose best sum is the largest of all, with its first partner that reaches it.
Pick best_sum(std::span<const real> g, std::span<const std::size_t> domain) {
  const std::size_t n = domain.size();
  if (n < 2) return {};
  std::vector<real> best_behind(n);  // largest g of domain[k..]
  real best = 0;
  best_behind[n - 1] = g[domain[n - 1]];
  for (std::size_t k = n - 1; k-- > 0;) {
    const real sum = g[domain[k]] + best_behind[k + 1];
    best = sum > best ? sum : best;
    best_behind[k] = std::max(g[domain[k]], best_behind[k + 1]);
  }
  if (!(best > 0)) return {};
  for (std::size_t k = 0; k + 1 < n; ++k) {
    if (g[domain[k]] + best_behind[k + 1] != best) continue;
    for (std::size_t m = k + 1; m < n; ++m) {
      if (g[domain[k]] + g[domain[m]] == best) return {true, domain[k], domain[m]};
    }
  }
  return {};
}

struct Feature {
  std::size_t index;
  real a, b;
  bool dominates(const Feature& other) const { return a >= other.a && b <= other.b; }
};

// The features that can be in the best pair. The rounded score -(T * O) grows with a_i and with -b_i. So if two earlier
// features dominate i, one of them can replace i beside any partner: that pair is no worse, and comes first among
// equals.
std::vector<Feature> undominated(std::span<const real> a, std::span<const real> b,
                                 std::span<const std::size_t> domain) {
  std::vector<Feature> kept;
  std::vector<Feature> front;  // the same, with recent dominators first
  for (const std::size_t index : domain) {
    const Feature one{index, a[index], b[index]};
    std::size_t found = 0;
    for (std::size_t k = 0; k < front.size() && found < 2; ++k) {
      if (front[k].dominates(one)) std::swap(front[k], front[found++]);
    }
    if (found == 2) continue;
    kept.push_back(one);
    front.push_back(one);
  }
  return kept;
}

// The pair with the largest -(T * O), without looking at all n^2 / 2.
Pick best_product(std::span<const real> a, std::span<const real> b, std::span<const std::size_t> domain) {
  const std::vector<Feature> features = undominated(a, b, domain);
  Pick best;
  real best_score = -1;
  for (std::size_t i = 0; i < features.size(); ++i) {
    for (std::size_t j = i + 1; j < features.size(); ++j) {
      const real t = features[i].a + features[j].a;
      const real o = features[i].b + features[j].b;
      if (!(t > 0 && o < 0) || -(t * o) <= best_score) continue;
      best_score = -(t * o);
      best = {true, features[i].index, features[j].index};
    }
  }
  return best;
}

// The float's shortest decimal read in double, so that gamma=0.145 of 1000 features is 145 and not 144.
double decimal(float value) {
  double exact = 0;
  check(read_number(text(value), exact), "the number ", value, " has no decimal");
  return exact;
}

}  // namespace

std::size_t saliency_steps(float gamma, std::size_t features, std::size_t per_step) {
  const double steps = std::floor(decimal(gamma) * static_cast<double>(features) / static_cast<double>(per_step));
  return steps < 1e9 ? static_cast<std::size_t>(steps) : std::numeric_limits<std::size_t>::max();
}

void through_softmax(std::span<const real> logits, std::span<real> weights) {
  std::vector<real> p(logits.size());
  std::vector<real> shares(logits.size());
  softmax(logits.data(), p.data(), 1, logits.size());
  for (std::size_t j = 0; j < p.size(); ++j) shares[j] = weights[j] * p[j];
  const real total = sum(shares);
  for (std::size_t j = 0; j < p.size(); ++j) weights[j] = p[j] * (weights[j] - total);
}

Pick pick_by_gradient(std::span<const real> g, std::span<const std::size_t> domain, bool pairs) {
  if (pairs) return best_sum(g, domain);
  Pick pick;
  for (const std::size_t i : domain) {
    if (g[i] > 0 && (!pick.found || g[i] > g[pick.first])) pick = {true, i, i};
  }
  return pick;
}

Pick pick_by_jacobian(std::span<const real> a, std::span<const real> b, std::span<const std::size_t> domain,
                      bool pairs) {
  if (pairs) return best_product(a, b, domain);
  Pick pick;
  real best = 0;
  for (const std::size_t i : domain) {
    if (!(a[i] > 0 && b[i] < 0)) continue;
    const real score = -(a[i] * b[i]);
    if (!pick.found || score > best) {
      pick = {true, i, i};
      best = score;
    }
  }
  return pick;
}

}  // namespace hans::attacks
