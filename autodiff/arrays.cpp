// Operations that rearrange the elements of arrays.
#include <hans/autodiff/arrays.hpp>

#include <algorithm>
#include <vector>

#include <hans/core/error.hpp>
#include <hans/core/parallel.hpp>

namespace hans {
namespace {

/// The number of blocks of `elements` elements that are worth a thread together.
std::size_t pieces_in_grain(std::size_t elements) { return std::max<std::size_t>(1, elementwise_grain / elements); }

// --- copies along axes -----------------------------------------------------------------------------

/// An axis of a copy, with its strides in the source and in the destination.
struct Axis {
  std::size_t extent, from, to;
};

/// The axes of a copy, outermost first.
struct Axes {
  std::array<Axis, Shape::max_rank> axis;
  std::size_t rank = 0;

  void add(const Axis& next) { axis[rank++] = next; }
};

/// Iterates over the positions of a copy, the last axis fastest.
class Odometer {
 public:
  Odometer(const Axes& axes, std::size_t index) : axes_(axes) {
    for (std::size_t k = axes.rank; k-- > 0; index /= axes.axis[k].extent) {
      at_[k] = index % axes.axis[k].extent;
      from += at_[k] * axes.axis[k].from;
      to += at_[k] * axes.axis[k].to;
    }
  }

  void next() {
    for (std::size_t k = axes_.rank; k-- > 0;) {
      const Axis& axis = axes_.axis[k];
      from += axis.from;
      to += axis.to;
      if (++at_[k] < axis.extent) return;
      from -= axis.from * axis.extent;
      to -= axis.to * axis.extent;
      at_[k] = 0;
    }
  }

  std::size_t from = 0, to = 0;

