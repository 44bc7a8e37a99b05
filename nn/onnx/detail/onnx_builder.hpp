// A network under construction from an ONNX graph: private to the importer.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <hans/nn/sequential.hpp>

namespace hans::nn::onnx {

/// Extents, axes and indices as ONNX writes them.
using Dims = std::vector<std::int64_t>;

/// How the numbers of a value lie in memory, where ONNX counts them (samples, channels, height, width).
enum class Order {
  plain,          ///< as ONNX counts
  channels_last,  ///< the channels behind everything else, as convolutions here want them
  flat            ///< one row of what was channels_last before
};

/// What a name in the graph stands for: numbers that are known already, or something computed from the image.
struct Value {
  Dims dims;             ///< as ONNX sees them; the samples' axis, if there is one, has extent 1
  bool batched = false;  ///< axis 0 is the samples'
  bool whole = false;    ///< integers
  bool index = false;    ///< of the largest value, as ArgMax gives it; held as 1 at that place and 0 elsewhere
  Order order = Order::plain;
  Dims image;                      ///< of Order::flat: channels and what follows them
  std::optional<Tensor> constant;  ///< numbers in plain order
  Source source;                   ///< otherwise: the layer that gives them

  bool known() const { return constant.has_value(); }
  std::size_t rank() const { return dims.size(); }

  /// Of one sample.
  Dims sample() const { return Dims(dims.begin() + (batched ? 1 : 0), dims.end()); }

  /// Where axis `axis` of dims lies in a stored sample.
  std::size_t stored_axis(std::size_t axis) const;
};

/// `made` as what works on each number of `x` by itself gives it: with the same dims, order and samples' axis.
Value formed_like(const Value& x, Value made);

/// Axis orders from (channels, rest) to (rest, channels), and back.
std::vector<std::size_t> channels_behind(std::size_t rank);
std::vector<std::size_t> channels_before(std::size_t rank);

/// `dims` as a shape. Throws Error if they are too many, too large or negative.
Shape to_shape(std::span<const std::int64_t> dims);
std::int64_t elements(std::span<const std::int64_t> dims);
std::string to_text(std::span<const std::int64_t> dims);

/// What an import may use: a little, and what follows from the numbers that the file holds, so that a small file stays
/// cheap whatever its graph says. Nothing that was taken is given back. Both throw Error when all is used.
class Budget {
 public:
  Budget(std::uint64_t numbers, std::uint64_t bytes);  ///< numbers to be made, bytes that the file has

  /// Memory for so many numbers, to be asked for before it is allocated.
  void take_numbers(std::uint64_t count);

  /// Multiply-adds: `count` times `each`.
  void take_work(std::uint64_t count, std::uint64_t each);

 private:
  std::uint64_t numbers_, work_;  // what is left
};

/// Collects layers. What works on known numbers alone is computed at once, by the same layers.
class Builder {
 public:
  Builder(const Shape& image, Budget budget);

  Budget budget;

  /// What the images are, channels last.
  const Value& images() const { return images_; }

  /// The result of a layer. `numbers` are what the layer asks for, in its order. The result's dims are those stored,
  /// its order plain and it is batched if an operand is; the caller puts right what is otherwise.
  Value add(const Layer& layer, std::span<const Value> operands, std::vector<Tensor> numbers = {});
  Value add(const Layer& layer, const Value& operand, std::vector<Tensor> numbers = {}) {
    return add(layer, {&operand, 1}, std::move(numbers));
  }

  /// An elementwise layer of several operands that are broadcast as ONNX does it. `learnt`: which of the known ones
  /// training changes.
  Value combine(const Layer& layer, std::vector<Value> operands, bool learnt = false);

  /// The product of matrices, the axes before the last two broadcast; known ones are learnt.
  Value product(Value a, Value b);

  /// The same value in another order.
  Value plain(const Value& value);
  Value channels_last(const Value& value);

  /// The same numbers under other dims.
  Value reshaped(const Value& value, const Dims& dims);

  /// A value whose first axis, of extent 1, is one of each sample rather than the samples' own: where a graph made for
  /// one image mixes it with others.
  Value within_sample(const Value& value);

  /// Elements `indices` along an axis of dims; -1 is `fill`.
  Value taken(const Value& value, std::size_t axis, std::span<const std::int64_t> indices, float fill = 0);

  /// Known numbers, or computed ones, with the axes in another order.
  Value transposed(const Value& value, std::span<const std::size_t> order);

  /// The network that ends in `logits`, without the layers that nobody needs.
  Sequential finish(const Value& logits);

 private:
  struct Made {
    Layer layer;
    std::vector<Source> sources;
    std::vector<Tensor> numbers;  // what it asks for, in its order
    Shape shape;                  // of what it gives for one image
    bool each = true;             // there is one for each image
  };
  Source push(Made layer);
  Source source_of(const Value& value, bool learnt = false);
  Value fold(const Layer& layer, std::span<const Value> operands, std::span<const Tensor> numbers);
  void align(std::vector<Value>& operands, Value& result);
  Value learnt(Value value);

  Shape image_;
  Value images_;
  std::vector<Made> layers_;
};

}  // namespace hans::nn::onnx
