// Affine maps from functions on tapes.
#include "detail/affine.hpp"

#include <algorithm>

#include <hans/autodiff/functions.hpp>

namespace hans::nn::bounds {
namespace {

/// Vars of all operands, from the values of those that are not constant.
std::vector<Var> vars(const Given& given, Tape& tape, std::span<const Tensor> x, bool watched, bool positive) {
  std::vector<Var> all;
  for (const std::optional<Tensor>& constant : given.constants) {
    if (!constant) {
      all.push_back(watched ? tape.watch(x.front()) : tape.constant(x.front()));
      x = x.subspan(1);
    } else {
      all.push_back(positive ? abs(tape.constant(*constant)) : tape.constant(*constant));
    }
  }
  return all;
}

bool is_zero(const Tensor& x) {
  return std::ranges::all_of(x.values(), [](real value) { return value == 0; });
}

/// One zero sample of each operand that is not constant.
std::vector<Tensor> zeros(const Given& given, std::size_t samples) {
  std::vector<Tensor> all;
  for (std::size_t k = 0; k < given.shapes.size(); ++k) {
    if (!given.constants[k]) all.emplace_back(given.shapes[k].with_front(samples));
  }
  return all;
}

}  // namespace

Tensor absolute(const Tensor& x) {
  Tape tape;
  return abs(tape.constant(x)).value();
}

AffineMap map_of(const Given& given, const Function& f, const Function& positive) {
  AffineMap map;
  map.forward = [given, f](Tape& tape, std::span<const Tensor> x) {
    tape.rewind();
    return f(tape, vars(given, tape, x, false, false)).value();
  };
  const Tensor offset = [&] {
    Tape tape;
    return map.forward(tape, zeros(given, 1));
  }();
  const Tensor shift = [&] {
    Tape tape;
    return positive(tape, vars(given, tape, zeros(given, 1), false, true)).value();
  }();
  const bool none = is_zero(shift);
  map.magnitude = [given, positive, shift, none](Tape& tape, std::span<const Tensor> x) {
    tape.rewind();
    const Var y = positive(tape, vars(given, tape, x, false, true));
    return (none ? y : y - tape.constant(shift.reshaped(shift.shape().without_front()))).value();
  };
  map.backward = [given, f](Tape& tape, const Tensor& rows) {
    tape.rewind();
    const std::vector<Var> x = vars(given, tape, zeros(given, rows.shape()[0]), true, false);
    const Var y = f(tape, x);
    std::vector<Var> targets;
    for (const Var& each : x) {
      if (each.tracked()) targets.push_back(each);
    }
    std::vector<Tensor> parts(targets.size());
    tape.gradients(y, rows, targets, parts);
    return parts;
  };
  if (!is_zero(offset)) map.offset = offset.reshaped(offset.shape().without_front());
  if (!none) map.offset_magnitude = absolute(shift.reshaped(shift.shape().without_front()));
  return map;
}

Local local_of(const Tensor& weights, const Window& window) {
  Window bare = window;
  bare.pad_top = bare.pad_bottom = bare.pad_left = bare.pad_right = 0;
  const auto reads = [](std::size_t outputs, std::size_t stride, std::size_t taps, std::size_t dilation) {
    return (outputs - 1) * stride + (taps - 1) * dilation + 1;
  };
  return {window, [weights, bare, reads](Tape& tape, const Tensor& rows) {
            tape.rewind();
            const Shape &of = rows.shape(), &taps = weights.shape();
            const std::size_t height = reads(of[1], bare.stride_height, taps[0], bare.dilation_height);
            const std::size_t width = reads(of[2], bare.stride_width, taps[1], bare.dilation_width);
            return conv_transpose2d(tape.constant(rows), tape.constant(weights), {}, bare, height, width).value();
          }};
}

Local local_of(const Tensor& factor) {
  return {{}, [factor](Tape& tape, const Tensor& rows) {
            tape.rewind();
            return (tape.constant(rows) * tape.constant(factor)).value();
          }};
}

}  // namespace hans::nn::bounds
