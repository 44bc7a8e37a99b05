// Reductions over rows in the specified order.
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <hans/core/math.hpp>
#include <hans/core/parallel.hpp>
#include <hans/core/reduce.hpp>
#include <limits>
#include <type_traits>
#include <vector>

namespace hans {
namespace {

constexpr std::size_t lanes = 16;
constexpr std::size_t chunk = 512;  // values at a time on the stack; a multiple of lanes

/// Sixteen partial sums; element i of the row belongs to partial i mod 16.
class Partials {
 public:
  /// Adds the next values of the row. Every call but the last must bring a multiple of 16.
  void add(const real* values, std::size_t count) {
    std::size_t i = 0;
    for (; i + lanes <= count; i += lanes) {
      for (std::size_t lane = 0; lane < lanes; ++lane) partial_[lane] += values[i + lane];
    }
    for (std::size_t lane = 0; i + lane < count; ++lane) partial_[lane] += values[i + lane];
  }

  real total() const {
    std::array<real, lanes> p = partial_;
    for (std::size_t half = lanes / 2; half > 0; half /= 2) {
      for (std::size_t lane = 0; lane < half; ++lane) p[lane] += p[lane + half];
    }
    return p[0];
  }

  /// The total if element `skipped` of the row were +0. Recomputes only its partial sum.
  real total_without(const real* row, std::size_t columns, std::size_t skipped) const {
    Partials changed = *this;
    const std::size_t lane = skipped % lanes;
    changed.partial_[lane] = 0;
    for (std::size_t i = lane; i < columns; i += lanes) changed.partial_[lane] += i == skipped ? real{0} : row[i];
    return changed.total();
  }

 private:
  std::array<real, lanes> partial_{};
};

/// The row's maximum; NaN if it contains a NaN.
real largest(const real* row, std::size_t columns) {
  const std::size_t at = argmax({row, columns});
  return at < columns ? row[at] : std::numeric_limits<real>::quiet_NaN();
}

/// The number of rows with about `values` values in total, at least 1.
std::size_t rows_in(std::size_t values, std::size_t columns) { return std::max<std::size_t>(1, values / columns); }

/// Calls body(first row, one past the last row) until all rows are done, on several threads if that is faster.
template <class Body>
void over_rows(std::size_t rows, std::size_t columns, Body body) {
  constexpr std::size_t worth_threads = 65536, per_unit = 8192;
  if (rows == 0 || columns == 0) return;
  if (rows <= worth_threads / columns) return body(std::size_t{0}, rows);
  const std::size_t step = rows_in(per_unit, columns);
  parallel_ranges(rows, step, body);
}

/// The maximum of each row and the sum of exp(x_j - maximum), for at most rows_in(chunk, columns) rows.
void exp_sums(const real* in, std::size_t rows, std::size_t columns, real* maxima, real* sums) {
  std::array<real, chunk> powers;
  if (columns <= chunk) {
    for (std::size_t row = 0; row < rows; ++row) {
      const real* const x = in + row * columns;
      maxima[row] = largest(x, columns);
      for (std::size_t j = 0; j < columns; ++j) powers[row * columns + j] = x[j] - maxima[row];
    }
    const std::span<real> all(powers.data(), rows * columns);
    exp(all, all);
    for (std::size_t row = 0; row < rows; ++row) sums[row] = sum(all.subspan(row * columns, columns));
    return;
  }
  for (std::size_t row = 0; row < rows; ++row) {
    const real* const x = in + row * columns;
    maxima[row] = largest(x, columns);
    Partials partials;
    for (std::size_t start = 0; start < columns; start += chunk) {
      const std::size_t count = std::min(chunk, columns - start);
      for (std::size_t j = 0; j < count; ++j) powers[j] = x[start + j] - maxima[row];
      exp({powers.data(), count}, {powers.data(), count});
      partials.add(powers.data(), count);
    }
    sums[row] = partials.total();
  }
}

/// Calls body(row, maximum + log sum) for all rows, from several threads.
template <class Body>
void over_log_sums(const real* in, std::size_t rows, std::size_t columns, Body body) {
  over_rows(rows, columns, [&](std::size_t first, std::size_t last) {
    std::array<real, chunk> maxima, sums;
    const std::size_t group = rows_in(chunk, columns);
    for (std::size_t start = first; start < last; start += group) {
      const std::size_t count = std::min(group, last - start);
      exp_sums(in + start * columns, count, columns, maxima.data(), sums.data());
      log({sums.data(), count}, {sums.data(), count});
      for (std::size_t i = 0; i < count; ++i) body(start + i, maxima[i] + sums[i]);
    }
  });
}

/// One row of the gradient; `gradient` holds p on entry.
void gradient_row(const real* targets, real upstream, real* gradient, const real* p, std::size_t columns) {
  Partials partials;
  partials.add(p, columns);
  for (std::size_t j = 0; j < columns; ++j) {
    // Most targets are 0; fma(1, p_j, -0) is then p_j, whatever the rest of the row is.
    const real t = targets[j];
    const real g = t == 0 ? p[j] : fma(1 - t, p[j], -(t * partials.total_without(p, columns, j)));
    gradient[j] = upstream * g;
  }
}

}  // namespace

real sum(std::span<const real> row) {
  Partials partials;
  partials.add(row.data(), row.size());
  return partials.total();
}

real sum_strided(const real* first, std::size_t count, std::size_t stride) {
  Partials partials;
  std::array<real, lanes> values;
  for (std::size_t start = 0; start < count; start += lanes) {
    const std::size_t some = std::min(lanes, count - start);
    for (std::size_t lane = 0; lane < some; ++lane) values[lane] = first[(start + lane) * stride];
    partials.add(values.data(), some);
  }
  return partials.total();
}

real sum_runs(const real* first, std::size_t runs, std::size_t length, std::size_t step) {
  if (runs == 1) return sum({first, length});
  Partials partials;
  std::array<real, chunk> values;
  std::size_t held = 0;
  for (std::size_t run = 0; run < runs; ++run, first += step) {
    for (std::size_t i = 0; i < length;) {
      const std::size_t some = std::min(chunk - held, length - i);
      std::copy_n(first + i, some, values.data() + held);
      i += some;
      held += some;
      if (held < chunk) continue;
      partials.add(values.data(), chunk);
      held = 0;
    }
  }
  partials.add(values.data(), held);
  return partials.total();
}

bool all_finite(std::span<const real> values) {
  // Tests the bits, without a branch per value: infinities and NaNs have all exponent bits set.
  using Bits = std::conditional_t<sizeof(real) == 4, std::uint32_t, std::uint64_t>;
  constexpr Bits exponent = std::bit_cast<Bits>(std::numeric_limits<real>::infinity());
  constexpr std::size_t grain = 65536;
  std::atomic<bool> found{false};
  parallel_ranges(values.size(), grain, [&](std::size_t begin, std::size_t end) {
    Bits bad = 0;
    for (const real value : values.subspan(begin, end - begin)) {
      bad |= (std::bit_cast<Bits>(value) & exponent) == exponent ? Bits{1} : Bits{0};
    }
    if (bad != 0) found.store(true, std::memory_order_relaxed);
  });
  return !found.load(std::memory_order_relaxed);
}

std::size_t argmax(std::span<const real> row) {
  std::size_t best = 0;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (row[i] > row[best]) best = i;
    if (row[i] != row[i]) return row.size();
  }
  return row.empty() ? row.size() : best;
}

