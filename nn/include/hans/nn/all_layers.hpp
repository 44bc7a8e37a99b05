// The list of all layer types, and visitors over the settings inside a Layer.
#pragma once

#include <concepts>

#include <hans/core/error.hpp>
#include <hans/nn/activation_layers.hpp>
#include <hans/nn/array_layers.hpp>
#include <hans/nn/function_layers.hpp>
#include <hans/nn/layers.hpp>
#include <hans/nn/normalization_layers.hpp>
#include <hans/nn/preprocess.hpp>

namespace hans::nn {

template <class... Layers>
struct LayerTypes {};

/// Add a new layer here; every visitor that does not handle it then fails to compile.
using AllLayers = LayerTypes<Conv2d, ConvTranspose2d, Linear, MaxPool2d, AveragePool2d, BatchNorm, InstanceNorm,
                             LayerNorm, LeakyRelu, Elu, Selu, HardSigmoid, Gelu, Clip, Dropout, GaussianNoise, Reshape,
                             Transpose, Take, Concat, Reduce, Where, Constant, Normalize, Relu, Sigmoid, Tanh, Flatten,
                             Add, Subtract, Multiply, Divide, Power, Minimum, Maximum, Prelu, Equal, Greater, Less,
                             Matmul, Abs, Negate, Sqrt, Exp, Log, Erf, Softplus, Softmax, LogSoftmax, Round>;

/// Whether L is one of `These`, for visitors that treat several layers alike.
template <class L, class... These>
concept OneOf = (std::same_as<L, These> || ...);

namespace detail {

template <class First, class... Rest, class Visitor, class... Args>
decltype(auto) visit(LayerTypes<First, Rest...>, const Layer& layer, Visitor& visitor, Args&... args) {
  static_assert(std::invocable<Visitor&, const First&, Args&...>, "the visitor lacks a layer: First of this function");
  if (const First* settings = layer.as<First>()) return visitor(*settings, args...);
  if constexpr (sizeof...(Rest) > 0) {
    return detail::visit(LayerTypes<Rest...>(), layer, visitor, args...);
  } else {
    throw Error(text("layer '", layer.spec().name, "' is none of those that hans list layers shows"));
  }
}

}  // namespace detail

/// Calls visitor(settings, args...) with the layer's settings in their own type, and returns its result. The visitor
/// must accept every type of AllLayers and always return the same type; otherwise the code does not compile, and the
/// message names the layer. Throws Error for a layer that is not in the list. Cost: up to 50 casts.
template <class Visitor, class... Args>
decltype(auto) visit(const Layer& layer, Visitor&& visitor, Args&&... args) {
  return detail::visit(AllLayers(), layer, visitor, args...);
}

}  // namespace hans::nn
