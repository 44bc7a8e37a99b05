// Powers.
#include <cmath>
#include <limits>

#include <hans/autodiff/functions.hpp>
#include <hans/core/math.hpp>
#include "detail/elementwise.hpp"

namespace hans {

using namespace elementwise;

namespace {

constexpr real infinite = std::numeric_limits<real>::infinity();
constexpr real most_multiplied = 8;

bool is_whole(real x) { return std::floor(x) == x; }

/// x to the power of an integer n with |n| <= 8.
template <class Memory>
Tensor multiplied(Memory& memory, const Tensor& x, int n) {
  const unsigned bits = static_cast<unsigned>(n < 0 ? -n : n);
  return each(memory, x, [bits, inverted = n < 0](real v) {
    const real v2 = v * v;
    const real v4 = v2 * v2;
    const real v8 = v4 * v4;
    const real power = (bits & 1U ? v : 1) * (bits & 2U ? v2 : 1) * (bits & 4U ? v4 : 1) * (bits & 8U ? v8 : 1);
    return inverted ? 1 / power : power;
  });
}

/// The square root as pow defines it: +0 for -0, and infinity for minus infinity.
real root(real x) { return x == -infinite ? infinite : std::sqrt(x + 0); }

/// Corrects |a|^b to a^b: the sign, and special cases that exp(b * log|a|) gets wrong.
real with_sign(real size, real a, real b) {
  if (b == 0 || a == 1 || (a == -1 && std::fabs(b) == infinite)) return 1;
  if (!std::signbit(a) || a != a) return size;
  if (!is_whole(b)) return a == 0 || a == -infinite ? size : std::numeric_limits<real>::quiet_NaN();
  return is_whole(b / 2) ? size : -size;
}

template <class Memory>
Tensor power(Memory& memory, const Tensor& a, const Tensor& b) {
  const Shape shape = broadcast(a.shape(), b.shape());
  if (b.size() == 1) {
    const real n = b.data()[0];
    if (is_whole(n) && std::fabs(n) <= most_multiplied) {
      return multiplied(memory, a, static_cast<int>(n)).reshaped(shape);
    }
    if (n == real{0.5}) return each(memory, a, root).reshaped(shape);
    if (n == real{-0.5}) return each(memory, a, [](real v) { return 1 / root(v); }).reshaped(shape);
  }
  const Tensor logs = around(
      memory, a, [](real v) { return std::fabs(v); }, hans::log, [](real, real l) { return l; });
  const Tensor exponents = broadcasted(memory.make(shape), times, b, logs);
  return broadcasted(memory.make(shape), with_sign, mapped(memory, exponents, hans::exp), a, b);
}

}  // namespace

Var pow(const Var& a, const Var& b) {
  const Tensor y = power(a.tape(), a.value(), b.value());
  return a.tape().record("pow", y, {&a, &b}, [y, x = a.value(), n = b.value()](Tensor g, Inputs& in) {
    if (in.wants(0)) {
      const Tensor lower = power(in, x, each(in, n, [](real v) { return v - 1; }));
      const auto share = [](real s, real p, real v) { return v == 0 ? 0 : s * (v * p); };
      in.add(0, broadcasted(in.make(g.shape()), share, g, lower, n));
    }
    if (in.wants(1)) {
      const Tensor logs = mapped(in, x, hans::log);
      const auto share = [](real s, real p, real l) { return l == -infinite ? 0 : s * (p * l); };
      in.add(1, broadcasted(in.make(g.shape()), share, g, y, logs));
    }
  });
}

}  // namespace hans
