// The translation of an ONNX graph, node by node: private to the importer.
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

/// Who gives each name of a graph. Throws Error unless every name is given once: two values of one name are two
/// different networks.
struct Names {
  explicit Names(const Graph& graph);

  std::map<std::string_view, const TensorData*> initializers;
  std::map<std::string_view, std::size_t> nodes;  ///< by output

  bool stored(std::string_view name) const { return initializers.contains(name); }
};

/// The graph so far: what each name stands for.
class Importer {
 public:
  Importer(const File& file, const Names& names, const Shape& image);

  /// Translates one node. Throws Error that says what of it is not supported.
  void translate(std::size_t index);

  /// What a name stands for. Throws Error if nothing gave it yet.
  Value value(const std::string& name);
  void name(const std::string& name, Value value) { values_.insert_or_assign(name, std::move(value)); }
  bool known(const std::string& name);  ///< whether it stands for numbers that are known already

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
  std::set<std::size_t> done_;  // nodes that an earlier one has taken in
};

struct Operator;

/// A node being translated: its operands, its attributes, and where its results go. Everything asked of it that it does
/// not have, or has in a form that is not supported, is an Error.
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
  Value given() const { return importer.value(output_); }  ///< what was given for output 0

  /// Operands that must be known, as numbers.
  Tensor known(std::size_t input, std::string_view what);
  Dims whole(std::size_t input, std::string_view what);
  real scalar(std::size_t input, std::string_view what);  ///< of one number

  bool has(std::string_view attribute) const { return node_.find(attribute) != nullptr; }
  std::int64_t integer(std::string_view name,
                       std::optional<std::int64_t> usual = {});  ///< without usual: must be there
  float number(std::string_view name, float usual);
  Dims integers(std::string_view name, Dims usual);
  Dims extents(std::string_view name, Dims usual);  ///< the same of windows: so small that sums and products are whole
  std::string word(std::string_view name, std::string_view usual);
  const Attribute* attribute(std::string_view name, Attribute::Kind kind) const;  ///< or null

  /// Axis `axis` of `rank`, counted from the end where it is negative.
  std::size_t axis(std::int64_t axis, std::size_t rank) const;
  std::vector<std::size_t> axes(const Dims& given, std::size_t rank) const;

  /// If the only use of output 0 is an addition of known numbers, one for each of `units` of axis `axis`, these; the
  /// addition is then done. Otherwise nothing.
  std::optional<Tensor> bias_behind(std::size_t units, std::size_t axis, std::size_t rank);

  Importer& importer;
  Builder& build;

 private:
  const Node& node_;
  std::size_t inputs_;  // without those at the end that are left out
  std::string output_;  // where output 0 goes: maybe that of a node behind, which is done with this one
};

/// How one operator is translated, and how many inputs it has; the first `least` of them are never left out.
struct Operator {
  static constexpr std::size_t any_number = ~std::size_t{0};
  void (*translate)(Work& work);
  std::size_t least, most;
};

/// Those of one kind, by name.
using Operators = std::map<std::string_view, Operator>;
Operators elementwise_operators();
Operators array_operators();
Operators product_operators();
Operators reduction_operators();
Operators selection_operators();

/// The numbers of a tensor in the file.
Value stored(const TensorData& tensor);

}  // namespace hans::nn::onnx
