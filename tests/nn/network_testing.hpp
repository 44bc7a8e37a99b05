// Networks put to work, for the tests.
#pragma once

#include <hans/core/rng.hpp>
#include <hans/nn/sequential.hpp>

namespace network_testing {

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
