// Further differentiable elementwise functions, which imported networks use.
//
// Each function is a formula of rounded additions, multiplications, divisions, square roots and the functions of
// core/math.hpp. It is computed from left to right as written here, with constants rounded to `real`, so its bits are
// the same everywhere. Unless stated otherwise, the gradient is the incoming one times the derivative of the formula,
// and NaN gives NaN. Cost: a few passes over the elements, on all threads.
#pragma once

#include <hans/autodiff/tape.hpp>
#include <hans/core/kernels.hpp>

namespace hans {

// --- per channel, the last axis (normalize.cpp) ----------------------------------------------------

/// x * factor + summand, then the activation. factor and summand hold a number per channel. If nothing is tracked,
/// `epilogue` may also add `added`, as large as x, before the activation.
Var affine(const Var& x, const Var& factor, const Var& summand, const kernels::Epilogue& epilogue = {});

/// Batch normalisation (Ioffe 2015): normalises every channel by its mean and variance over all other axes. c = x -
/// mean, d = sqrt(variance + eps), then c / d * scale + bias and the activation. The gradient includes the dependence
/// of mean and variance on x.
struct BatchNormed {
  Var y;
  Tensor mean, variance;
};
BatchNormed batch_norm(const Var& x, const Var& scale, const Var& bias, real eps,
                       kernels::Activation activation = kernels::Activation::none);

// --- of one operand (functions.cpp) ----------------------------------------------------------------

/// The gradient is 0 where x is 0 or NaN.
Var abs(const Var& x);

/// NaN for negative x; -0 stays -0. The gradient g / (y + y) is infinite where x is 0.
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
/// Gives NaN at minus infinity.
Var gelu(const Var& x, bool tanh_form);

/// x limited to low .. high. The gradient passes where low <= x <= high. Either end may be infinite. Throws Error
/// unless low <= high.
Var clamp(const Var& x, real low, real high);

/// Rounds to the nearest integer, ties to even; the sign stays, also of 0. The result is a constant: no gradient.
Var round(const Var& x);

/// `value` in the forward pass; the gradient passes to x unchanged (straight-through estimator; Bengio 2013,
/// arXiv:1308.3432). Shapes must be equal.
Var straight_through(const Var& x, const Tensor& value);

// --- powers (power.cpp) ----------------------------------------------------------------------------

/// a to the power of b, with broadcasting. Zeros, infinities, NaN and signs follow IEEE 754's pow: 1 where b is 0 or a
/// is 1, NaN where a is negative and b is not an integer. If b is a single number n, the result is
/// - for an integer n with |n| <= 8: the product, from left to right, of those of x, x^2 = x * x, x^4 = x^2 * x^2 and
///   x^8 = x^4 * x^4 that the binary digits of |n| select; 1 over it if n < 0 (0 where the product overflows);
/// - for 0.5 and -0.5: the square root, and 1 over it.
///
/// Otherwise it is exp(b * log|a|), with a relative error of up to 2^-22 * (2 + |b * log|a||). The gradient of a is g *
/// (b * a^(b - 1)), 0 where b is 0. The gradient of b is g * (a^b * log(a)), 0 where a is 0 and NaN where a < 0.
Var pow(const Var& a, const Var& b);

// --- comparisons (comparisons.cpp) -----------------------------------------------------------------

/// The smaller or larger of two, with broadcasting. Ties (0 and -0 tie) take the first operand; a NaN in either gives
/// NaN. The gradient goes to the operand whose value was taken.
Var minimum(const Var& a, const Var& b);
Var maximum(const Var& a, const Var& b);

/// x where x >= 0, otherwise slope * x; `slope` must broadcast to x's shape (Error otherwise). The derivative with
/// respect to x is that of leaky_relu; with respect to the slope it is x where x < 0, otherwise 0.
Var prelu(const Var& x, const Var& slope);

/// 1 where the comparison holds, otherwise 0, also for NaN; with broadcasting. The result is a constant: no gradient.
Var equal(const Var& a, const Var& b);
Var greater(const Var& a, const Var& b);
Var less(const Var& a, const Var& b);

/// a where `condition` is not 0, otherwise b; all three are broadcast together. Only a and b receive gradients.
Var where(const Var& condition, const Var& a, const Var& b);

}  // namespace hans
