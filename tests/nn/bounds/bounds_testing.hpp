// Networks, methods and points for tests of bounds.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <hans/nn/bounds.hpp>

namespace bounds_testing {

using namespace hans;
using nn::Ball;
using nn::BoundMethod;
using nn::Sequential;
using nn::Slope;

/// A network whose biases and statistics are not those of the start.
inline Sequential network(const std::string& architecture, std::uint64_t seed) {
  Sequential net = Sequential::parse(architecture, Rng(seed));
  Stream stream = Rng(seed).stream("more");
  for (Tensor& tensor : net.mutable_weights()) {
    for (real& value : tensor.mutable_values()) value += real{0.2F} * (2 * stream.uniform() - 1);
  }
  std::vector<Tensor> buffers(net.buffers().begin(), net.buffers().end());
  for (std::size_t k = 0; k < buffers.size(); ++k) {
    const bool variance = net.buffer_names()[k].ends_with("variance"), mean = net.buffer_names()[k].ends_with("mean");
    if (!variance && !mean) continue;
    for (real& value : buffers[k].mutable_values()) value = variance ? real{0.3F} + stream.uniform() : stream.uniform();
  }
  net.set_buffers(buffers);
  return net;
}

struct Method {
  BoundMethod method;
  Slope slope;
};
inline const std::vector<Method> methods{{BoundMethod::ibp, Slope::adaptive},   {BoundMethod::crown_ibp, Slope::zero},
                                         {BoundMethod::crown, Slope::adaptive}, {BoundMethod::crown, Slope::zero},
                                         {BoundMethod::crown, Slope::one},      {BoundMethod::crown, Slope::same},
                                         {BoundMethod::alpha, Slope::adaptive}, {BoundMethod::zonotope, Slope::same},
                                         {BoundMethod::joint, Slope::adaptive}};

/// An image of the set: a corner or an inner point of the ball, cut with the box.
inline Tensor point_of(const Tensor& centre, const Ball& ball, bool corner, Stream& stream) {
  Tensor point = centre;
  std::vector<double> move(centre.size());
  double length = 0, sum = 0;
  for (double& each : move) {
    const double share = 2 * double{stream.uniform()} - 1;
    each = corner && ball.norm == Norm::linf ? (share < 0 ? -1 : 1) : share;
    length += each * each;
    sum += std::abs(each);
  }
  const double scale = ball.norm == Norm::linf ? 1 : ball.norm == Norm::l2 ? std::sqrt(length) : sum;
  for (std::size_t i = 0; i < move.size(); ++i) {
    const double moved = double{centre.data()[i]} + 0.999999 * double{ball.eps} * move[i] / scale;
    point.mutable_data()[i] = static_cast<real>(std::clamp(moved, double{ball.low}, double{ball.high}));
  }
  return point;
}

}  // namespace bounds_testing
