// Layers as ONNX nodes: convolutions, linear layers, pooling, normalisations.
#include <array>
#include <numeric>

#include <hans/autodiff/arrays.hpp>
#include "detail/onnx_exporter.hpp"

namespace hans::nn::onnx {
namespace {

std::vector<std::int64_t> both(const Extent& extent) { return {extent.height, extent.width}; }

/// The padding: explicit, or for an output of ceil(in / stride).
Attribute surroundings(const Padding& padding) {
  if (padding.kind == Padding::Kind::same) return attribute("auto_pad", "SAME_UPPER");
  return attribute("pads", std::vector<std::int64_t>{padding.top, padding.left, padding.bottom, padding.right});
}

/// The attributes that both kinds of convolution share.
template <class Convolution>
std::vector<Attribute> window_attributes(const Convolution& layer) {
  std::vector<Attribute> all{attribute("kernel_shape", both(layer.kernel)), attribute("strides", both(layer.stride))};
  if (layer.dilation) all.push_back(attribute("dilations", both(*layer.dilation)));
  if (layer.groups) all.push_back(attribute("group", std::int64_t{*layer.groups}));
  return all;
}

/// The inputs of a convolution: operand, weights with filters first, bias.
std::vector<std::string> conv_inputs(Exporter& work) {
  std::vector<std::string> inputs{
      work.name(0, Form::channels_first),
      work.numbers("weight", transposed(work.weight(0), std::array<std::size_t, 4>{3, 2, 0, 1}))};
  if (work.weights() > 1) inputs.push_back(work.numbers("bias", work.weight(1)));
  return inputs;
}

template <class Pool>
std::vector<Attribute> pool_attributes(const Pool& layer) {
  std::vector<Attribute> all{attribute("kernel_shape", both(layer.kernel)),
                             attribute("strides", both(layer.stride.value_or(layer.kernel))),
                             surroundings(layer.padding.value_or(Padding{}))};
  if (layer.ceil.value_or(false)) all.push_back(attribute("ceil_mode", std::int64_t{1}));
  return all;
}

/// Adds a normalisation that needs the channels, our last axis, right after the samples.
void normalise_channels(Exporter& work, const char* op, std::vector<Attribute> attributes,
                        std::vector<std::string> numbers) {
  const std::size_t rank = work.in().shape.rank();
  const Form form = work.in().image() ? Form::channels_first : Form::plain;
  std::string x = work.name(0, form);
  const bool moved = form == Form::plain && rank > 1;
  std::vector<std::int64_t> order(rank + 1);
  std::iota(order.begin(), order.end(), std::int64_t{0});
  if (moved) {
    std::vector<std::int64_t> to = order;
    to.insert(to.begin() + 1, to.back());
    to.pop_back();
    x = work.transposed(x, to);
  }
  numbers.insert(numbers.begin(), x);
  x = work.node(op, std::move(numbers), std::move(attributes));
  if (moved) {
    order.erase(order.begin() + 1);
    order.push_back(1);
    x = work.transposed(x, order);
  }
  work.give(x, form);
}

}  // namespace

void export_layer(Exporter& work, const Conv2d& layer) {
  std::vector<Attribute> attributes = window_attributes(layer);
  attributes.push_back(surroundings(layer.padding));
  work.give(work.node("Conv", conv_inputs(work), std::move(attributes)), Form::channels_first);
}

void export_layer(Exporter& work, const ConvTranspose2d& layer) {
  const Window window = window_of(layer, work.in().shape);
  const Extent kernel = layer.kernel, size = layer.size;
  std::vector<Attribute> attributes = window_attributes(layer);
  attributes.push_back(attribute("pads", std::vector<std::int64_t>{static_cast<std::int64_t>(window.pad_top),
                                                                   static_cast<std::int64_t>(window.pad_left),
                                                                   static_cast<std::int64_t>(window.pad_bottom),
                                                                   static_cast<std::int64_t>(window.pad_right)}));
  // What the formula for the output's extent leaves out.
  const auto more = [](std::size_t out, std::size_t in, std::size_t stride, std::size_t side, std::size_t dilation,
                       std::size_t pads) {
    return static_cast<std::int64_t>(out + pads) -
           static_cast<std::int64_t>(stride * (in - 1) + (side - 1) * dilation + 1);
  };
  const Shape& in = work.in().shape;
  attributes.push_back(attribute(
      "output_padding", std::vector<std::int64_t>{more(size.height, in[0], layer.stride.height, kernel.height,
                                                       window.dilation_height, window.pad_top + window.pad_bottom),
                                                  more(size.width, in[1], layer.stride.width, kernel.width,
                                                       window.dilation_width, window.pad_left + window.pad_right)}));
  work.give(work.node("ConvTranspose", conv_inputs(work), std::move(attributes)), Form::channels_first);
}

void export_layer(Exporter& work, const Linear&) {
  std::vector<std::string> inputs{work.name(0, Form::plain), work.numbers("weight", work.weight(0))};
  if (work.weights() > 1) inputs.push_back(work.numbers("bias", work.weight(1)));
  work.give(work.node("Gemm", std::move(inputs)), Form::plain);
}

void export_layer(Exporter& work, const MaxPool2d& layer) {
  std::vector<Attribute> attributes = pool_attributes(layer);
  work.give(work.node("MaxPool", {work.name(0, Form::channels_first)}, std::move(attributes)), Form::channels_first);
}

void export_layer(Exporter& work, const AveragePool2d& layer) {
  std::vector<Attribute> attributes = pool_attributes(layer);
  if (layer.count_padding) attributes.push_back(attribute("count_include_pad", std::int64_t{1}));
  work.give(work.node("AveragePool", {work.name(0, Form::channels_first)}, std::move(attributes)),
            Form::channels_first);
}

void export_layer(Exporter& work, const BatchNorm& layer) {
  normalise_channels(work, "BatchNormalization",
                     {attribute("epsilon", layer.eps), attribute("momentum", rest_of(layer.momentum))},
                     {work.numbers("scale", work.weight(0)), work.numbers("bias", work.weight(1)),
                      work.numbers("mean", work.other(0)), work.numbers("variance", work.other(1))});
}

void export_layer(Exporter& work, const InstanceNorm& layer) {
  normalise_channels(work, "InstanceNormalization", {attribute("epsilon", layer.eps)},
                     {work.numbers("scale", work.weight(0)), work.numbers("bias", work.weight(1))});
}

void export_layer(Exporter& work, const LayerNorm& layer) {
  work.give(work.node("LayerNormalization",
                      {work.name(0, Form::plain), work.numbers("scale", work.weight(0)),
                       work.numbers("bias", work.weight(1))},
                      {attribute("axis", -std::int64_t{layer.axes}), attribute("epsilon", layer.eps)}),
            Form::plain);
}

}  // namespace hans::nn::onnx
