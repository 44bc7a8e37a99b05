// An ONNX graph under construction during an export.
#include "detail/onnx_exporter.hpp"

#include <algorithm>
#include <array>

#include <hans/autodiff/arrays.hpp>
#include "../../data/detail/bytes.hpp"

namespace hans::nn::onnx {
namespace {

TensorData stored_as(Type type, std::string name, std::vector<std::int64_t> dims, const auto& values) {
  std::string bytes;
  for (const auto value : values) {
    if constexpr (std::integral<decltype(value)>) data::put_little(bytes, static_cast<std::uint64_t>(value));
    if constexpr (!std::integral<decltype(value)>)
      data::put_little(bytes, std::bit_cast<std::uint32_t>(static_cast<float>(value)));
  }
  return {std::move(name), type, std::move(dims), std::move(bytes)};
}

TensorData stored_reals(std::string name, const Tensor& values) {
  return stored_as(Type::f32, std::move(name), {values.shape().begin(), values.shape().end()}, values.values());
}

/// A constant in the layout that combines with images of this form.
Tensor laid_out(const Tensor& constant, Form form) {
  if (form == Form::plain || constant.size() == 1) return constant;
  std::array<std::size_t, 3> extents{1, 1, 1};
  std::copy_backward(constant.shape().begin(), constant.shape().end(), extents.end());
  return transposed(constant.reshaped(Shape(std::span<const std::size_t>(extents))),
                    std::array<std::size_t, 3>{2, 0, 1});
}

}  // namespace

Exporter::Exporter(const Sequential& net) : net_(net), values_(net.layers().size() + 1) {
  graph_.name = "hans";
  values_.back() = {net.input(), {}, "", unique("images")};
}

void Exporter::begin(std::size_t layer, std::span<const std::size_t> operands) {
  layer_ = layer;
  operands_.assign(operands.begin(), operands.end());
  values_[layer].shape = out();
}

Form Exporter::form() const {
  bool any = false;
  for (const std::size_t operand : operands_) {
    const Given& value = values_[operand];
    if (value.constant ? value.shape.rank() > 3 : !value.image()) return Form::plain;
    any = any || !value.channels_first.empty();
  }
  return any ? Form::channels_first : Form::plain;
}

std::string Exporter::name(std::size_t operand, Form form) {
  Given& value = values_[operands_[operand]];
  std::string& wanted = form == Form::plain ? value.plain : value.channels_first;
  if (!wanted.empty()) return wanted;
  if (value.constant) {
    const std::string made = text(operands_[operand], form == Form::plain ? ".value" : ".value_channels_first");
    graph_.initializers.push_back(stored_reals(unique(made), laid_out(*value.constant, form)));
    return wanted = made;
  }
  return wanted = form == Form::plain ? transposed(value.channels_first, {0, 2, 3, 1})
                                      : transposed(value.plain, {0, 3, 1, 2});
}

std::int64_t Exporter::axis(std::size_t axis, Form form) {
  constexpr std::array<std::int64_t, 3> first{2, 3, 1};
  return form == Form::plain ? static_cast<std::int64_t>(axis) + 1 : first[axis];
}

std::string Exporter::numbers(std::string_view what, const Tensor& values) {
  return graph_.initializers.emplace_back(stored_reals(unique(text(layer_, ".", what)), values)).name;
}

std::string Exporter::whole(std::string_view what, const std::vector<std::int64_t>& values) {
  const auto count = static_cast<std::int64_t>(values.size());
  graph_.initializers.push_back(stored_as(Type::i64, unique(text(layer_, ".", what)), {count}, values));
  return graph_.initializers.back().name;
}

std::string Exporter::node(const std::string& op, std::vector<std::string> inputs, std::vector<Attribute> attributes) {
  std::string name = unique(text(layer_, ".", op));
  graph_.nodes.push_back({name, op, "", std::move(inputs), {name}, std::move(attributes)});
  return name;
}

void Exporter::give(std::string name, Form form) {
  (form == Form::plain ? values_[layer_].plain : values_[layer_].channels_first) = std::move(name);
}

std::string Exporter::unique(const std::string& wanted) {
  std::string name = wanted;
  for (std::size_t k = 2; !names_.insert(name).second; ++k) name = text(wanted, "_", k);
  return name;
}

Graph Exporter::finish() {
  // The last layer gives the logits, and no node uses them.
  graph_.nodes.back().outputs = {"logits"};
  const auto open = [](Shape shape) {
    std::vector<Dim> dims{{false, 0, "N"}};
    for (const std::size_t extent : shape) dims.push_back({true, static_cast<std::int64_t>(extent), ""});
    return dims;
  };
  const Shape& image = net_.input();
  graph_.inputs = {{"images", Type::f32, true, open({image[2], image[0], image[1]})}};
  graph_.outputs = {{"logits", Type::f32, true, open({net_.classes()})}};
  return std::move(graph_);
}

}  // namespace hans::nn::onnx
