// CROWN-IBP in training: linear bounds from the logits back to the images, over a pass with intervals.
#pragma once

#include <cstddef>
#include <span>

#include <hans/nn/intervals.hpp>

namespace hans::nn {

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

}  // namespace hans::nn
