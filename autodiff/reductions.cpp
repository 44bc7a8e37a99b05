// Sums, extremes and norms along axes.
#include <hans/autodiff/arrays.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

#include <hans/core/error.hpp>
#include <hans/core/parallel.hpp>
#include <hans/core/values.hpp>

namespace hans {
namespace {

constexpr std::size_t most_columns = 128;  // columns handled together: their intermediate values fit in the L1 cache

/// An array seen as outer x count x inner; the axis of `count` elements is reduced.
struct Block {
  std::size_t outer = 1, count = 1, inner = 1;

  Shape whole() const { return {outer, count, inner}; }
  Shape reduced() const { return {outer, 1, inner}; }
};

/// Calls body(index in the array, index in the result, columns) for all elements of the result, with at most
/// most_columns columns per call.
template <class Body>
void over_columns(const Block& block, Body body) {
  const std::size_t pieces = (block.inner + most_columns - 1) / most_columns;
  const std::size_t elements = block.count * std::min(block.inner, most_columns);
  parallel_ranges(block.outer * pieces, std::max<std::size_t>(1, elementwise_grain / elements),
                  [&](std::size_t piece, std::size_t end) {
                    for (; piece < end; ++piece) {
                      const std::size_t row = piece / pieces, column = piece % pieces * most_columns;
                      body(row * block.count * block.inner + column, row * block.inner + column,
                           std::min(most_columns, block.inner - column));
                    }
                  });
}

/// out[i] = f(i, index in the result) for every index i of the array.
template <class Function>
void map_elements(const Block& block, real* out, Function f) {
  over_columns(block, [&](std::size_t first, std::size_t to, std::size_t columns) {
    if (block.inner == 1) {
      for (std::size_t k = 0; k < block.count; ++k) out[first + k] = f(first + k, to);
      return;
    }
    for (std::size_t k = 0; k < block.count; ++k, first += block.inner) {
      for (std::size_t i = 0; i < columns; ++i) out[first + i] = f(first + i, to + i);
    }
  });
}

Tensor totals(const Block& block, const Tensor& x) { return sum_to(x.reshaped(block.whole()), block.reduced()); }

Var sums(const Var& x, const Block& block, const Shape& result, real divisor) {
  Tensor y = totals(block, x.value());
  for (real& value : y.mutable_values()) value /= divisor;
  return x.tape().record(
      "reduce_sum", y.reshaped(result), {&x}, [block, before = x.shape(), divisor](Tensor g, Inputs& in) {
        real* const shares = g.mutable_data();
        for (std::size_t i = 0; i < g.size(); ++i) shares[i] /= divisor;
        Tensor dx = in.make(before);
        map_elements(block, dx.mutable_data(), [shares](std::size_t, std::size_t of) { return shares[of]; });
        in.add(0, std::move(dx));
      });
}

/// The first index of a column's extreme value.
std::size_t first_index(const real* column, std::size_t stride, real extreme) {
  const bool ordered = extreme == extreme;
  for (std::size_t k = 0;; ++k) {
    const real value = column[k * stride];
    if (ordered ? value == extreme : value != value) return k;
  }
}

/// `before(a, b)`: whether the later value a replaces b.
template <class Before>
Var extremes(const Var& x, const Block& block, const Shape& result, Before before) {
  constexpr std::size_t few_columns = 8;
  const auto better = [before](real next, real best) { return before(next, best) || next != next ? next : best; };
  Tensor y = x.tape().make(result);
  real* const out = y.mutable_data();
  over_columns(block, [&, from = x.value().data()](std::size_t first, std::size_t to, std::size_t columns) {
    const real* const rows = from + first;
    real* const best = out + to;
    std::copy_n(rows, columns, best);
    if (columns < few_columns) {
      for (std::size_t i = 0; i < columns; ++i) {
        real found = best[i];
        for (std::size_t k = 1; k < block.count; ++k) found = better(rows[k * block.inner + i], found);
        best[i] = found;
      }
      return;
    }
    for (std::size_t k = 1; k < block.count; ++k) {
      for (std::size_t i = 0; i < columns; ++i) best[i] = better(rows[k * block.inner + i], best[i]);
    }
  });
  return x.tape().record("reduce_extreme", y, {&x}, [block, x = x.value(), y](Tensor g, Inputs& in) {
    Tensor dx = in.make(x.shape());
    real* const gradient = dx.mutable_data();
    map_elements(block, gradient, [](std::size_t, std::size_t) { return real{0}; });
    over_columns(block, [&](std::size_t first, std::size_t to, std::size_t columns) {
      for (std::size_t i = 0; i < columns; ++i) {
        const std::size_t k = first_index(x.data() + first + i, block.inner, y.data()[to + i]);
        gradient[first + i + k * block.inner] = g.data()[to + i];
      }
    });
    in.add(0, std::move(dx));
  });
}

Var norms(const Var& x, const Block& block, const Shape& result) {
  Tensor squares = x.tape().make(x.shape());
  real* const square = squares.mutable_data();
  parallel_ranges(squares.size(), elementwise_grain, [square, from = x.value().data()](std::size_t i, std::size_t end) {
    for (; i < end; ++i) square[i] = from[i] * from[i];
  });
  Tensor y = totals(block, squares);
  for (real& value : y.mutable_values()) value = std::sqrt(value);
  return x.tape().record("reduce_l2", y.reshaped(result), {&x}, [block, x = x.value(), y](Tensor g, Inputs& in) {
    Tensor dx = in.make(x.shape());
    map_elements(block, dx.mutable_data(),
                 [values = x.data(), norm = y.data(), shares = g.data()](std::size_t at, std::size_t of) {
                   return norm[of] == 0 ? real{0} : shares[of] * (values[at] / norm[of]);
                 });
    in.add(0, std::move(dx));
  });
}

Var reduce_block(const Var& x, Reduction kind, const Block& block, const Shape& result) {
  switch (kind) {
    case Reduction::sum:
      return sums(x, block, result, 1);
    case Reduction::mean:
      return sums(x, block, result, static_cast<real>(block.count));
    case Reduction::max:
      return extremes(x, block, result, [](real a, real b) { return a > b; });
    case Reduction::min:
      return extremes(x, block, result, [](real a, real b) { return a < b; });
    case Reduction::l2:
      break;
  }
  return norms(x, block, result);
}

using AxisNumbers = std::array<std::size_t, Shape::max_rank>;

}  // namespace

Var reduce(const Var& x, Reduction kind, std::span<const std::size_t> axes, bool keep) {
  const Shape& shape = x.shape();
  std::array<bool, Shape::max_rank> reduced{};
  for (const std::size_t axis : axes) {
    check(axis < shape.rank(), "reduce: ", shape, " has no axis ", axis);
    check(!reduced[axis], "reduce: axis ", axis, " of ", shape, " is named twice");
    reduced[axis] = true;
  }
  if (axes.empty() && kind != Reduction::l2) return x;

  AxisNumbers extents{}, order{};
  std::size_t rank = 0, kept = 0;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    if (!reduced[axis]) order[kept++] = axis;
    if (!reduced[axis] || keep) extents[rank++] = reduced[axis] ? 1 : shape[axis];
  }
  const Shape result(std::span<const std::size_t>(extents.data(), rank));
  if (shape.elements() == 0) {
    check(result.elements() == 0 || kind == Reduction::sum || kind == Reduction::l2, "reduce: ", shape,
          " has no elements to take the ", enum_name(kind), " of");
    return x.tape().constant(x.tape().full(result, 0));
  }

  Block block;
  bool apart = false;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    const std::size_t extent = shape[axis];
    if (extent == 1) continue;
    apart = apart || (reduced[axis] && block.inner > 1);
    (reduced[axis] ? block.count : block.count > 1 ? block.inner : block.outer) *= extent;
  }
  if (block.count == 1) std::swap(block.outer, block.inner);
  if (!apart) return reduce_block(x, kind, block, result);
  std::size_t last = kept;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    if (reduced[axis]) order[last++] = axis;
  }
  const Var together = transpose(x, {order.data(), last});
  return reduce_block(together, kind, {shape.elements() / block.count, block.count, 1}, result);
}

}  // namespace hans
