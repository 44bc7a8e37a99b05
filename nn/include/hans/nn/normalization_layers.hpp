// Layers that subtract a mean and divide by a deviation.
#pragma once

#include <hans/nn/layer.hpp>

namespace hans::nn {

/// Every channel (last axis) with its own mean and variance, learnt scale and bias (Ioffe 2015). In training they are
/// the batch's, and the stored ones follow them; otherwise the stored ones.
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

/// By what is stored it is one multiplication and one addition a number: what does not depend on x, worked out first.
struct Affine {
  Var factor, summand;
};
Affine affine_of(Tape& tape, float eps, std::span<const Var> weights, std::span<const Tensor> others);

/// 1 - momentum: other libraries give the weight of what is stored, not of the batch. Of 0.9 it is 0.1, as decimals.
float rest_of(float momentum);

/// Every channel of every image with its own mean and variance (Ulyanov 2016).
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

/// The features of the last axes together (Ba 2016).
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
