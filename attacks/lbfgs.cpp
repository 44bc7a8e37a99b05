// The attack of Szegedy et al., with L-BFGS.
#include <hans/attacks/lbfgs.hpp>

#include <deque>

#include <hans/core/reduce.hpp>
#include "tools/detail/weighing.hpp"

namespace hans::attacks {
namespace {

double product(std::span<const real> a, std::span<const real> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

/// The curvature of the function: the last 10 steps, and how they changed the gradient.
class Curvature {
 public:
  void add(std::vector<real> step, std::vector<real> change) {
    const double along = product(step, change);
    if (along <= 1e-10 * product(change, change)) return;  // not convex along this step: skip it
    if (pairs_.size() == 10) pairs_.pop_front();
    pairs_.push_back({std::move(step), std::move(change), along});
  }

  /// The inverse of the approximate Hessian, times v (Nocedal 1980).
  std::vector<real> undo(std::vector<real> v) const {
    std::vector<double> shares(pairs_.size());
    for (std::size_t k = pairs_.size(); k-- > 0;) {
      shares[k] = product(pairs_[k].step, v) / pairs_[k].along;
      subtract(v, shares[k], pairs_[k].change);
    }
    if (!pairs_.empty()) {
      const real scale = static_cast<real>(pairs_.back().along / product(pairs_.back().change, pairs_.back().change));
      for (real& value : v) value *= scale;
    }
    for (std::size_t k = 0; k < pairs_.size(); ++k) {
      subtract(v, product(pairs_[k].change, v) / pairs_[k].along - shares[k], pairs_[k].step);
    }
    return v;
  }

 private:
  struct Pair {
    std::vector<real> step, change;
    double along;
  };
  static void subtract(std::vector<real>& v, double share, const std::vector<real>& from) {
    for (std::size_t i = 0; i < v.size(); ++i) v[i] -= static_cast<real>(share) * from[i];
  }
  std::deque<Pair> pairs_;
};

/// An image with its objective, and the objective's gradient.
struct Point {
  std::vector<real> image, gradient;
  double value = 0;
  bool reached = false;
};

Task<Point> look(GradientOracle& sample, const real c, std::vector<real> image) {
  const std::span<const real> original = sample.original();
  const Climb climb(Loss::ce, sample);
  const Slope slope = co_await sample.slope(image, climb);
  Point found{{}, std::vector<real>(image.size()), -static_cast<double>(c) * static_cast<double>(slope.loss)};
  for (std::size_t i = 0; i < image.size(); ++i) {
    const real change = image[i] - original[i];
    found.value += static_cast<double>(change) * static_cast<double>(change);
    found.gradient[i] = 2 * change - c * slope.gradient[i];
  }
  found.reached = sample.reached(static_cast<int>(argmax(slope.logits)));
  found.image = std::move(image);
  co_return found;
}

/// The search direction at a point. Features that the box holds do not move.
std::vector<real> direction(const LabelOracle& sample, const Point& at, const Curvature& curvature) {
  std::vector<real> free = at.gradient;
  for (std::size_t i = 0; i < free.size(); ++i) {
    const bool held = free[i] > 0 ? at.image[i] <= sample.low()[i] : at.image[i] >= sample.high()[i];
    if (held) free[i] = 0;
  }
  std::vector<real> way = curvature.undo(free);
  for (std::size_t i = 0; i < way.size(); ++i) way[i] = free[i] == 0 ? real{0} : -way[i];
  if (product(way, free) >= 0) {
    for (std::size_t i = 0; i < way.size(); ++i) way[i] = -free[i];
  }
  return way;
}

std::vector<real> difference_of(std::span<const real> a, std::span<const real> b) {
  std::vector<real> made(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) made[i] = a[i] - b[i];
  return made;
}

/// One run with one c. Returns whether it reached the goal.
Task<bool> quasi_newton(GradientOracle& sample, const unsigned steps, const real c) {
  constexpr unsigned most_halvings = 10;
  const std::span<const real> original = sample.original();
  Curvature curvature;
  const Task<Point> begin = look(sample, c, {original.begin(), original.end()});
  Point at = co_await begin;
  bool reached = at.reached;
  for (unsigned k = 0; k < steps; ++k) {
    const std::vector<real> way = direction(sample, at, curvature);
    const double length = length_l1(way);
    if (length == 0) break;
    double size = k == 0 ? std::min(1.0, 1 / length) : 1;
    bool moved = false;
    for (unsigned halving = 0; halving < most_halvings && !moved; ++halving, size /= 2) {
      std::vector<real> image = at.image;
      for (std::size_t i = 0; i < image.size(); ++i) image[i] += static_cast<real>(size) * way[i];
      sample.project(image);
      const Task<Point> trial = look(sample, c, std::move(image));
      Point next = co_await trial;
      reached = reached || next.reached;
      std::vector<real> step = difference_of(next.image, at.image);
      if (next.value > at.value + 1e-4 * product(at.gradient, step)) continue;
      moved = next.value < at.value - 1e-7 * std::abs(at.value);
      curvature.add(std::move(step), difference_of(next.gradient, at.gradient));
      at = std::move(next);
      if (!moved) break;  // converged
    }
    ++sample.note().steps;
    if (!moved) break;
  }
  std::ranges::copy(at.image, sample.image().begin());
  co_return reached;
}

}  // namespace

Task<Stop> Lbfgs::search(GradientOracle& sample) const {
  return search_weight(sample, searches, c, refine,
                       [this, &sample](real weight) { return quasi_newton(sample, steps, weight); });
}

}  // namespace hans::attacks
