// Training with intervals: a forward pass for points and intervals together, and weights to start from.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <hans/autodiff/intervals.hpp>
#include <hans/nn/sequential.hpp>

namespace hans::nn {

/// What a network makes of points and intervals.
struct IntervalPass {
  Var logits;   ///< points x classes
  Var margins;  ///< intervals x classes: upper bounds of z_j - z_label (interval_margins); 0 at the label
  std::vector<Var> inputs = {};  ///< if traced: all rows of the first operand of each layer
};

/// Whether a pass keeps what enters each layer. This costs a pass over memory for each batch normalisation before a
/// relu.
enum class Trace { off, inputs };

/// Passes points and one interval for each label through the network in training mode. `x` has `points` images, at
/// least one, then the centres of the intervals, then their radii. Batch normalisation takes the statistics of the
/// first `clean` points, which `mode` records. Throws Error that names the layer for one without a rule for intervals;
/// there are rules for convolutions, linear layers, batch normalisation, relu, average pooling, flatten, sums of two
/// layers, and the last layer must be linear. Cost: that of a forward pass of all rows of x.
IntervalPass interval_pass(const Sequential& net, std::span<const Var> weights, const Var& x, std::size_t points,
                           std::size_t clean, std::span<const int> labels, const Mode& mode, Trace trace = Trace::off);

/// The regulariser of fast training with intervals (Shi 2021, arXiv:2103.17268), of shape {1}: the mean over all relus
/// of a traced pass of
///
///     relu(1/2 - r_0 / r) / (1/2)  +  (relu(1/2 - q(a, b)) + relu(1/2 - q(v, w))) / (1/2)
///
/// with r_0 and r the mean radius of the images' intervals and of those before the relu, a, b, v and w the means of
/// interval_balance() there, and q(s, t) the smaller of s / t and t / s. The first term is positive if intervals more
/// than double, the second if active and inactive features are far from balance. A term with a
/// quotient that is not finite is left out, such as 0 / 0 without active or inactive features. Cost: three passes over
/// memory for each relu.
Var interval_imbalance(const Sequential& net, const IntervalPass& pass, std::size_t boxes);

/// Upper bounds of z_j - z_label over each interval: intervals x classes; 0 at the label (Zhang 2020,
/// arXiv:1906.06316). `pass` is a traced interval_pass of the network with these weights, numbers of clean points and
/// labels. Each margin, a linear form of the logits, goes back through the network. A relu on [l, u] lies below the
/// chord u (x - l) / (u - l) and above x if u > -l, else above 0; of l >= 0 or u <= 0 both are exact. Batch
/// normalisation has the statistics of the clean points. Gradients pass everything but the choice of the line below.
///
/// Not always below the margins of the pass. Throws Error that names the layer for average pooling, which has no rule
/// here. Cost: that of a forward pass for each class.
Var crown_margins(const Sequential& net, std::span<const Var> weights, const IntervalPass& pass, std::size_t clean,
                  std::span<const int> labels);

/// Draws the weights of all layers but the last anew, from N(0, 2 pi / fan_in^2): the mean radius of intervals then
/// stays about the same from layer to layer (Shi 2021, arXiv:2103.17268). Biases and everything else stay.
void start_for_intervals(Sequential& net, Rng rng);

}  // namespace hans::nn
