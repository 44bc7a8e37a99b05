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

Tensor patches_of(const Tensor& w, const Window& window, const Shape& in, const Shape& out,
                  std::span<const std::size_t> chosen) {
  const Shape& k = w.shape();
  const std::size_t filters = k[3] / window.groups;
  Tensor rows(in.with_front(chosen.size()));
  real* to = rows.mutable_data();
  for (const std::size_t unit : chosen) {
    const std::size_t filter = unit % out[2], column = unit / out[2] % out[1], row = unit / out[2] / out[1];
    const std::size_t first = filter / filters * k[2];
    for (std::size_t y = 0; y < k[0]; ++y) {
      const std::size_t top = row * window.stride_height + y * window.dilation_height - window.pad_top;
      if (top >= in[0]) continue;
      for (std::size_t x = 0; x < k[1]; ++x) {
        const std::size_t left = column * window.stride_width + x * window.dilation_width - window.pad_left;
        if (left >= in[1]) continue;
        for (std::size_t c = 0; c < k[2]; ++c) {
          to[(top * in[1] + left) * in[2] + first + c] = w.data()[((y * k[1] + x) * k[2] + c) * k[3] + filter];
        }
      }
    }
    to += in.elements();
  }
  return rows;
}

}  // namespace hans::nn::bounds
