// A function of one number on an interval: its values, two derivatives, and the rounding of its evaluation.
#include "detail/jet.hpp"

#include <algorithm>
#include <cmath>

#include "detail/curves.hpp"
#include "detail/known.hpp"

namespace hans::nn::bounds {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Pays for a few roundings in double.
Range outward(double low, double high) {
  if (std::isnan(low) || std::isnan(high)) return {-infinity, infinity};
  return {low - std::abs(low) * 0x1p-48 - 0x1p-1000, high + std::abs(high) * 0x1p-48 + 0x1p-1000};
}

Range widened(const Range& a, double by) { return outward(a.low - by, a.high + by); }

/// The rounding of one operation, however a program writes it, for a result of this size.
double rounding(double size) { return gamma(combined, unit_of_float) * size * 1.001 + combined * smallest_float; }

/// g(f) for a function g, from its range and derivatives where f or a computed f may be. Evaluation errs by
/// curve_error * max(scale, |g|).
Jet applied(const Jet& a, const Range& value, const Range& first, const Range& second, double scale) {
  const double handed_on = std::min(first.size() * a.error, value.high - value.low);
  return {value, first * a.first, second * (a.first * a.first) + first * a.second,
          (handed_on + curve_error * std::max(scale, value.size())) * (1 + 0x1p-20)};
}

double nearest_to_0(const Range& a) { return a.low > 0 ? a.low : a.high < 0 ? -a.high : 0; }

/// A bound of exp(-x) for x >= 0.
double falling(double x) { return 1.001 * double{hans::exp(static_cast<real>(-std::min(x, 80.0)))}; }

/// What a function that does not fall takes at the ends of `in`, as this library computes it.
template <class Function>
Range ends(const Range& in, Function f, double low, double high) {
  const auto at = [&](double x) { return double{f(static_cast<real>(std::clamp(x, -1e30, 1e30)))}; };
  const Range all = widened({at(in.low), at(in.high)}, 2 * curve_error);
  return {std::max(all.low, low), std::min(all.high, high)};
}

}  // namespace

double Range::size() const { return std::max(std::abs(low), std::abs(high)); }

Range operator+(const Range& a, const Range& b) { return outward(a.low + b.low, a.high + b.high); }
Range operator-(const Range& a) { return {-a.high, -a.low}; }
Range operator*(const Range& a, const Range& b) {
  const double products[]{a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high};
  if (std::ranges::any_of(products, [](double each) { return std::isnan(each); })) return {-infinity, infinity};
  return outward(std::ranges::min(products), std::ranges::max(products));
}

Jet constant_jet(double value) { return {{value, value}, {}, {}}; }
Jet argument_jet(double low, double high) { return {{low, high}, {1, 1}, {}}; }

Jet operator+(const Jet& a, const Jet& b) {
  const double errors = a.error + b.error;
  return {a.value + b.value, a.first + b.first, a.second + b.second,
          errors + rounding(a.value.size() + b.value.size() + errors)};
}

Jet operator-(const Jet& a) { return {-a.value, -a.first, -a.second, a.error}; }

Jet operator*(const Jet& a, const Jet& b) {
  const Range cross = a.first * b.first;
  const double sizes = (a.value.size() + a.error) * (b.value.size() + b.error);
  return {a.value * b.value, a.first * b.value + a.value * b.first,
          a.second * b.value + cross + cross + a.value * b.second,
          (a.value.size() * b.error + b.value.size() * a.error + a.error * b.error) * (1 + 0x1p-20) + rounding(sizes)};
}

Jet operator/(const Jet& a, double divisor) {
  const double factor = 1 / divisor;
  const Range by = outward(factor, factor);
  return {a.value * by, a.first * by, a.second * by,
          a.error * by.size() * (1 + 0x1p-20) + rounding((a.value.size() + a.error) * by.size())};
}

Jet power(const Jet& a, int exponent) {
  const Jet square = a * a, all = exponent == 2 ? square : square * a;
  return {all.value, all.first, all.second, all.error + curve_error * (all.value.size() + all.error)};
}

Jet erf(const Jet& a) {
  const Range in = widened(a.value, a.error);
  const double nearest = nearest_to_0(in);
  const Range first{0, 1.1283791670955127 * falling(nearest * nearest)};  // 2 / sqrt(pi) * exp(-x * x)
  const Range second = Range{-2 * in.high, -2 * in.low} * first;
  return applied(a,
                 ends(
                     in, [](real x) { return hans::erf(x); }, -1, 1),
                 first, second, 1);
}

Jet tanh(const Jet& a) {
  const Range in = widened(a.value, a.error), value = ends(
                                                  in, [](real x) { return hans::tanh(x); }, -1, 1);
  const double least = nearest_to_0(value);
  const Range first{0, std::min(outward(0, 1 - least * least).high, 4 * falling(2 * nearest_to_0(in)))};
  return applied(a, value, first, Range{-2 * value.high, -2 * value.low} * first, 1);
}

Jet sigmoid(const Jet& a) {
  const Range in = widened(a.value, a.error), value = ends(
                                                  in, [](real x) { return hans::sigmoid(x); }, 0, 1);
  const Range first{0, std::min(0.25, falling(nearest_to_0(in)))};
  return applied(a, value, first, first * outward(1 - 2 * value.high, 1 - 2 * value.low), 1);
}

Jet ramp(const Jet& a, double slope, double shift, double low, double high, double scale) {
  const Range inner = Range{slope, slope} * widened(a.value, a.error) + Range{shift, shift};
  const Range value{std::clamp(inner.low, low, high), std::clamp(inner.high, low, high)};
  const bool flat = inner.high <= low || inner.low >= high, straight = inner.low >= low && inner.high <= high;
  Range first{slope, slope}, second{0, 0};
  if (flat) first = {0, 0};
  if (!flat && !straight) {
    first = {std::min(slope, 0.0), std::max(slope, 0.0)};
    second = {-infinity, infinity};
  }
  return applied(a, value, first, second, scale);
}

}  // namespace hans::nn::bounds
