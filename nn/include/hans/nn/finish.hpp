// What is done to a trained network before it is shipped: statistics of all data, fewer layers, shorter numbers.
#pragma once

#include <cstddef>

#include <hans/data/dataset.hpp>
#include <hans/nn/sequential.hpp>

namespace hans::nn {

/// Replaces the stored mean and variance of each batch normalisation by those of the first `images` of the data: by the
/// mean of the statistics of all whole batches in their order (of one shorter batch, if there is no whole one), each
/// with the network as it is, without dropout. Images are not changed. Does nothing to a network without batch
/// normalisation. Throws UsageError for a batch of fewer than 2. Cost: a forward pass of the images.
void use_population_statistics(Sequential& net, const data::Dataset& train, std::size_t images, std::size_t batch);

/// The network without batch normalisations that follow a convolution or a linear layer: with f = scale / sqrt(variance
/// + eps), weights become w * f, and biases (b - mean) * f + bias. Computed in double and rounded once. A normalisation
/// stays where the layer before it has other users, or is of another kind. In evaluation both give the same logits up
/// to rounding.
Sequential folded(const Sequential& net);

/// Rounds every parameter and buffer to the nearest IEEE binary16 number, ties to even; denormal numbers included.
/// Throws Error that names the tensor with a number of 65,520 or more, which would be infinite.
void round_to_float16(Sequential& net);

}  // namespace hans::nn
