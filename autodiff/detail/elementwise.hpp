// Loops over elements, with and without broadcasting; private to the elementwise operations.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <utility>

#include <hans/autodiff/tape.hpp>
#include <hans/core/parallel.hpp>

namespace hans::elementwise {

template <class Body>
void for_ranges(std::size_t size, Body body) {
  parallel_ranges(size, elementwise_grain, body);
}

// --- one tensor ------------------------------------------------------------------------------------
// `memory` is anything with make(shape): a Tape or, in a backward closure, Inputs.

/// A function of core/math.hpp over arrays.
using ArrayFunction = void (*)(std::span<const real>, std::span<real>);

/// f(x[i]).
template <class Memory, class Function>
Tensor each(Memory& memory, const Tensor& x, Function f) {
  Tensor y = memory.make(x.shape());
  real* to = y.mutable_data();
  const real* from = x.data();
  for_ranges(x.size(), [=](std::size_t i, std::size_t end) {
    for (; i < end; ++i) to[i] = f(from[i]);
  });
  return y;
}

/// after(x[i], function(before(x[i]))).
template <class Memory, class Before, class After>
Tensor around(Memory& memory, const Tensor& x, Before before, ArrayFunction function, After after) {
  Tensor y = memory.make(x.shape());
  const std::span<real> out = y.mutable_values();
  const real* from = x.data();
  for_ranges(x.size(), [=](std::size_t begin, std::size_t end) {
    real* const to = out.data();
    for (std::size_t i = begin; i < end; ++i) to[i] = before(from[i]);
    function(out.subspan(begin, end - begin), out.subspan(begin, end - begin));
    for (std::size_t i = begin; i < end; ++i) to[i] = after(from[i], to[i]);
  });
  return y;
}

/// function(x[i]).
template <class Memory>
Tensor mapped(Memory& memory, const Tensor& x, ArrayFunction function) {
  Tensor y = memory.make(x.shape());
  const std::span<real> out = y.mutable_values();
  for_ranges(x.size(), [&](std::size_t begin, std::size_t end) {
    function(x.values().subspan(begin, end - begin), out.subspan(begin, end - begin));
  });
  return y;
}

/// gradient[i] = f(gradient[i], saved[i]) in place, for operations whose derivative depends on one saved tensor.
template <class Function>
Tensor through(Tensor gradient, const Tensor& saved, Function f) {
  real* g = gradient.mutable_data();
  const real* y = saved.data();
  for_ranges(gradient.size(), [=](std::size_t i, std::size_t end) {
    for (; i < end; ++i) g[i] = f(g[i], y[i]);
  });
  return gradient;
}

// --- broadcasting ----------------------------------------------------------------------------------

/// The axes of the common shape of `count` operands, and each operand's stride along them. Axes of extent 1 are
/// dropped, and neighbouring axes are merged where every operand allows; at least one axis remains. The last stride of
/// an operand is 1 or 0.
template <std::size_t count>
struct Axes {
  std::size_t rank = 0;
  std::array<std::size_t, Shape::max_rank> extents{};
  std::array<std::array<std::size_t, Shape::max_rank>, count> steps{};
};

template <std::size_t count>
Axes<count> joined_axes(const Shape& to, const std::array<const Shape*, count>& operands) {
  std::array<std::array<std::size_t, Shape::max_rank>, count> steps;
  for (std::size_t k = 0; k < count; ++k) steps[k] = broadcast_strides(*operands[k], to);
  Axes<count> axes;
  for (std::size_t axis = 0; axis < to.rank(); ++axis) {
    const std::size_t extent = to[axis];
    if (extent == 1) continue;
    bool joins = axes.rank > 0;
    for (std::size_t k = 0; joins && k < count; ++k) {
      joins = axes.steps[k][axes.rank - 1] == extent * steps[k][axis];
    }
    if (!joins) axes.extents[axes.rank++] = 1;
    axes.extents[axes.rank - 1] *= extent;
    for (std::size_t k = 0; k < count; ++k) axes.steps[k][axes.rank - 1] = steps[k][axis];
  }
  if (axes.rank == 0) axes.extents[axes.rank++] = 1;
  return axes;
}

/// Splits elements begin .. end - 1 into parts of rows along the last axis, and calls body(first element, offset of
/// each operand, length) for each part.
template <std::size_t count, class Body>
void over_row_parts(const Axes<count>& axes, std::size_t begin, std::size_t end, Body body) {
  const std::size_t last = axes.rank - 1;
  std::array<std::size_t, Shape::max_rank> at{};
  std::array<std::size_t, count> offsets{};
  std::size_t rest = begin;
  for (std::size_t axis = axes.rank; axis-- > 0; rest /= axes.extents[axis]) {
    at[axis] = rest % axes.extents[axis];
    for (std::size_t k = 0; k < count; ++k) offsets[k] += at[axis] * axes.steps[k][axis];
  }
  for (std::size_t i = begin; i < end;) {
    const std::size_t length = std::min(axes.extents[last] - at[last], end - i);
    body(i, offsets, length);
    i += length;
    for (std::size_t k = 0; k < count; ++k) offsets[k] -= at[last] * axes.steps[k][last];
    at[last] = 0;
    for (std::size_t axis = last; axis-- > 0;) {
      for (std::size_t k = 0; k < count; ++k) offsets[k] += axes.steps[k][axis];
      if (++at[axis] < axes.extents[axis]) break;
      for (std::size_t k = 0; k < count; ++k) offsets[k] -= axes.steps[k][axis] * axes.extents[axis];
      at[axis] = 0;
    }
  }
}

/// A part of an operand's row: consecutive values, or one repeated value.
struct Moving {
  const real* values;
  real operator[](std::size_t i) const { return values[i]; }
};
struct Still {
  real value;
  real operator[](std::size_t) const { return value; }
};
struct RowPart {
  const real* values;
  bool moves;
};

template <class Function, class... Read>
void map_row(real* __restrict to, std::size_t length, Function f, Read... read) {
  for (std::size_t i = 0; i < length; ++i) to[i] = f(read[i]...);
}

/// Calls then() with the part as Moving or Still, so that the compiler specialises the loop in it.
template <class Then>
void read_row(RowPart part, Then then) {
  if (part.moves) return then(Moving{part.values});
  then(Still{*part.values});
}

template <class Function>
void map_row_parts(real* to, std::size_t length, Function f, RowPart a, RowPart b) {
  read_row(a, [&](auto x) { read_row(b, [&](auto y) { map_row(to, length, f, x, y); }); });
}

template <class Function>
void map_row_parts(real* to, std::size_t length, Function f, RowPart a, RowPart b, RowPart c) {
  read_row(
      a, [&](auto x) { read_row(b, [&](auto y) { read_row(c, [&](auto z) { map_row(to, length, f, x, y, z); }); }); });
}

/// out[i] = f(a[i], b[i]) or f(a[i], b[i], c[i]), with the operands broadcast to the shape of `out`. `out` must not
/// share memory with them.
template <class Function, class... Tensors>
Tensor broadcasted(Tensor out, Function f, const Tensors&... operands) {
  constexpr std::size_t count = sizeof...(operands);
  real* const to = out.mutable_data();
  const std::array<const real*, count> values{operands.data()...};
  const Axes<count> axes = joined_axes<count>(out.shape(), {&operands.shape()...});
  for_ranges(out.size(), [&](std::size_t begin, std::size_t end) {
    over_row_parts(axes, begin, end, [&](std::size_t i, const auto& offsets, std::size_t length) {
      [&]<std::size_t... k>(std::index_sequence<k...>) {
        map_row_parts(to + i, length, f, RowPart{values[k] + offsets[k], axes.steps[k][axes.rank - 1] != 0}...);
      }
      (std::make_index_sequence<count>());
    });
  });
  return out;
}

template <class Function>
Tensor binary(Tape& tape, const Tensor& a, const Tensor& b, Function f) {
  return broadcasted(tape.make(broadcast(a.shape(), b.shape())), f, a, b);
}

inline constexpr auto plus = [](real x, real y) { return x + y; };
inline constexpr auto times = [](real x, real y) { return x * y; };

}  // namespace hans::elementwise
