// A network as the numbers that it computes, in order: sums of weighted numbers, and relus.
#pragma once

#include "network.hpp"

namespace hans::checker {

/// Neighbouring numbers of the network, each times its weight.
struct Run {
  std::size_t begin, weight, count;
};

/// A number of the network: of the image, the relu of an earlier number, or `bias` plus runs. Weights are within 8
/// roundings of the exact ones; so is the bias, relative to `offset`.
struct Neuron {
  std::size_t first_run = 0, last_run = 0;
  double bias = 0, offset = 0;  ///< offset: at least |bias| and the sizes of all that was added up to make it
  std::size_t roundings = 0;    ///< the most that float32 makes on the way from an operand to the sum
  bool relu = false;
  std::size_t relu_of = 0, unit = 0;
};

struct Neurons {
  std::vector<Neuron> all;  ///< the image first
  std::vector<Run> runs;
  std::vector<double> weights;
  std::size_t units = 0, logits = 0;  ///< logits: the place of the first

  /// Throws Error that names a layer through which bounds do not pass; `where` names the network.
  Neurons(const Network& network, std::string_view where);
};

}  // namespace hans::checker