void softmax(const real* in, real* out, std::size_t rows, std::size_t columns) {
  over_rows(rows, columns, [&](std::size_t first, std::size_t last) {
    for (std::size_t row = first; row < last; ++row) {
      const real* const x = in + row * columns;
      const real maximum = largest(x, columns);
      for (std::size_t j = 0; j < columns; ++j) out[row * columns + j] = x[j] - maximum;
    }
    const std::span<real> all(out + first * columns, (last - first) * columns);
    exp(all, all);
    for (std::size_t start = 0; start < all.size(); start += columns) {
      const std::span<real> p = all.subspan(start, columns);
      const real total = sum(p);
      for (real& value : p) value /= total;
    }
  });
}

void log_softmax(const real* in, real* out, std::size_t rows, std::size_t columns) {
  over_log_sums(in, rows, columns, [&](std::size_t row, real log_sum) {
    for (std::size_t j = row * columns; j < (row + 1) * columns; ++j) out[j] = in[j] - log_sum;
  });
}

void cross_entropy(const real* logits, const real* targets, real* losses, std::size_t rows, std::size_t columns) {
  std::fill(losses, losses + rows, real{0});  // the loss of a row without columns
  over_log_sums(logits, rows, columns, [&](std::size_t row, real log_sum) {
    const real* const x = logits + row * columns;
    const real* const t = targets + row * columns;
    std::array<real, chunk> terms;
    Partials partials;
    for (std::size_t start = 0; start < columns; start += chunk) {
      const std::size_t count = std::min(chunk, columns - start);
      for (std::size_t j = 0; j < count; ++j) terms[j] = t[start + j] * (log_sum - x[start + j]);
      partials.add(terms.data(), count);
    }
    losses[row] = partials.total();
  });
}

void cross_entropy_gradient(const real* logits, const real* targets, const real* upstream, real* gradient,
                            std::size_t rows, std::size_t columns) {
  softmax(logits, gradient, rows, columns);
  over_rows(rows, columns, [&](std::size_t first, std::size_t last) {
    std::vector<real> wide(columns > chunk ? columns : 0);
    std::array<real, chunk> narrow;
    real* const p = wide.empty() ? narrow.data() : wide.data();
    for (std::size_t row = first; row < last; ++row) {
      real* const g = gradient + row * columns;
      std::copy(g, g + columns, p);
      gradient_row(targets + row * columns, upstream[row], g, p, columns);
    }
  });
}

}  // namespace hans
