// Affine maps from functions on tapes.
#pragma once

#include <optional>

#include "graph.hpp"

namespace hans::nn::bounds {

/// A function of operands, with samples in front of those that depend on the images.
using Function = std::function<Var(Tape&, std::span<const Var>)>;

/// The operands of an affine layer: shapes of one sample, and the values of those that are constant.
struct Given {
  std::vector<Shape> shapes;
  std::vector<std::optional<Tensor>> constants;
};

/// The affine map of a function; `positive` is the same with all factors made positive. Rows go back by the function's
/// gradient.
AffineMap map_of(const Given& given, const Function& f, const Function& positive);

inline AffineMap map_of(const Given& given, const Function& f) { return map_of(given, f, f); }

/// How a convolution goes back from windows, and a scaling of each channel.
Local local_of(const Tensor& weights, const Window& window);
Local local_of(const Tensor& factor);

/// |x|, element by element.
Tensor absolute(const Tensor& x);

}  // namespace hans::nn::bounds
