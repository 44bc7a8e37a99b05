// The translation of an ONNX graph, node by node; private to the importer.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <hans/nn/onnx_file.hpp>
#include <hans/nn/preprocess.hpp>
#include "onnx_builder.hpp"

namespace hans::nn::onnx {

/// Which node or initializer defines each name of a graph. Throws Error if a name is defined twice, because the graph
/// would be ambiguous.
struct Names {
  explicit Names(const Graph& graph);

  std::map<std::string_view, const TensorData*> initializers;
  std::map<std::string_view, std::size_t> nodes;  ///< by output

  bool stored(std::string_view name) const { return initializers.contains(name); }
};

/// The import so far: the value of each name.
class Importer {
 public:
  Importer(const File& file, const Names& names, const Shape& image);

  /// Translates one node. Throws Error that says what is not supported.
  void translate(std::size_t index);

  /// The value of a name. Throws Error if it is not defined yet.
  Value value(const std::string& name);
  void name(const std::string& name, Value value) { values_.insert_or_assign(name, std::move(value)); }
  bool known(const std::string& name);  ///< whether its value is a constant

  Builder build;

 private:
  friend class Work;
  struct Use {
    std::size_t count = 0, node = 0;
  };

  const File& file_;
  std::map<std::string, Value, std::less<>> values_;
  const Names& names_;
  std::map<std::string_view, Use> uses_;
  std::set<std::size_t> done_;  // nodes already fused into an earlier one
};

struct Operator;

/// A node being translated: its operands, attributes and results. Throws Error if something requested is missing or has
/// an unsupported form.
class Work {
 public:
  Work(Importer& importer, const Node& node, const Operator& kind);

  std::int64_t opset() const;
  std::size_t inputs() const { return inputs_; }
  std::size_t outputs() const { return node_.outputs.size(); }
  bool has(std::size_t input) const { return input < inputs_ && !node_.inputs[input].empty(); }
  bool wants(std::size_t output) const { return output < node_.outputs.size() && !node_.outputs[output].empty(); }
  Value in(std::size_t input);
  void give(Value value, std::size_t output = 0);
  Value given() const { return importer.value(output_); }  ///< the value given for output 0

  /// The values of operands that must be constants.
  Tensor known(std::size_t input, std::string_view what);
  Dims whole(std::size_t input, std::string_view what);
  real scalar(std::size_t input, std::string_view what);  ///< of a single number

  bool has(std::string_view attribute) const { return node_.find(attribute) != nullptr; }
  std::int64_t integer(std::string_view name,
                       std::optional<std::int64_t> usual = {});  ///< without `usual`: throws Error if missing
  float number(std::string_view name, float usual);
  Dims integers(std::string_view name, Dims usual);
  Dims extents(std::string_view name, Dims usual);  ///< of windows; at most 2^24
  std::string word(std::string_view name, std::string_view usual);
  const Attribute* attribute(std::string_view name, Attribute::Kind kind) const;  ///< null if missing

  /// Normalises axis `axis` of `rank` axes, which counts from the end if negative.
  std::size_t axis(std::int64_t axis, std::size_t rank) const;
  std::vector<std::size_t> axes(const Dims& given, std::size_t rank) const;

  /// If output 0 is used only by an addition of a constant with one number per unit along axis `axis`, fuses that
  /// addition and returns the constant. Otherwise returns nothing.
  std::optional<Tensor> bias_behind(std::size_t units, std::size_t axis, std::size_t rank);

  Importer& importer;
  Builder& build;

 private:
  const Node& node_;
  std::size_t inputs_;  // without omitted ones at the end
  std::string output_;  // name of output 0, or of the output of a node fused into this one
};

/// The translator of an operator and its number of inputs; the first `least` inputs must be present.
struct Operator {
  static constexpr std::size_t any_number = ~std::size_t{0};
  void (*translate)(Work& work);
  std::size_t least, most;
};

/// A group of operators by name.
using Operators = std::map<std::string_view, Operator>;
Operators elementwise_operators();
Operators array_operators();
Operators product_operators();
Operators reduction_operators();
Operators selection_operators();

/// The value of an initializer.
Value stored(const TensorData& tensor);

}  // namespace hans::nn::onnx
