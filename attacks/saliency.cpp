// Which features the saliency map attack changes next.
#include <hans/attacks/saliency.hpp>

#include <algorithm>

#include <hans/core/kernels.hpp>

namespace hans::attacks {
namespace {

// The pair with the largest rounded sum. Rounding is monotone, so for each i the best partner is the largest g behind
// it; the winner is the first i whose best sum is the largest of all, with the first partner that reaches it.
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

}  // namespace

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
  if (!pairs) {
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
  std::vector<real> x;
  std::vector<real> y;
  for (const std::size_t i : domain) {
    x.push_back(a[i]);
    y.push_back(b[i]);
  }
  const kernels::Pair pair = kernels::best_pair(x.data(), y.data(), domain.size());
  if (!pair.found) return {};
  return {true, domain[pair.first], domain[pair.second]};
}

}  // namespace hans::attacks
