// An ONNX graph under construction during an export; private to the exporter.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <hans/nn/normalization_layers.hpp>
#include <hans/nn/onnx_file.hpp>
#include <hans/nn/sequential.hpp>

namespace hans::nn::onnx {

/// The axis order of a value in the graph. Values that depend on the images have a sample axis first.
enum class Form {
  plain,          ///< our order
  channels_first  ///< images only: channels x height x width instead of height x width x channels
};

/// The output of a layer in the graph. Images can exist in both forms; a missing one is created on request.
struct Given {
  Shape shape;                                  ///< of one sample, or of the constant
  std::optional<Tensor> constant;               ///< a constant; otherwise the value depends on the images
  std::string plain = {}, channels_first = {};  ///< names in the graph; empty: not created yet

  bool image() const { return shape.rank() == 3; }
};

/// The graph so far, and the current layer.
class Exporter {
 public:
  explicit Exporter(const Sequential& net);

  /// Starts the next layer; call in layer order. The operands are earlier layers, or images().
  void begin(std::size_t layer, std::span<const std::size_t> operands);
  std::size_t images() const { return values_.size() - 1; }
  Graph finish();

  // The current layer.
  std::size_t layer() const { return layer_; }
  std::size_t operands() const { return operands_.size(); }
  const Given& in(std::size_t operand = 0) const { return values_[operands_[operand]]; }
  const Shape& out() const { return net_.shapes()[layer_]; }
  const Tensor& weight(std::size_t which) const { return net_.weights(layer_)[which]; }
  std::size_t weights() const { return net_.weights(layer_).size(); }
  const Tensor& other(std::size_t which) const { return net_.buffers(layer_)[which]; }

  /// The form that needs fewer transpositions of operands and result, for layers that support both.
  Form form() const;

  /// The name of an operand in the given form.
  std::string name(std::size_t operand, Form form);

  /// Converts an axis of a sample to an axis in the graph.
  static std::int64_t axis(std::size_t axis, Form form);

  /// Adds an initializer and returns its name, "LAYER.what".
  std::string numbers(std::string_view what, const Tensor& values);
  std::string whole(std::string_view what, const std::vector<std::int64_t>& values);

  /// Adds a node and returns the name of its output, "LAYER.op".
  std::string node(const std::string& op, std::vector<std::string> inputs, std::vector<Attribute> attributes = {});
  std::string transposed(const std::string& name, std::vector<std::int64_t> order) {
    return node("Transpose", {name}, {attribute("perm", std::move(order))});
  }

  /// Sets the output of the current layer: a name, or a constant.
  void give(std::string name, Form form);
  void give(const Tensor& numbers) { values_[layer_].constant = numbers; }

 private:
  std::string unique(const std::string& wanted);

  const Sequential& net_;
  Graph graph_;
  std::vector<Given> values_;  // output of each layer, then the images
  std::size_t layer_ = 0;
  std::vector<std::size_t> operands_;  // indices into values_
  std::set<std::string> names_;
};

/// Adds the nodes of a layer with windows, weights or statistics. onnx_export.cpp has the other layers.
void export_layer(Exporter& work, const Conv2d& layer);
void export_layer(Exporter& work, const ConvTranspose2d& layer);
void export_layer(Exporter& work, const Linear& layer);
void export_layer(Exporter& work, const MaxPool2d& layer);
void export_layer(Exporter& work, const AveragePool2d& layer);
void export_layer(Exporter& work, const BatchNorm& layer);
void export_layer(Exporter& work, const InstanceNorm& layer);
void export_layer(Exporter& work, const LayerNorm& layer);

}  // namespace hans::nn::onnx
