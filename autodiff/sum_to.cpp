// Sums over the axes along which an operand was broadcast.
#include <algorithm>
#include <array>

#include <hans/core/error.hpp>
#include <hans/core/reduce.hpp>
#include "detail/elementwise.hpp"

namespace hans {
namespace {

constexpr std::size_t partials = 16;
constexpr std::size_t block = 256;  // columns per block; their partial sums stay in cache

/// Iterates over some axes of the gradient in rising order.
struct Places {
  std::array<std::size_t, Shape::max_rank> extents{}, steps{};
  std::size_t rank = 0, count = 1;

  void add_axis(std::size_t extent, std::size_t step) {
    extents[rank] = extent;
    steps[rank++] = step;
    count *= extent;
  }

  std::size_t operator[](std::size_t index) const {
    std::size_t place = 0;
    for (std::size_t axis = rank; axis-- > 1; index /= extents[axis]) place += index % extents[axis] * steps[axis];
    return place + index * steps[0];
  }
};

void add_row(real* __restrict sums, const real* row, std::size_t length) {
  for (std::size_t i = 0; i < length; ++i) sums[i] += row[i];
}

/// result[r][c] = sum of gradient[outer[r] + summed[s] + c] over all s, for c < columns.
struct Sums {
  Places outer, summed;
  std::size_t columns = 1;
  std::size_t used = 0;  ///< number of partial sums that receive elements; the others stay +0

  /// Computes partial sums first .. last - 1 of a block of columns of result row r: independent chains, each in rising
  /// s.
  void add_up(const real* gradient, std::size_t r, std::size_t column, std::size_t first, std::size_t last,
              real* sums) const {
    const std::size_t length = std::min(block, columns - column);
    const real* const from = gradient + outer[r] + column;
    real* const to = sums + r * used * columns + column;
    for (std::size_t p = first; p < last; ++p) std::fill_n(to + p * columns, length, real{0});
    for (std::size_t s = 0; s < summed.count; s += partials) {
      const std::size_t end = std::min(last, summed.count - s);
      for (std::size_t p = first; p < end; ++p) add_row(to + p * columns, from + summed[s + p], length);
    }
  }

  /// Adds up the partial sums of a block of columns of result row r, as a tree.
  void finish(std::size_t r, std::size_t column, real* sums, real* result) const {
    const std::size_t length = std::min(block, columns - column);
    real* const of = sums + r * used * columns + column;
    for (std::size_t half = partials / 2; half > 0; half /= 2) {
      for (std::size_t p = 0; p < half && p + half < used; ++p) {
        add_row(of + p * columns, of + (p + half) * columns, length);
      }
    }
    std::copy_n(of, length, result + r * columns + column);
  }
};

/// The number of units of `elements` elements that are worth a thread together.
std::size_t units_in_grain(std::size_t elements) {
  return std::max<std::size_t>(1, elementwise_grain / std::max<std::size_t>(1, elements));
}

Sums sums_between(const Shape& from, const Shape& to) {
  const auto axes = elementwise::joined_axes<2>(from, {&from, &to});
  Sums sums;
  for (std::size_t axis = 0; axis < axes.rank; ++axis) {
    const bool is_summed = axes.steps[1][axis] == 0;
    if (!is_summed && axis + 1 == axes.rank) {
      sums.columns = axes.extents[axis];
    } else {
      (is_summed ? sums.summed : sums.outer).add_axis(axes.extents[axis], axes.steps[0][axis]);
    }
  }
  sums.used = std::min(sums.summed.count, partials);
  return sums;
}

/// Sums over contiguous elements: each result adds one run, or equal runs at equal distances.
void sum_by_runs(const Sums& sums, const real* gradient, real* result) {
  const Places& summed = sums.summed;
  const std::size_t runs = summed.rank == 2 ? summed.extents[0] : 1;
  parallel_ranges(sums.outer.count, units_in_grain(summed.count), [&](std::size_t r, std::size_t end) {
    for (; r < end; ++r) {
      result[r] = sum_runs(gradient + sums.outer[r], runs, summed.extents[summed.rank - 1], summed.steps[0]);
    }
  });
}

/// Sums row by row, with the partial sums of adjacent results side by side in `scratch`.
void sum_by_rows(const Sums& sums, const real* gradient, real* scratch, real* result) {
  const std::size_t width = std::min(block, sums.columns);
  const std::size_t blocks = (sums.columns + block - 1) / block;
  const std::size_t units = sums.outer.count * blocks;
  // With few results, also split their partial sums over threads, unless those would share cache lines.
  const std::size_t shares = units < 8 && width >= 64 / sizeof(real) ? std::min<std::size_t>(sums.used, 8) : 1;
  const std::size_t unit = sums.summed.count * width / shares;
  parallel_ranges(units * shares, units_in_grain(unit), [&](std::size_t k, std::size_t end) {
    for (; k < end; ++k) {
      const std::size_t share = k % shares;
      sums.add_up(gradient, k / shares / blocks, k / shares % blocks * block, share * sums.used / shares,
                  (share + 1) * sums.used / shares, scratch);
    }
  });
  parallel_ranges(units, units_in_grain(sums.used * width), [&](std::size_t k, std::size_t end) {
    for (; k < end; ++k) sums.finish(k / blocks, k % blocks * block, scratch, result);
  });
}

}  // namespace

Tensor sum_to(const Tensor& gradient, const Shape& shape, Pool& pool) {
  const Shape& from = gradient.shape();
  check(broadcast(from, shape) == from, "a gradient of shape ", from, " cannot be summed to ", shape);
  Tensor result = Tensor::uninitialised(shape, pool);
  real* const out = result.mutable_data();
  if (gradient.size() == 0) {
    std::fill_n(out, result.size(), real{0});
    return result;
  }
  const Sums sums = sums_between(from, shape);
  if (sums.columns == 1 && sums.summed.rank <= 2) {
    sum_by_runs(sums, gradient.data(), out);
  } else {
    Tensor scratch = Tensor::uninitialised(Shape{result.size(), sums.used}, pool);
    sum_by_rows(sums, gradient.data(), scratch.mutable_data(), out);
  }
  return result;
}

Tensor sum_to(const Tensor& gradient, const Shape& shape) {
  Pool pool;
  return sum_to(gradient, shape, pool);
}

}  // namespace hans
