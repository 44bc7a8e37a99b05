// Elementwise functions of one tensor.
#include <cmath>

#include <hans/autodiff/functions.hpp>
#include <hans/autodiff/ops.hpp>
#include <hans/core/error.hpp>
#include <hans/core/math.hpp>
#include "detail/elementwise.hpp"

namespace hans {

using namespace elementwise;

namespace {

constexpr auto two_over_root_pi = static_cast<real>(1.1283791670955126);
constexpr auto root_half = static_cast<real>(0.70710678118654752);
constexpr auto one_over_root_two_pi = static_cast<real>(0.39894228040143268);
constexpr auto root_two_over_pi = static_cast<real>(0.79788456080286536);
constexpr auto cubic = static_cast<real>(0.044715);  // of gelu's tanh form
constexpr auto half = real{0.5};

// Rounds to an integer, ties to even: adding and subtracting a large constant removes the fraction.
real rounded(real x) {
  constexpr auto whole_from = real{2} / std::numeric_limits<real>::epsilon() / 2;
  const real size = std::fabs(x);
  return std::copysign(size < whole_from ? (size + whole_from) - whole_from : size, x);
}

real gelu_argument(real x) { return root_two_over_pi * (x + cubic * (x * x * x)); }

Var gelu_of_erf(const Var& x) {
  const auto scaled = [](real v) { return v * root_half; };
  Tensor y = around(x.tape(), x.value(), scaled, hans::erf, [](real v, real e) { return v * half * (1 + e); });
  return x.tape().record("gelu", std::move(y), {&x}, [x = x.value(), scaled](Tensor g, Inputs& in) {
    // 1/2 * (1 + erf(x * sqrt(1/2))) + x * (exp(-x^2 / 2) / sqrt(2 pi))
    Tensor below = around(in, x, scaled, hans::erf, [](real, real e) { return half * (1 + e); });
    const Tensor density = around(
        in, x, [](real v) { return -half * (v * v); }, hans::exp,
        [](real v, real e) { return v * (e * one_over_root_two_pi); });
    in.add(0, through(std::move(g), through(std::move(below), density, plus), times));
  });
}

Var gelu_of_tanh(const Var& x) {
  Tensor y = around(x.tape(), x.value(), gelu_argument, hans::tanh, [](real v, real t) { return v * half * (1 + t); });
  return x.tape().record("gelu", std::move(y), {&x}, [x = x.value()](Tensor g, Inputs& in) {
    const Tensor derivative = around(in, x, gelu_argument, hans::tanh, [](real v, real t) {
      const real rest = 1 - t * t;
      const real moved = root_two_over_pi * (1 + 3 * cubic * (v * v));
      return half * (1 + t) + (rest > 0 ? v * half * rest * moved : 0);  // where 1 - t^2 is 0, v * v may be infinite
    });
    in.add(0, through(std::move(g), derivative, times));
  });
}

}  // namespace

Var abs(const Var& x) {
  Tensor y = each(x.tape(), x.value(), [](real v) { return std::fabs(v); });
  return x.tape().record("abs", std::move(y), {&x}, [x = x.value()](Tensor g, Inputs& in) {
    in.add(0, through(std::move(g), x, [](real s, real v) { return v > 0 ? s : v < 0 ? -s : 0; }));
  });
}

Var sqrt(const Var& x) {
  const Tensor y = each(x.tape(), x.value(), [](real v) { return std::sqrt(v); });
  return x.tape().record("sqrt", y, {&x}, [y](Tensor g, Inputs& in) {
    in.add(0, through(std::move(g), y, [](real s, real root) { return s / (root + root); }));
  });
}

Var erf(const Var& x) {
  return x.tape().record("erf", mapped(x.tape(), x.value(), hans::erf), {&x}, [x = x.value()](Tensor g, Inputs& in) {
    const Tensor derivative = around(
        in, x, [](real v) { return -(v * v); }, hans::exp, [](real, real e) { return two_over_root_pi * e; });
    in.add(0, through(std::move(g), derivative, times));
  });
}

Var softplus(const Var& x) {
  const Tensor small = around(
      x.tape(), x.value(), [](real v) { return -std::fabs(v); }, hans::exp, [](real, real e) { return e; });
  Tensor tail = around(
      x.tape(), small, [](real e) { return 1 + e; }, hans::log,
      [](real e, real log_sum) {
        const real sum = 1 + e;  // the quotient corrects the rounding error of 1 + e
        return sum == 1 ? e : log_sum * (e / (sum - 1));
      });
  Tensor y = through(std::move(tail), x.value(), [](real l, real v) { return (v > 0 ? v : 0) + l; });
  return x.tape().record("softplus", std::move(y), {&x}, [x = x.value()](Tensor g, Inputs& in) {
    in.add(0, through(std::move(g), mapped(in, x, hans::sigmoid), times));
  });
}

Var leaky_relu(const Var& x, real slope) {
  Tensor y = each(x.tape(), x.value(), [slope](real v) { return v >= 0 ? v : slope * v; });
  return x.tape().record("leaky_relu", std::move(y), {&x}, [x = x.value(), slope](Tensor g, Inputs& in) {
    in.add(0, through(std::move(g), x, [slope](real s, real v) { return v > 0 ? s : slope * s; }));
  });
}

Var elu(const Var& x, real alpha) {
  Tensor y = around(
      x.tape(), x.value(), [](real v) { return v * half; }, hans::tanh,
      [alpha](real v, real t) { return v > 0 ? v : alpha * (2 * t / (1 - t)); });
  return x.tape().record("elu", std::move(y), {&x}, [x = x.value(), alpha](Tensor g, Inputs& in) {
    const Tensor derivative = around(
        in, x, [](real v) { return v; }, hans::exp, [alpha](real v, real e) { return v > 0 ? 1 : alpha * e; });
    in.add(0, through(std::move(g), derivative, times));
  });
}

Var selu(const Var& x, real alpha, real gamma) { return elu(x, alpha) * gamma; }

Var hard_sigmoid(const Var& x, real alpha, real beta) {
  const auto line = [alpha, beta](real v) { return alpha * v + beta; };
  Tensor y = each(x.tape(), x.value(), [line](real v) {
    const real at = line(v);
    return at < 0 ? 0 : at > 1 ? 1 : at;
  });
  return x.tape().record("hard_sigmoid", std::move(y), {&x}, [x = x.value(), line, alpha](Tensor g, Inputs& in) {
    in.add(0, through(std::move(g), x,
                      [line, alpha](real s, real v) { return line(v) > 0 && line(v) < 1 ? s * alpha : 0; }));
  });
}

Var gelu(const Var& x, bool tanh_form) { return tanh_form ? gelu_of_tanh(x) : gelu_of_erf(x); }

Var clamp(const Var& x, real low, real high) {
  check(low <= high, "clamp needs a lowest value that is not above the highest, not ", low, " and ", high);
  Tensor y = each(x.tape(), x.value(), [low, high](real v) { return v < low ? low : v > high ? high : v; });
  return x.tape().record("clamp", std::move(y), {&x}, [x = x.value(), low, high](Tensor g, Inputs& in) {
    in.add(0, through(std::move(g), x, [low, high](real s, real v) { return v >= low && v <= high ? s : 0; }));
  });
}

Var straight_through(const Var& x, const Tensor& value) {
  check(x.shape() == value.shape(), "numbers of shape ", value.shape(), " cannot stand for those of ", x.shape());
  return x.tape().record("straight_through", value, {&x}, [](Tensor g, Inputs& in) { in.add(0, std::move(g)); });
}

Var round(const Var& x) { return x.tape().constant(each(x.tape(), x.value(), rounded)); }

}  // namespace hans