 private:
  const Axes& axes_;
  std::array<std::size_t, Shape::max_rank> at_{};
};

/// The axes of a copy to `shape`, from the strides in the source. Axes of extent 1 are dropped, and contiguous
/// neighbours are merged. `shape` must not be empty.
Axes joined(const Shape& shape, std::span<const std::size_t> steps) {
  Axes axes;
  for (std::size_t k = 0; k < shape.rank(); ++k) {
    if (shape[k] == 1) continue;
    Axis* const last = axes.rank > 0 ? &axes.axis[axes.rank - 1] : nullptr;
    if (last != nullptr && last->from == shape[k] * steps[k]) {
      *last = {last->extent * shape[k], steps[k], 1};
    } else {
      axes.add({shape[k], steps[k], 1});
    }
  }
  for (std::size_t k = axes.rank; k-- > 1;) axes.axis[k - 1].to = axes.axis[k].to * axes.axis[k].extent;
  return axes;
}

std::size_t places(const Axes& axes) {
  std::size_t all = 1;
  for (std::size_t k = 0; k < axes.rank; ++k) all *= axes.axis[k].extent;
  return all;
}

/// Copies runs along the last axis; the source is read in order or repeats one element.
void copy_runs(const Axes& outer, const Axis& run, const real* in, real* out) {
  parallel_ranges(places(outer), pieces_in_grain(run.extent), [&](std::size_t begin, std::size_t end) {
    Odometer at(outer, begin);
    for (; begin < end; ++begin, at.next()) {
      if (run.from == 1) {
        std::copy_n(in + at.from, run.extent, out + at.to);
      } else {
        std::fill_n(out + at.to, run.extent, in[at.from]);
      }
    }
  });
}

/// Transposes: `across` is contiguous in the source, `down` in the destination. Works in squares that fit in the L1
/// cache.
void copy_turned(Axes outer, const Axis& across, const Axis& down, const real* in, real* out) {
  constexpr std::size_t side = 16;
  outer.add({(across.extent + side - 1) / side, side, side * across.to});  // strips of `side` along `across`
  const std::size_t strips = outer.axis[outer.rank - 1].extent;
  const std::size_t strip = std::min(side, across.extent) * down.extent;
  parallel_ranges(places(outer), pieces_in_grain(strip), [&](std::size_t begin, std::size_t end) {
    Odometer at(outer, begin);
    for (; begin < end; ++begin, at.next()) {
      const std::size_t width = std::min(side, across.extent - begin % strips * side);
      for (std::size_t first = 0; first < down.extent; first += side) {
        const std::size_t height = std::min(side, down.extent - first);
        for (std::size_t c = 0; c < width; ++c) {
          const real* const from = in + at.from + c + first * down.from;
          real* const to = out + at.to + c * across.to + first;
          for (std::size_t r = 0; r < height; ++r) to[r] = from[r * down.from];
        }
      }
    }
  });
}

void copy(Axes axes, const real* in, real* out) {
  if (axes.rank == 0) axes.add({1, 1, 1});
  const Axis last = axes.axis[--axes.rank];
  if (last.from <= 1) return copy_runs(axes, last, in, out);
  // Only transpositions get here, so some axis is contiguous in the source.
  const auto end = axes.axis.begin() + axes.rank;
  const auto found = std::find_if(axes.axis.begin(), end, [](const Axis& axis) { return axis.from == 1; });
  const Axis across = *found;
  std::copy(found + 1, end, found);
  --axes.rank;
  copy_turned(axes, across, last, in, out);
}

/// Implements transpose(). `memory` is a Tape or, in a backward closure, Inputs.
template <class Memory>
Tensor transposed(Memory& memory, const Tensor& x, std::span<const std::size_t> order) {
  std::array<std::size_t, Shape::max_rank> extents{}, steps{};
  const auto step = broadcast_strides(x.shape(), x.shape());
  for (std::size_t k = 0; k < order.size(); ++k) {
    extents[k] = x.shape()[order[k]];
    steps[k] = step[order[k]];
  }
  const Shape shape(std::span<const std::size_t>(extents.data(), order.size()));
  if (x.size() == 0) return x.reshaped(shape);
  const Axes axes = joined(shape, steps);
  if (axes.rank == 0 || (axes.rank == 1 && axes.axis[0].from == 1)) return x.reshaped(shape);
  Tensor y = memory.make(shape);
  copy(axes, x.data(), y.mutable_data());
  return y;
}

// --- copies along one axis -------------------------------------------------------------------------

/// An array seen as rows x axis x inner, for one axis of its shape.
struct Along {
  std::size_t rows = 1, inner = 1;
};

Along along(const Shape& shape, std::size_t axis) {
  Along found;
  for (std::size_t k = 0; k < axis; ++k) found.rows *= shape[k];
  for (std::size_t k = axis + 1; k < shape.rank(); ++k) found.inner *= shape[k];
  return found;
}

Shape with_extent(const Shape& shape, std::size_t axis, std::size_t extent) {
  std::array<std::size_t, Shape::max_rank> extents{};
  std::copy(shape.begin(), shape.end(), extents.begin());
  extents[axis] = extent;
  return Shape(std::span<const std::size_t>(extents.data(), shape.rank()));
}

/// Calls body(row) for all rows, each of `elements` elements, on several threads if that is faster.
template <class Body>
void over_copied_rows(std::size_t rows, std::size_t elements, Body body) {
  parallel_ranges(rows, pieces_in_grain(elements), [&](std::size_t row, std::size_t end) {
    for (; row < end; ++row) body(row);
  });
}

/// `count` consecutive indices from `first`, or `count` times `nothing`.
struct Stretch {
  std::size_t first, count;
};

std::vector<Stretch> runs_of(std::span<const std::size_t> indices) {
  std::vector<Stretch> runs;
  for (const std::size_t index : indices) {
    const Stretch last = runs.empty() ? Stretch{0, 0} : runs.back();
    if (last.count > 0 && index == (last.first == nothing ? nothing : last.first + last.count)) {
      ++runs.back().count;
    } else {
      runs.push_back({index, 1});
    }
  }
  return runs;
}

void add_run(const real* from, std::size_t count, real* sums) {
  for (std::size_t k = 0; k < count; ++k) sums[k] += from[k];
}

/// Copies the first `columns` columns of each row.
void copy_columns(const real* in, std::size_t in_columns, real* out, std::size_t out_columns, std::size_t rows,
                  std::size_t columns) {
  if (rows == 0 || columns == 0) return;
  over_copied_rows(rows, columns,
                   [&](std::size_t row) { std::copy_n(in + row * in_columns, columns, out + row * out_columns); });
}

}  // namespace

Var transpose(const Var& x, std::span<const std::size_t> order) {
  const std::size_t rank = x.shape().rank();
  check(order.size() == rank, "transpose: ", x.shape(), " needs an order of ", rank, " axes, not of ", order.size());
  std::array<std::size_t, Shape::max_rank> inverse;
  inverse.fill(rank);
  for (std::size_t k = 0; k < rank; ++k) {
    check(order[k] < rank, "transpose: ", x.shape(), " has no axis ", order[k]);
    check(inverse[order[k]] == rank, "transpose: axis ", order[k], " of ", x.shape(), " is named twice");
    inverse[order[k]] = k;
  }
  return x.tape().record("transpose", transposed(x.tape(), x.value(), order), {&x},
                         [inverse, rank](Tensor g, Inputs& in) {
                           in.add(0, transposed(in, g, {inverse.data(), rank}));
                         });
}

Tensor transposed(const Tensor& x, std::span<const std::size_t> order) {
  Tape tape;
  return transpose(tape.constant(x), order).value();
}

Var take(const Var& x, std::size_t axis, std::span<const std::size_t> indices, real fill) {
  const Shape& shape = x.shape();
  check(axis < shape.rank(), "take: ", shape, " has no axis ", axis);
  const std::size_t extent = shape[axis];
  for (const std::size_t index : indices) {
    check(index < extent || index == nothing, "take: axis ", axis, " of ", shape, " has no index ", index);
  }
  Tensor y = x.tape().make(with_extent(shape, axis, indices.size()));
  std::vector<Stretch> runs = runs_of(indices);
  const Along of = along(y.shape(), axis);
  const std::size_t in_row = extent * of.inner, out_row = indices.size() * of.inner;
  if (y.size() > 0) {
    const real* const from = x.value().data();
    real* const to = y.mutable_data();
    over_copied_rows(of.rows, out_row, [&](std::size_t row) {
      real* out = to + row * out_row;
      for (const Stretch& run : runs) {
        const std::size_t count = run.count * of.inner;
        if (run.first == nothing) {
          out = std::fill_n(out, count, fill);
        } else {
          out = std::copy_n(from + row * in_row + run.first * of.inner, count, out);
        }
      }
    });
  }
  return x.tape().record("take", std::move(y), {&x},
                         [before = shape, runs = std::move(runs), of, in_row, out_row](Tensor g, Inputs& in) {
                           Tensor dx = in.make(before);
                           real* const to = dx.mutable_data();
                           if (dx.size() > 0) {
                             over_copied_rows(of.rows, in_row + out_row, [&](std::size_t row) {
                               real* const sums = to + row * in_row;
                               std::fill_n(sums, in_row, real{0});
                               const real* from = g.data() + row * out_row;
                               for (const Stretch& run : runs) {
                                 const std::size_t count = run.count * of.inner;
                                 if (run.first != nothing) add_run(from, count, sums + run.first * of.inner);
                                 from += count;
                               }
                             });
                           }
                           in.add(0, std::move(dx));
                         });
}

Var concat(std::span<const Var> parts, std::size_t axis) {
  check(!parts.empty(), "concat needs at least one part");
  const Shape& first = parts[0].shape();
  check(axis < first.rank(), "concat: ", first, " has no axis ", axis);
  std::vector<const Var*> inputs;
  std::vector<Shape> shapes;
  std::size_t extent = 0;
  for (const Var& part : parts) {
    const Shape& shape = part.shape();
    check(shape.rank() == first.rank() && with_extent(shape, axis, first[axis]) == first, "concat along axis ", axis,
          ": ", first, " and ", shape, " differ elsewhere");
    check(shape[axis] <= ~extent, "concat: ", parts.size(), " parts are too long together along axis ", axis);
    extent += shape[axis];
    inputs.push_back(&part);
    shapes.push_back(shape);
  }
  Tape& tape = parts[0].tape();
  Tensor y = tape.make(with_extent(first, axis, extent));
  const Along of = along(y.shape(), axis);
  const std::size_t all = extent * of.inner;
  real* out = y.mutable_data();
  for (const Var& part : parts) {
    const std::size_t columns = part.shape()[axis] * of.inner;
    copy_columns(part.value().data(), columns, out, all, of.rows, columns);
    out += columns;
  }
  return tape.record("concat", std::move(y), std::span<const Var* const>(inputs),
                     [shapes = std::move(shapes), axis, of, all](Tensor g, Inputs& in) {
                       const real* from = g.data();
                       for (std::size_t i = 0; i < shapes.size(); ++i) {
                         const std::size_t columns = shapes[i][axis] * of.inner;
                         if (in.wants(i)) {
                           Tensor part = in.make(shapes[i]);
                           copy_columns(from, all, part.mutable_data(), columns, of.rows, columns);
                           in.add(i, std::move(part));
                         }
                         from += columns;
                       }
                     });
}

Var broadcast_to(const Var& x, const Shape& shape) {
  check(broadcast(x.shape(), shape) == shape, "broadcast_to: ", x.shape(), " does not stretch to ", shape);
  Tensor y = x.tape().make(shape);
  if (y.size() > 0) copy(joined(shape, broadcast_strides(x.shape(), shape)), x.value().data(), y.mutable_data());
  return x.tape().record("broadcast_to", std::move(y), {&x}, [](Tensor g, Inputs& in) { in.add(0, std::move(g)); });
}

}  // namespace hans
