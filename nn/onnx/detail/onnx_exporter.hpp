// An ONNX graph under construction from the layers of a network: private to the exporter.
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

/// How the axes of a value lie in the graph. What depends on the images has samples before them.
enum class Form {
  plain,          ///< as here
  channels_first  ///< of images, height x width x channels here: channels x height x width
};

/// What a layer gives, in the graph. Images are there in either form; one is made of the other when it is asked for.
struct Given {
  Shape shape;                                  ///< of one sample, or of the numbers
  std::optional<Tensor> constant;               ///< numbers of the network; otherwise it depends on the images
  std::string plain = {}, channels_first = {};  ///< names; empty: not there yet

  bool image() const { return shape.rank() == 3; }
};

/// The graph so far, and the layer that is being added to it.
class Exporter {
 public:
  explicit Exporter(const Sequential& net);

  /// Goes on with this layer; in order. The operands are earlier layers, or images().
  void begin(std::size_t layer, std::span<const std::size_t> operands);
  std::size_t images() const { return values_.size() - 1; }
  Graph finish();

  // The layer at hand.
  std::size_t layer() const { return layer_; }
  std::size_t operands() const { return operands_.size(); }
  const Given& in(std::size_t operand = 0) const { return values_[operands_[operand]]; }
  const Shape& out() const { return net_.shapes()[layer_]; }
  const Tensor& weight(std::size_t which) const { return net_.weights(layer_)[which]; }
  std::size_t weights() const { return net_.weights(layer_).size(); }
  const Tensor& other(std::size_t which) const { return net_.others(layer_)[which]; }

  /// In which form operands and result of a layer need less moving, where both will do.
  Form form() const;

  /// The name of an operand in such a form.
  std::string name(std::size_t operand, Form form);

  /// An axis of a sample, counted as here, in the graph.
  static std::int64_t axis(std::size_t axis, Form form);

  /// Adds numbers and gives their name, "LAYER.what".
  std::string numbers(std::string_view what, const Tensor& values);
  std::string whole(std::string_view what, const std::vector<std::int64_t>& values);

  /// Adds a node and gives the name of its output, "LAYER.op".
  std::string node(const std::string& op, std::vector<std::string> inputs, std::vector<Attribute> attributes = {});
  std::string transposed(const std::string& name, std::vector<std::int64_t> order) {
    return node("Transpose", {name}, {attribute("perm", std::move(order))});
  }

  /// What the layer gives: a name, or numbers of the network.
  void give(std::string name, Form form);
  void give(const Tensor& numbers) { values_[layer_].constant = numbers; }

 private:
  std::string unique(const std::string& wanted);

  const Sequential& net_;
  Graph graph_;
  std::vector<Given> values_;  // what each layer gives; behind them the images
  std::size_t layer_ = 0;
  std::vector<std::size_t> operands_;  // places in values_
  std::set<std::string> names_;
};

/// Adds the nodes of a layer with windows, weights or statistics; those of the others are in onnx_export.cpp.
void export_layer(Exporter& work, const Conv2d& layer);
void export_layer(Exporter& work, const ConvTranspose2d& layer);
void export_layer(Exporter& work, const Linear& layer);
void export_layer(Exporter& work, const MaxPool2d& layer);
void export_layer(Exporter& work, const AveragePool2d& layer);
void export_layer(Exporter& work, const BatchNorm& layer);
void export_layer(Exporter& work, const InstanceNorm& layer);
void export_layer(Exporter& work, const LayerNorm& layer);

}  // namespace hans::nn::onnx
