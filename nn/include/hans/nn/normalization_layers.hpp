// Normalisation layers: subtract a mean, divide by a standard deviation.
#pragma once

#include <hans/nn/layer.hpp>

namespace hans::nn {

/// Batch normalisation (Ioffe 2015): normalises every channel (last axis) by a mean and variance, then applies a learnt
/// scale and bias. Training uses the statistics of the batch and updates the stored ones; evaluation uses the stored
/// ones.
struct BatchNorm {
  float eps = 1e-5F;
  float momentum = 0.1F;

  static constexpr std::string_view name = "batch_norm";
  static constexpr std::string_view meaning = "every channel normalised by the mean and variance of many images";
  static constexpr bool fuses = true;
  static constexpr auto fields() {
    return std::tuple(
        field("eps", &BatchNorm::eps, at_least(0), "is added to the variance"),
        field("momentum", &BatchNorm::momentum, between(0, 1), "weight of a batch in the stored mean and variance"));
  }
  std::vector<WeightInfo> weights(const Shape& in) const;
  Var operator()(const Var& x, const Run& run) const;
};

/// Batch normalisation by stored statistics: x * factor + summand per channel.
struct Affine {
  Var factor, summand;
};
Affine affine_of(Tape& tape, float eps, std::span<const Var> weights, std::span<const Tensor> buffers);

/// 1 - momentum, computed in decimal, so that 0.9 gives 0.1. Converts to and from other libraries, whose momentum
/// weights the stored statistics instead of the batch.
float rest_of(float momentum);

/// Normalises every channel of every image by its own mean and variance (Ulyanov 2016).
struct InstanceNorm {
  float eps = 1e-5F;

  static constexpr std::string_view name = "instance_norm";
  static constexpr std::string_view meaning = "every channel normalised by its mean and variance in the image";
  static constexpr auto fields() {
    return std::tuple(field("eps", &InstanceNorm::eps, at_least(0), "is added to the variance"));
  }
  std::vector<WeightInfo> weights(const Shape& in) const;
  Var operator()(const Var& x, const Run& run) const;
};

/// Normalises the features of the last axes together (Ba 2016).
struct LayerNorm {
  unsigned axes = 1;
  float eps = 1e-5F;

  static constexpr std::string_view name = "layer_norm";
  static constexpr std::string_view meaning = "the last axes together normalised by their mean and variance";
  static constexpr auto fields() {
    return std::tuple(field("axes", &LayerNorm::axes, between(1, 5), "how many of the last axes"),
                      field("eps", &LayerNorm::eps, at_least(0), "is added to the variance"));
  }
  std::vector<WeightInfo> weights(const Shape& in) const;
  Var operator()(const Var& x, const Run& run) const;
};

}  // namespace hans::nn
