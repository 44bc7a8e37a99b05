// Layers with weights as affine maps.
#include "detail/products.hpp"

namespace hans::nn::bounds {
namespace {

/// The maps of a layer with weights and biases.
template <class Product>
AffineMap products(const LayerAt& at, const Given& given, bool biased, Product product) {
  const auto with = [biased, product](const Tensor& weights, const Tensor& bias) {
    return [=](Tape& tape, std::span<const Var> x) {
      return product(x[0], tape.constant(weights), biased ? tape.constant(bias) : Var());
    };
  };
  const Tensor w = at.weights()[0], bias = biased ? at.weights()[1] : Tensor();
  return map_of(given, with(w, bias), with(absolute(w), biased ? absolute(bias) : bias));
}

}  // namespace

AffineMap product_of(const Linear& layer, const LayerAt& at, const Given& given) {
  const Tensor w = at.weights()[0];
  AffineMap map = products(at, given, layer.bias,
                           [](const Var& x, const Var& weights, const Var& bias) { return linear(x, weights, bias); });
  const std::size_t in = w.shape()[0], units = w.shape()[1];
  const Tensor turned = w.reshaped({1, 1, in, units});
  map.backward = [turned, in, units](Tape& tape, const Tensor& rows) {
    tape.rewind();
    const std::size_t count = rows.shape()[0];
    const Var x =
        conv_transpose2d(tape.constant(rows.reshaped({count, 1, 1, units})), tape.constant(turned), {}, {}, 1, 1);
    return std::vector{x.value().reshaped({count, in})};
  };
  map.column = [w, in, units](std::span<const std::size_t> chosen) {
    Tensor rows = Tensor::uninitialised({chosen.size(), in});
    real* to = rows.mutable_data();
    for (const std::size_t unit : chosen) {
      for (std::size_t k = 0; k < in; ++k) *to++ = w.data()[k * units + unit];
    }
    return rows;
  };
  map.forward_terms = in + 1;
  map.backward_terms = units;
  return map;
}

AffineMap product_of(const Conv2d& layer, const LayerAt& at, const Given& given) {
  const Tensor w = at.weights()[0];
  const Window window = window_of(layer, at.in());
  AffineMap map = products(at, given, layer.bias, [window](const Var& x, const Var& weights, const Var& bias) {
    return conv2d(x, weights, bias, window);
  });
  map.backward = [w, window, in = at.in()](Tape& tape, const Tensor& rows) {
    tape.rewind();
    return std::vector{conv_transpose2d(tape.constant(rows), tape.constant(w), {}, window, in[0], in[1]).value()};
  };
  const Shape& k = w.shape();
  map.local = local_of(w, window);
  // An input meets each filter at every stride-th tap only.
  const auto met = [](std::size_t taps, std::size_t stride) { return (taps + stride - 1) / stride; };
  const std::size_t places = met(k[0], window.stride_height) * met(k[1], window.stride_width);
  const bool dilated = window.dilation_height > 1 || window.dilation_width > 1;
  map.forward_terms = k[0] * k[1] * k[2] + 1;
  map.backward_terms = (dilated ? k[0] * k[1] : places) * k[3] / window.groups;
  return map;
}

AffineMap product_of(const ConvTranspose2d& layer, const LayerAt& at, const Given& given) {
  const Tensor w = at.weights()[0];
  const Window window = window_of(layer, at.out());
  AffineMap map =
      products(at, given, layer.bias, [window, out = at.out()](const Var& x, const Var& weights, const Var& bias) {
        return conv_transpose2d(x, weights, bias, window, out[0], out[1]);
      });
  map.backward = [w, window](Tape& tape, const Tensor& rows) {
    tape.rewind();
    return std::vector{conv2d(tape.constant(rows), tape.constant(w), {}, window).value()};
  };
  const Shape& k = w.shape();
  map.forward_terms = k[0] * k[1] * k[3] + 1;
  map.backward_terms = k[0] * k[1] * k[2];
  return map;
}

}  // namespace hans::nn::bounds
