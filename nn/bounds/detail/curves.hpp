// Lines that enclose a function of one number.
#pragma once

#include <cmath>
#include <limits>

#include <hans/core/math.hpp>
#include <hans/nn/activation_layers.hpp>
#include <hans/nn/function_layers.hpp>
#include "graph.hpp"

namespace hans::nn::bounds {

/// The nearest number at or above, or at or below, a result in double that may have been rounded a few times.
inline real above(double value) {
  value += std::abs(value) * 0x1p-48;
  const real near = static_cast<real>(value);
  return double{near} < value ? std::nextafter(near, std::numeric_limits<real>::infinity()) : near;
}
inline real below(double value) { return -above(-value); }

struct Line {
  real slope = 0, add = 0;
};

/// Lines below and above a function on an interval, and the range of its values there.
struct Enclosure {
  Line lower, upper;
  real low = 0, high = 0;
};

/// From the lower and the upper hull of points of the curve: of each the edge over the middle of the interval, moved
/// outward by what the curve, its evaluation and the rounding of this computation may add.
Enclosure enclosure_of(const Curve& curve, real low, real high);

/// A bound of |f''|, and where f has corners. `exponential`: the bound grows as exp does. `scale`: of the numbers that
/// make up f; evaluation errs by at most curve_error * max(scale, |f|).
struct CurveFacts {
  double curvature = 0;
  std::vector<double> breaks = {};
  bool exponential = false;
  double scale = 1;
};

inline CurveFacts facts_of(const Clip& clip) {
  std::vector<double> breaks;
  for (const float end : {clip.low, clip.high}) {
    if (std::isfinite(end)) breaks.push_back(end);
  }
  return {0, breaks};
}
inline CurveFacts facts_of(const HardSigmoid& layer) {
  const double alpha = layer.alpha, beta = layer.beta;
  if (alpha == 0) return {};
  return {0, {-beta / alpha, (1 - beta) / alpha}, false, 1 + 2 * std::abs(beta)};
}
inline CurveFacts facts_of(const Sigmoid&) { return {0.0963}; }  // the largest |f''| is sqrt(3) / 18
inline CurveFacts facts_of(const Tanh&) { return {0.7699}; }     // 4 sqrt(3) / 9
inline CurveFacts facts_of(const Elu& layer) {
  const double alpha = std::abs(double{layer.alpha});
  return {alpha, {0}, false, std::max(1.0, alpha)};
}
inline CurveFacts facts_of(const Selu& layer) {
  const double gamma = std::abs(double{layer.gamma}), alpha = std::abs(double{layer.alpha});
  return {gamma * alpha, {0}, false, std::max({1.0, gamma, gamma * alpha})};
}
inline CurveFacts facts_of(const Softplus&) { return {0.25}; }
inline CurveFacts facts_of(const Exp&) { return {1, {}, true}; }
inline CurveFacts facts_of(const Erf&) { return {0.969}; }  // sqrt(8 / (pi e))
inline CurveFacts facts_of(const Gelu&) { return {0.8}; }   // sqrt(2 / pi)

template <class Settings>
Curve curve_of(const Settings& settings, const Layer& layer) {
  const CurveFacts facts = facts_of(settings);
  Curve curve;
  curve.evaluate = [layer](std::span<const real> in, std::span<real> out) {
    Tape tape;
    const Var x = tape.constant(Tensor({1, in.size()}, in));
    const Tensor y = layer(tape, {&x, 1}, {{}, {}, {}, 0}).value();
    std::copy_n(y.data(), out.size(), out.begin());
  };
  curve.departure = [facts](std::span<const real> grid) {
    const double curvature =
        facts.exponential ? facts.curvature * 1.001 * double{hans::exp(grid.back())} : facts.curvature;
    double step = 0;
    for (std::size_t k = 1; k < grid.size(); ++k) step = std::max(step, double{grid[k]} - double{grid[k - 1]});
    return curvature * step * step / 8 * (1 + 0x1p-40);
  };
  curve.error = [facts](real, real, double most) { return curve_error * std::max(facts.scale, most); };
  curve.breaks = facts.breaks;
  return curve;
}

}  // namespace hans::nn::bounds
