// Further elementwise functions that can be differentiated, as networks from elsewhere use them.
//
// Each is a formula of rounded additions, multiplications, divisions, square roots and the functions of core/math.hpp,
// computed from left to right as written here, with constants rounded to `real`; so its bits are the same everywhere.
// Unless it says otherwise, a gradient is the one that comes in times the derivative of the formula, and a NaN gives
// NaN. Cost: a few passes over the elements, on all threads.
#pragma once

#include <hans/autodiff/tape.hpp>
#include <hans/core/kernels.hpp>

namespace hans {

// --- of channels, the last axis (normalize.cpp) ----------------------------------------------------

/// x * factor + summand and the activation; factor and summand have a number for each channel. Where nothing is tracked
/// `added`, as large as x, may come before the activation.
Var affine(const Var& x, const Var& factor, const Var& summand, const kernels::Behind& behind = {});

/// Every channel with its mean and variance over all other axes (Ioffe 2015): c = x - mean, d = sqrt(variance + eps),
/// c / d * scale + bias and the activation. The gradient is that of these formulas, of the mean and the variance too.
struct BatchNormed {
  Var y;
  Tensor mean, variance;
};
BatchNormed batch_norm(const Var& x, const Var& scale, const Var& bias, real eps,
                       kernels::Activation activation = kernels::Activation::none);

// --- of one value (functions.cpp) ------------------------------------------------------------------

/// The gradient is 0 where x is 0 or NaN.
Var abs(const Var& x);

/// NaN below 0, but -0 stays. The gradient g / (y + y) is infinite where x is 0.
Var sqrt(const Var& x);
Var erf(const Var& x);

/// log(1 + exp(x)) as max(x, 0) + l, with e = exp(-|x|), s = 1 + e, and l = log(s) * (e / (s - 1)), or e where s is 1.
/// The derivative is sigmoid(x).
Var softplus(const Var& x);

/// x where x >= 0, otherwise slope * x. The derivative is 1 where x > 0, otherwise `slope`.
Var leaky_relu(const Var& x, real slope);

/// x where x > 0, otherwise alpha * (exp(x) - 1), computed as alpha * (2t / (1 - t)) with t = tanh(x / 2). The
/// derivative is 1 where x > 0, otherwise alpha * exp(x).
Var elu(const Var& x, real alpha);

/// gamma * elu(x, alpha).
Var selu(const Var& x, real alpha, real gamma);

/// max(0, min(1, alpha * x + beta)). The derivative is `alpha` where that lies between 0 and 1, otherwise 0.
Var hard_sigmoid(const Var& x, real alpha, real beta);

/// x/2 * (1 + erf(x * sqrt(1/2))), or with `tanh_form` x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 * (x * x * x)))).
/// NaN at minus infinity.
Var gelu(const Var& x, bool tanh_form);

/// low where x < low, high where x > high. The gradient passes where low <= x <= high. Either end may be infinite;
/// throws Error unless low <= high.
Var clamp(const Var& x, real low, real high);

/// The nearest whole number, of two the even one; it keeps the sign, also of 0. A constant: no gradient.
Var round(const Var& x);

/// `value`, as if it were x: its gradient goes to x unchanged (Bengio 2013, arXiv:1308.3432). Shapes must be equal.
Var straight_through(const Var& x, const Tensor& value);

// --- powers (power.cpp) ----------------------------------------------------------------------------

/// a to the power of b with broadcasting; zeros, infinities, NaN and signs as IEEE 754 has them for pow: 1 where b is 0
/// or a is 1, NaN where a is negative and b not whole. Where b is a single number n it is
/// - for whole |n| <= 8 the product from left to right of those of x, x^2 = x * x, x^4 = x^2 * x^2 and x^8 = x^4 * x^4
///   that |n| consists of, and 1 over that where n < 0 (0 where the product overflows);
/// - for 0.5 and -0.5 the square root and 1 over it;
/// otherwise exp(b * log|a|), whose relative error is up to 2^-22 * (2 + |b * log|a||).
/// The gradient of a is g * (b * a^(b - 1)), 0 where b is 0; of b g * (a^b * log(a)), 0 where a is 0, NaN where a < 0.
Var pow(const Var& a, const Var& b);

// --- comparisons (comparisons.cpp) -----------------------------------------------------------------

/// The smaller or larger of two, with broadcasting. Of equal values, such as 0 and -0, the first operand's is taken; of
/// two with a NaN that. The gradient goes to the operand whose value was taken.
Var minimum(const Var& a, const Var& b);
Var maximum(const Var& a, const Var& b);

/// x where x >= 0, otherwise slope * x; `slope` is broadcast to x's shape (Error if it cannot be). The derivatives are
/// those of leaky_relu, and for the slope x where x < 0, otherwise 0.
Var prelu(const Var& x, const Var& slope);

/// 1 where the comparison holds, otherwise 0, also with a NaN; with broadcasting. Constants: no gradient.
Var equal(const Var& a, const Var& b);
Var greater(const Var& a, const Var& b);
Var less(const Var& a, const Var& b);

/// a where `condition` is not 0, otherwise b, the three broadcast together. Gradients go to a and b alone.
Var where(const Var& condition, const Var& a, const Var& b);

}  // namespace hans
