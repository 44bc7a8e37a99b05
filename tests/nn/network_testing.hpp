// Networks put to work, for the tests.
#pragma once

#include <string_view>
#include <vector>

#include <hans/core/rng.hpp>
#include <hans/nn/sequential.hpp>

namespace network_testing {

/// A network with other numbers than those that training starts from; variances stay positive.
inline hans::nn::Sequential changed(std::string_view architecture, std::uint64_t seed) {
  hans::nn::Sequential net = hans::nn::Sequential::parse(architecture, hans::Rng(seed));
  hans::Stream stream = hans::Rng(seed).stream("proofs");
  std::vector<hans::Tensor> weights(net.weights().begin(), net.weights().end());
  for (hans::Tensor& weight : weights) {
    for (hans::real& value : weight.mutable_values()) value += (stream.uniform() - 0.5F) * 0.5F;
  }
  std::vector<hans::Tensor> others(net.buffers().begin(), net.buffers().end());
  for (hans::Tensor& other : others) {
    for (hans::real& value : other.mutable_values()) value += stream.uniform() * 0.5F + 0.25F;
  }
  net.set_weights(weights);
  net.set_buffers(others);
  return net;
}

inline hans::Tensor random_images(const hans::Shape& shape) {
  hans::Tensor made(shape);
  hans::Stream stream = hans::Rng(9).stream("images");
  for (hans::real& value : made.mutable_values()) value = stream.uniform();
  return made;
}

inline hans::Tensor logits(const hans::nn::Sequential& net, const hans::Tensor& images) {
  hans::Tape tape;
  return net.logits(tape.constant(images)).value();
}

}  // namespace network_testing
