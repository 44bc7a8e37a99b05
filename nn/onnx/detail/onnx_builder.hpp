// A network under construction during an ONNX import; private to the importer.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <hans/nn/sequential.hpp>

namespace hans::nn::onnx {

/// Extents, axes and indices, with ONNX's types.
using Dims = std::vector<std::int64_t>;

/// The memory layout of a value relative to ONNX's axis order (samples, channels, height, width).
enum class Order {
  plain,          ///< ONNX's order
  channels_last,  ///< channels after all other axes, as our convolutions need them
  flat            ///< a flattened channels_last value
};

/// A value of the graph: a constant, or the output of a layer.
struct Value {
  Dims dims;             ///< in ONNX's order; the sample axis, if any, has extent 1
  bool batched = false;  ///< axis 0 is the sample axis
  bool whole = false;    ///< of an integer type
  bool index = false;    ///< an index, from ArgMax; stored one-hot, 1 at that place and 0 elsewhere
  Order order = Order::plain;
  Dims image;                      ///< for Order::flat: channels and the axes after them
  std::optional<Tensor> constant;  ///< the constant, in plain order
  Source source;                   ///< otherwise, the layer that computes the value

  bool known() const { return constant.has_value(); }
  std::size_t rank() const { return dims.size(); }

  /// The dims of one sample.
  Dims sample() const { return Dims(dims.begin() + (batched ? 1 : 0), dims.end()); }

  /// The axis of a stored sample that corresponds to axis `axis` of dims.
  std::size_t stored_axis(std::size_t axis) const;
};

/// `made` with the dims, order and sample axis of `x`; for layers that work elementwise on `x`.
Value formed_like(const Value& x, Value made);

/// Axis permutations from (channels, rest) to (rest, channels), and back.
std::vector<std::size_t> channels_behind(std::size_t rank);
std::vector<std::size_t> channels_before(std::size_t rank);

/// `dims` as a shape. Throws Error if they are too many, too large or negative.
Shape to_shape(std::span<const std::int64_t> dims);
std::int64_t elements(std::span<const std::int64_t> dims);
std::string to_text(std::span<const std::int64_t> dims);

/// Limits on the memory and work of an import: a constant plus an amount proportional to the numbers in the file, so
/// that a small malicious file stays cheap. Allowances are never returned. Both functions throw Error when they are
/// used up.
class Budget {
 public:
  Budget(std::uint64_t numbers, std::uint64_t bytes);  ///< numbers to create, size of the file

  /// Reserves memory for `count` numbers; call it before allocating.
  void take_numbers(std::uint64_t count);

  /// Reserves `count` * `each` multiply-adds.
  void take_work(std::uint64_t count, std::uint64_t each);

 private:
  std::uint64_t numbers_, work_;  // remaining
};

/// Collects layers. Evaluates layers of constants immediately (constant folding).
class Builder {
 public:
  Builder(const Shape& image, Budget budget);

  Budget budget;

  /// The input images, channels last.
  const Value& images() const { return images_; }

  /// Adds a layer and returns its result. `numbers` are its weights in order. The result has the stored dims and plain
  /// order, and is batched if an operand is; the caller corrects this if needed.
  Value add(const Layer& layer, std::span<const Value> operands, std::vector<Tensor> numbers = {});
  Value add(const Layer& layer, const Value& operand, std::vector<Tensor> numbers = {}) {
    return add(layer, {&operand, 1}, std::move(numbers));
  }

  /// Adds an elementwise layer of several operands, with ONNX's broadcasting. `learnt`: constants become parameters.
  Value combine(const Layer& layer, std::vector<Value> operands, bool trainable = false);

  /// Adds a matrix product; axes before the last two are broadcast, and constants become parameters.
  Value product(Value a, Value b);

  /// The same value in another order.
  Value plain(const Value& value);
  Value channels_last(const Value& value);

  /// The same numbers with other dims.
  Value reshaped(const Value& value, const Dims& dims);

  /// Reinterprets the sample axis, of extent 1, as an ordinary axis of every sample. Needed for graphs that were made
  /// for a single image and combine that axis with others.
  Value within_sample(const Value& value);

  /// Selects `indices` along an axis of dims; -1 selects `fill`.
  Value taken(const Value& value, std::size_t axis, std::span<const std::int64_t> indices, float fill = 0);

  /// Permutes the axes of a constant or a computed value.
  Value transposed(const Value& value, std::span<const std::size_t> order);

  /// The network with the result `logits`, without unused layers.
  Sequential finish(const Value& logits);

 private:
  struct Made {
    Layer layer;
    std::vector<Source> sources;
    std::vector<Tensor> numbers;  // its weights, in order
    Shape shape;                  // of its output for one image
    bool each = true;             // depends on the images
  };
  Source push(Made layer);
  Source source_of(const Value& value, bool trainable = false);
  Value fold(const Layer& layer, std::span<const Value> operands, std::span<const Tensor> numbers);
  void align(std::vector<Value>& operands, Value& result);
  Value trainable(Value value);

  Shape image_;
  Value images_;
  std::vector<Made> layers_;
};

}  // namespace hans::nn::onnx
