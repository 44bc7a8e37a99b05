// Training with intervals: a forward pass for points and intervals together, and weights to start from.
#pragma once

#include <cstddef>
#include <span>

#include <hans/autodiff/intervals.hpp>
#include <hans/nn/sequential.hpp>

namespace hans::nn {

/// What a network makes of points and intervals.
struct IntervalPass {
  Var logits;   ///< points x classes
  Var margins;  ///< intervals x classes: upper bounds of z_j - z_label (interval_margins); 0 at the label
};

/// Passes points and one interval for each label through the network in training mode. `x` has `points` images, at
/// least one, then the centres of the intervals, then their radii. Batch normalisation takes the statistics of the
/// first `clean` points, which `mode` records. Throws Error that names the layer for one without a rule for intervals;
/// there are rules for convolutions, linear layers, batch normalisation, relu, average pooling, flatten, sums of two
/// layers, and the last layer must be linear. Cost: that of a forward pass of all rows of x.
IntervalPass interval_pass(const Sequential& net, std::span<const Var> weights, const Var& x, std::size_t points,
                           std::size_t clean, std::span<const int> labels, const Mode& mode);

/// Draws the weights of all layers but the last anew, from N(0, 2 pi / fan_in^2): the mean radius of intervals then
/// stays about the same from layer to layer (Shi 2021, arXiv:2103.17268). Biases and everything else stay.
void start_for_intervals(Sequential& net, Rng rng);

}  // namespace hans::nn
