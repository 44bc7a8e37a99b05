// Steps and projections that stay exactly inside a ball and a box.
#include <hans/attacks/ball.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <hans/attacks/distance.hpp>
#include <hans/core/error.hpp>

namespace hans::attacks {
namespace {

real clipped(real value, data::Box clip) {
  return std::min(std::max(value, static_cast<real>(clip.lo)), static_cast<real>(clip.hi));
}

}  // namespace

real within(real original, real value, double eps) {
  const auto distance = [&] { return std::abs(static_cast<double>(value) - static_cast<double>(original)); };
  if (distance() > eps) {
    // Go to the ball's surface; rounding may end one number outside.
    value = static_cast<real>(static_cast<double>(original) + (value > original ? eps : -eps));
    while (distance() > eps) value = std::nextafter(value, original);
  }
  return value == original ? original : value;  // keeps -0
}

void bounds(std::span<const real> original, const Budget& budget, std::span<real> low, std::span<real> high) {
  if (budget.prediction_only) {
    std::ranges::fill(low, -std::numeric_limits<real>::infinity());
    std::ranges::fill(high, std::numeric_limits<real>::infinity());
    return;
  }
  const double eps = budget.norm == Norm::linf ? budget.size : std::numeric_limits<double>::infinity();
  const auto end = [&](real from, double change) {
    return within(from, clipped(static_cast<real>(static_cast<double>(from) + change), budget.box), eps);
  };
  for (std::size_t i = 0; i < original.size(); ++i) {
    low[i] = std::min(original[i], end(original[i], -eps));
    high[i] = std::max(original[i], end(original[i], eps));
  }
}

void shrink(std::span<const real> original, Norm norm, double size, std::span<real> image) {
  if (norm == Norm::linf || std::isinf(size)) return;
  if (norm == Norm::l0) return keep_largest(original, size, image);
  const double distance = distances(original, image).of(norm);
  if (!(distance > size)) return;
  // Each change is rounded towards the original. The sum may still be rounded up; then a slightly smaller share is
  // tried.
  const std::vector<real> far(image.begin(), image.end());
  double share = size / distance;
  for (int tries = 0; tries < 100; ++tries, share *= 1 - 1e-13) {
    for (std::size_t i = 0; i < image.size(); ++i) {
      const double change = share * (static_cast<double>(far[i]) - static_cast<double>(original[i]));
      const auto moved = static_cast<real>(static_cast<double>(original[i]) + change);
      image[i] = within(original[i], moved, std::abs(change));
    }
    if (distances(original, image).of(norm) <= size) return;
  }
}

void keep_largest(std::span<const real> original, double count, std::span<real> image) {
  std::vector<real> changes(image.size());
  std::size_t changed = 0;
  for (std::size_t i = 0; i < image.size(); ++i) {
    const real change = std::abs(image[i] - original[i]);
    changes[i] = std::isnan(change) ? std::numeric_limits<real>::infinity() : change;
    changed += changes[i] > 0 ? 1U : 0U;
    if (changes[i] == 0) image[i] = original[i];  // restores the sign of zero
  }
  if (count >= static_cast<double>(changed)) return;
  const auto kept = static_cast<std::size_t>(std::max(count, 0.0));
  std::vector<real> sorted = changes;
  const auto least = sorted.end() - static_cast<std::ptrdiff_t>(kept);
  if (kept > 0) std::nth_element(sorted.begin(), least, sorted.end());
  const real smallest = kept > 0 ? *least : std::numeric_limits<real>::infinity();
  std::size_t equal =
      kept - static_cast<std::size_t>(std::ranges::count_if(changes, [&](real change) { return change > smallest; }));
  for (std::size_t i = 0; i < image.size(); ++i) {
    if (changes[i] > smallest) continue;
    if (changes[i] == smallest && equal > 0) {
      --equal;
    } else {
      image[i] = original[i];
    }
  }
}

void step_in_ball(std::span<const real> original, std::span<const real> gradient, Norm norm, real eps, data::Box clip,
                  std::span<real> image) {
  if (norm == Norm::linf) {
    for (std::size_t i = 0; i < image.size(); ++i) {
      const real moved = clipped(original[i] + eps * sign(gradient[i]), clip);
      image[i] = within(original[i], moved, static_cast<double>(eps));
    }
    return;
  }
  std::ranges::copy(original, image.begin());
  if (norm == Norm::l1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i < image.size(); ++i) {
      if (std::abs(gradient[i]) > std::abs(gradient[best])) best = i;
    }
    const real moved = clipped(original[best] + eps * sign(gradient[best]), clip);
    image[best] = within(original[best], moved, static_cast<double>(eps));
    return;
  }
  check(norm == Norm::l2, "a step in l0 has no size");
  double squares = 0;
  for (const real g : gradient) squares += static_cast<double>(g) * static_cast<double>(g);
  check(std::isfinite(squares), "the gradient is infinite, so that a step in l2 has no direction");
  if (squares == 0 || eps == 0) return;
  // Each feature is rounded towards the original, so no change exceeds its share of eps. The sum of squares may still
  // be rounded up; then a slightly shorter step is tried. Only an original outside the box cannot be inside both: the
  // judge will say so.
  double length = static_cast<double>(eps) / std::sqrt(squares);
  for (int tries = 0; tries < 100; ++tries, length *= 1 - 1e-13) {
    for (std::size_t i = 0; i < image.size(); ++i) {
      const double step = length * static_cast<double>(gradient[i]);
      const auto moved = static_cast<real>(static_cast<double>(original[i]) + step);
      image[i] = clipped(within(original[i], moved, std::abs(step)), clip);
    }
    if (distances(original, image).l2 <= static_cast<double>(eps)) return;
  }
}

}  // namespace hans::attacks
