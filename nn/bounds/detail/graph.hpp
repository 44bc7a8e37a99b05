// A network as bounds see it: affine maps, and functions that lines enclose.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <hans/autodiff/ops.hpp>
#include <hans/nn/sequential.hpp>

namespace hans::nn::bounds {

/// How a map of height x width x channels goes back from a window of its output: to the window of the operand that a
/// convolution with this window reads.
struct Local {
  Window window;
  /// As AffineMap::backward, for rows x window height x window width x channels, without padding.
  std::function<Tensor(Tape&, const Tensor& rows)> backward;
};

/// An affine map y = W x + b of one or several operands. Tensors have samples, or rows, in front.
struct AffineMap {
  std::function<Tensor(Tape&, std::span<const Tensor> x)> forward;    ///< W x + b
  std::function<Tensor(Tape&, std::span<const Tensor> x)> magnitude;  ///< |W| x
  /// row * W for each row, one tensor for each operand.
  std::function<std::vector<Tensor>(Tape&, const Tensor& rows)> backward;
  /// Exact rows * W for rows that are 0 but for a 1 at one unit; empty: only backward().
  std::function<Tensor(std::span<const std::size_t> units)> column;
  std::optional<Local> local;  ///< of maps that see little of the operand for each feature
  Tensor offset;               ///< b for one sample; no elements: 0
  Tensor offset_magnitude;     ///< what |b| and what it was made of come to; no elements: 0
  /// The roundings of an element of forward() and backward(), in any order of the sums; 0: exact.
  std::size_t forward_terms = 0, backward_terms = 0;

  /// offset_magnitude of element i of a batch.
  double shift(std::size_t i) const {
    return offset_magnitude.size() == 0 ? 0 : double{offset_magnitude.data()[i % offset_magnitude.size()]};
  }
};

/// left * x below 0, right * x above, for each feature of a sample.
struct Kink {
  std::vector<real> left, right;
  bool convex = true;  ///< right >= left everywhere
};

/// A function of one number.
struct Curve {
  std::function<void(std::span<const real> in, std::span<real> out)> evaluate;
  /// How far it leaves the chords between neighbours of a grid, which has the `breaks` among its numbers.
  std::function<double(std::span<const real> grid)> departure;
  /// How far evaluate() or any float32 program errs between `low` and `high`, where |f| <= most.
  std::function<double(real low, real high, double most)> error;
  std::vector<double> breaks = {};
};
/// Functions of the network's library (exp, erf, sigmoid, ...) err by at most this times max(1, |f|).
inline constexpr double curve_error = 0x1p-20;

/// The largest of several elements of the operand for each feature (the smallest: negated before and after).
struct Select {
  std::vector<std::vector<std::uint32_t>> candidates;
};

/// The roundings of combinations of two numbers, and of scalings: as many as checkers may count.
inline constexpr std::size_t combined = 8;

enum class Kind { affine, kink, curve, select };

struct Op {
  std::size_t layer = 0;               ///< in the network, for messages
  std::vector<std::size_t> from = {};  ///< values: 0 the images, k + 1 the output of op k
  Shape out = {};                      ///< of one sample
  Kind kind = Kind::affine;
  AffineMap affine = {};
  Kink kink = {};
  Curve curve = {};
  Select select = {};
};

/// A network's ops (see graph_of). The network must outlive it.
struct Graph {
  Shape input;
  std::vector<Op> ops;
  bool softmax = false;  ///< one was left out at the end
  /// Outputs behind that softmax are compared of which neither need be the largest.
  bool any_pair = false;

  const Shape& shape(std::size_t value) const { return value == 0 ? input : ops[value - 1].out; }
  std::size_t features(std::size_t value) const { return shape(value).elements(); }
  std::size_t logits() const { return ops.size(); }
};

}  // namespace hans::nn::bounds
