// Steps to planes, for attacks that take the model to be linear.
#include <hans/attacks/planes.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <hans/attacks/steps.hpp>
#include <hans/core/error.hpp>
#include <hans/core/reduce.hpp>

namespace hans::attacks {
namespace {

/// Moves the features with the largest |w| as far as they can go, and the last one as far as needed.
void fill_largest_first(std::span<const real> size, std::span<const real> most, real rise, std::span<real> length) {
  std::vector<std::size_t> order(size.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order,
                    [&](std::size_t a, std::size_t b) { return size[a] != size[b] ? size[a] > size[b] : a < b; });
  for (const std::size_t i : order) {
    if (!(rise > 0) || size[i] == 0) return;
    length[i] = std::min(most[i], rise / size[i]);
    rise -= length[i] * size[i];
  }
}

/// 1 or 0: a choice without a branch, so that loops over features use vectors.
real indicator(bool holds) { return static_cast<real>(static_cast<int>(holds)); }

}  // namespace

void step_to_plane(std::span<const real> point, std::span<const real> w, real rise, std::span<const real> low,
                   std::span<const real> high, Norm norm, std::span<real> change) {
  check(norm != Norm::l0, "a plane has no nearest point in l0");
  const std::size_t n = point.size();
  constexpr real endless = 1e18F;  // the limit for features without bounds
  const real way = rise < 0 ? real{-1} : real{1};
  const real needed = std::abs(rise);
  std::vector<real> size(n);  // |w|
  std::vector<real> most(n);  // how far each may go in the useful direction
  for (std::size_t i = 0; i < n; ++i) {
    size[i] = std::abs(w[i]);
    const real up = indicator(w[i] * way > 0);
    const real room = up * std::min(high[i] - point[i], endless) + (1 - up) * std::min(point[i] - low[i], endless);
    most[i] = indicator(size[i] > 0) * std::max(room, real{0});
  }
  std::vector<real> length(n);
  if (norm == Norm::l1) {
    fill_largest_first(size, most, needed, length);
  } else {
    // Feature i moves by min(cut * speed_i, most_i), with speed 1 in linf and |w_i| in l2. The rise of w . x is a
    // concave function of the cut, so Newton's method from below reaches the needed cut in a few steps.
    const std::vector<real> speed = norm == Norm::linf ? std::vector<real>(n, 1) : size;
    std::vector<real> rate(n);   // the rise per unit of cut while the feature moves,
    std::vector<real> whole(n);  // and in total at its end
    for (std::size_t i = 0; i < n; ++i) {
      rate[i] = size[i] * speed[i];
      whole[i] = size[i] * most[i];
    }
    std::vector<real> ended(n);
    std::vector<real> pull(n);
    real cut = 0;
    for (;;) {
      for (std::size_t i = 0; i < n; ++i) {
        const real goes = indicator(cut * speed[i] < most[i]);
        ended[i] = whole[i] * (1 - goes);
        pull[i] = rate[i] * goes;
      }
      const real next = (needed - sum(ended)) / sum(pull);
      if (!(next > cut) || std::isinf(next)) break;  // reached, or all features are at their ends
      cut = next;
    }
    for (std::size_t i = 0; i < n; ++i) length[i] = std::min(cut * speed[i], most[i]);
  }
  for (std::size_t i = 0; i < n; ++i) change[i] = length[i] * (2 * indicator(w[i] * way > 0) - 1);
}

Task<Boundary> nearest_boundary(GradientOracle& sample, Norm norm, const Slope slope, const std::vector<int>& classes) {
  const std::vector<real> logits(slope.logits.begin(), slope.logits.end());
  Boundary best{-slope.loss, {slope.gradient.begin(), slope.gradient.end()}};
  double least = 0;
  for (std::size_t k = 0; k < classes.size(); ++k) {
    std::vector<real> weights(logits.size());
    const real missing = -difference(logits, classes[k], sample.goal(), weights);
    std::span<const real> gradient = best.gradient;
    if (k > 0) gradient = co_await sample.gradient(weights);
    const double distance = std::abs(static_cast<double>(missing)) / (1e-12 + dual_length(norm, gradient));
    if (k > 0 && distance >= least) continue;
    least = distance;
    if (k > 0) best = {missing, {gradient.begin(), gradient.end()}};
  }
  co_return best;
}

}  // namespace hans::attacks
