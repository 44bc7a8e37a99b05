// Points and intervals through a network together, for training with interval bounds (Gowal 2018).
//
// The samples of x (its first axis) are any number of points, then the centres c of `boxes` intervals, then their radii
// r >= 0. Each operation acts on points as its name says, and gives for each interval one that contains all values on
// it: exactly its values in real arithmetic, feature by feature; with rounded arithmetic about that. Every operation is
// one node with the gradients of the formulas below. The same bits everywhere. Throws Error for shapes that do not fit.
#pragma once

#include <span>

#include <hans/autodiff/ops.hpp>

namespace hans {

/// Points and c: x * weights + bias. r: r * |weights|, where the gradient of |0| is 0. Costs as much as linear().
Var interval_linear(const Var& x, std::size_t boxes, const Var& weights, const Var& bias = {});

/// The same for a convolution.
Var interval_conv2d(const Var& x, std::size_t boxes, const Var& weights, const Var& bias, const Window& window);

/// Points: relu(x). Intervals: (u + l) / 2 and (u - l) / 2 of l = relu(c - r), u = relu(c + r).
Var interval_relu(const Var& x, std::size_t boxes);

/// Batch normalisation by the mean and variance of the first `clean` points (at least one): d = sqrt(variance + eps),
/// f = scale / d, s = bias - mean * f. Points and c: x * f + s; r: r * |f|; then relu on request, as interval_relu().
/// Gradients of all samples pass the mean and the variance.
struct IntervalNormed {
  Var y;
  Tensor mean, variance;
};
IntervalNormed interval_batch_norm(const Var& x, std::size_t boxes, std::size_t clean, const Var& scale,
                                   const Var& bias, real eps, Activation activation);

/// The last layer, seen from the label (elided): the upper bound of logit j minus that of the label, z_j - z_y + sum_i
/// r_i |w_ij - w_iy|, for each interval; 0 at the label. `logits` are those of the centres, intervals x classes;
/// `radii` intervals x features of the layer with these weights. Costs a product with classes^2 columns.
Var interval_margins(const Var& logits, const Var& radii, const Var& weights, std::span<const int> labels);

/// How far intervals lie from 0, as one vector of 5 means over all features of all intervals of x (NaN without any): of
/// r; of c where the interval is active (c - r > 0), and of -c where it is inactive (c + r < 0); of (c - m)^2 where it
/// is active, and where it is inactive, with m the mean of all c. What belongs to other features counts as 0. Sums are
/// taken in double, along each interval and then over intervals. No gradient passes the choice of features.
Var interval_balance(const Var& x, std::size_t boxes);

}  // namespace hans
