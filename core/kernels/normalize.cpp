// Batch normalisation and epilogues, as passes over rows of channels.
#include <algorithm>
#include <bit>
#include <cmath>
#include <hans/core/kernels.hpp>
#include <hans/core/parallel.hpp>
#include "detail/conv_plan.hpp"

namespace hans::kernels {
namespace {

constexpr std::size_t partials = 16;

/// Calls body(first element, rows) for parts of the rows.
template <class Body>
void over_parts(std::size_t rows, std::size_t channels, Body body) {
  parallel_ranges(rows, std::max<std::size_t>(1, elementwise_grain / std::max<std::size_t>(1, channels)),
                  [&](std::size_t begin, std::size_t end) {
                    const std::size_t count = end - begin;
                    body(begin * channels, Rows{count, channels, count, 0});
                  });
}

/// Sums over rows, in 16 partial sums: row r is added to partial r mod 16. body(rows, first element, sums) adds to
/// `each` sums per channel; `sums` holds the first for all rows of a group, then the second, and so on. Threads share
/// the partial sums. results[k] receives sum k unless it is null.
template <class Body>
void sum_rows(std::size_t all, std::size_t channels, std::size_t each, std::initializer_list<real*> results,
              Body body) {
  const std::size_t next = partials * channels, used = std::min(partials, all);
  real* const sums = kept_room<5>(each * next);
  // Threads that alternate on less than a page of memory are no faster than one.
  const std::size_t shares =
      std::bit_floor(std::clamp<std::size_t>(next / 1024, 1, std::min(partials, thread_count())));
  const std::size_t group = partials / shares;
  parallel_for(shares, [&](std::size_t share) {
    const std::size_t first = share * group, rest = all % partials;
    const std::size_t count = all / partials * group + std::min(group, std::max(rest, first) - first);
    // Thread-local during the summation, because other threads write to the same cache lines of `sums`.
    const std::size_t size = group * channels;
    real* const own = kept_room<6>(each * size);
    std::fill_n(own, each * size, real(0));
    body(Rows{count, channels, group, partials}, first * channels, own);
    for (std::size_t k = 0; k < each; ++k) std::copy_n(own + k * size, size, sums + k * next + first * channels);
  });
  real* of = sums;
  for (real* const result : results) {
    for (std::size_t half = partials / 2; half > 0; half /= 2) {
      for (std::size_t p = 0; p < half && p + half < used; ++p) {
        for (std::size_t c = 0; c < channels; ++c) of[p * channels + c] += of[(p + half) * channels + c];
      }
    }
    if (result != nullptr) std::copy_n(of, channels, result);
    of += next;
  }
}

/// The mean over rows of x or, with `mean`, of (x - mean)^2.
void mean_of(std::size_t count, std::size_t channels, const real* x, const real* mean, real* result) {
  sum_rows(count, channels, 1, {result},
           [&](const Rows& rows, std::size_t first, real* sums) { current()->norm_sums(rows, mean, x + first, sums); });
  for (std::size_t c = 0; c < channels; ++c) result[c] /= static_cast<real>(count);
}

Norm norm_of(const Batch& b) { return {b.mean, b.deviation, b.scale, b.bias}; }

/// Calls body(element, its channel, its sum) for the elements of rows.
template <class Body>
void over_elements(const Rows& rows, Body body) {
  for (std::size_t row = 0, first = 0; row < rows.rows; row += rows.group, first += rows.step * rows.channels) {
    const std::size_t count = std::min(rows.group, rows.rows - row);
    for (std::size_t k = 0; k < count; ++k) {
      const std::size_t at = first + k * rows.channels, to = k * rows.channels;
      for (std::size_t c = 0; c < rows.channels; ++c) body(at + c, c, to + c);
    }
  }
}

real relu_of(real x) { return x < 0 ? real{0} : x; }

/// z = factor * x + summand on an interval of x, for one channel.
struct Spread {
  real z, reach;

  Spread(const Intervals& all, std::size_t c, real centre, real radius) : z(centre), reach(radius) {
    if (all.factor == nullptr) return;
    const real scaled = z * all.factor[c];
    z = scaled + all.summand[c];
    reach *= std::abs(all.factor[c]);
  }
};

void points_gradient(const Intervals& all, const Rows& rows, const real* x, const real* y, const real* g, real* d,
                     real* sums) {
  const std::size_t next = rows.group * rows.channels;
  over_elements(rows, [=](std::size_t at, std::size_t c, std::size_t to) {
    real passed = y == nullptr || y[at] > 0 ? g[at] : real{0};
    if (all.factor != nullptr) {
      sums[to] += passed;
      sums[next + to] += passed * x[at];
      passed *= all.factor[c];
    }
    d[at] = passed;
  });
}

/// Centres, and radii `size` elements behind them.
void boxes_gradient(const Intervals& all, const Rows& rows, std::size_t size, const real* x, const real* g, real* d,
                    real* sums) {
  const std::size_t next = rows.group * rows.channels;
  const bool relu = all.activation == Activation::relu;
  over_elements(rows, [=](std::size_t at, std::size_t c, std::size_t to) {
    const Spread in(all, c, x[at], x[size + at]);
    real of_z = g[at], of_reach = g[size + at];
    if (relu) {
      const real high = in.z + in.reach > 0 ? (of_z + of_reach) / 2 : real{0};
      const real low = in.z - in.reach > 0 ? (of_z - of_reach) / 2 : real{0};
      of_z = high + low;
      of_reach = high - low;
    }
    if (all.factor != nullptr) {
      const real factor = all.factor[c], turned = factor > 0 ? of_reach : factor < 0 ? -of_reach : real{0};
      const real by_centre = of_z * x[at], by_radius = turned * x[size + at];
      sums[to] += of_z;
      sums[next + to] += by_centre + by_radius;
      of_z *= factor;
      of_reach *= std::abs(factor);
    }
    d[at] = of_z;
    d[size + at] = of_reach;
  });
}

}  // namespace

void apply_epilogue(const Epilogue& epilogue, std::size_t rows, std::size_t filters, const real* in, real* out) {
  over_parts(rows, filters, [&](std::size_t at, const Rows& part) {
    const real* const added = epilogue.added == nullptr ? nullptr : epilogue.added + at;
    current()->affine_rows(part, epilogue.factor, epilogue.summand, added, epilogue.activation == Activation::relu,
                           in + at, out + at);
  });
}

void moments(std::size_t rows, std::size_t channels, const real* x, real* mean, real* variance) {
  mean_of(rows, channels, x, nullptr, mean);
  mean_of(rows, channels, x, mean, variance);
}

void batch_norm(const Batch& b, real eps, Activation activation, real* y) {
  moments(b.rows, b.channels, b.x, b.mean, b.variance);
  for (std::size_t c = 0; c < b.channels; ++c) b.deviation[c] = std::sqrt(b.variance[c] + eps);
  over_parts(b.rows, b.channels, [&](std::size_t at, const Rows& part) {
    current()->norm_rows(part, norm_of(b), activation == Activation::relu, b.x + at, y + at);
  });
}

void batch_norm_gradient(const Batch& b, const real* gradient, real* bias_gradient, real* scale_gradient,
                         real* centred_gradient, real* mean_gradient) {
  std::vector<real>& spread = kept<real, 3>();
  spread.resize(b.channels);
  sum_rows(b.rows, b.channels, 3, {bias_gradient, scale_gradient, spread.data()},
           [&](const Rows& rows, std::size_t first, real* sums) {
             current()->norm_gradient_sums(rows, norm_of(b), b.x + first, gradient + first, sums);
           });
  if (centred_gradient == nullptr) return;
  const auto count = static_cast<real>(b.rows);
  for (std::size_t c = 0; c < b.channels; ++c) spread[c] = spread[c] / (b.deviation[c] + b.deviation[c]) / count;
  sum_rows(b.rows, b.channels, 1, {mean_gradient}, [&](const Rows& rows, std::size_t first, real* sums) {
    current()->norm_gradient_rows(rows, norm_of(b), spread.data(), b.x + first, gradient + first,
                                  centred_gradient + first, sums);
  });
  for (std::size_t c = 0; c < b.channels; ++c) mean_gradient[c] /= count;
}

void interval_affine(const Intervals& all, real* y) {
  const bool relu = all.activation == Activation::relu;
  over_parts(all.points, all.channels, [&](std::size_t at, const Rows& part) {
    current()->affine_rows(part, all.factor, all.summand, nullptr, relu, all.x + at, y + at);
  });
  const std::size_t size = all.boxes * all.channels;
  over_parts(all.boxes, all.channels, [&](std::size_t begin, const Rows& part) {
    const std::size_t first = all.points * all.channels + begin;
    const real* const x = all.x + first;
    real* const to = y + first;
    over_elements(part, [=](std::size_t at, std::size_t c, std::size_t) {
      Spread out(all, c, x[at], x[size + at]);
      if (relu) {
        const real low = relu_of(out.z - out.reach), high = relu_of(out.z + out.reach);
        out.z = (high + low) / 2;
        out.reach = (high - low) / 2;
      }
      to[at] = out.z;
      to[size + at] = out.reach;
    });
  });
}

void interval_affine_gradient(const Intervals& all, const real* y, const real* gradient, real* x_gradient,
                              real* factor_gradient, real* summand_gradient) {
  const bool relu = all.activation == Activation::relu;
  const auto of_points = [&](const Rows& rows, std::size_t at, real* sums) {
    points_gradient(all, rows, all.x + at, relu ? y + at : nullptr, gradient + at, x_gradient + at, sums);
  };
  const auto of_boxes = [&](const Rows& rows, std::size_t begin, real* sums) {
    const std::size_t at = all.points * all.channels + begin;
    boxes_gradient(all, rows, all.boxes * all.channels, all.x + at, gradient + at, x_gradient + at, sums);
  };
  if (all.factor == nullptr) {
    over_parts(all.points, all.channels, [&](std::size_t at, const Rows& part) { of_points(part, at, nullptr); });
    over_parts(all.boxes, all.channels, [&](std::size_t at, const Rows& part) { of_boxes(part, at, nullptr); });
    return;
  }
  std::vector<real>& more = kept<real, 3>();
  more.resize(2 * all.channels);
  sum_rows(all.points, all.channels, 2, {summand_gradient, factor_gradient}, of_points);
  sum_rows(all.boxes, all.channels, 2, {more.data(), more.data() + all.channels}, of_boxes);
  for (std::size_t c = 0; c < all.channels; ++c) {
    summand_gradient[c] += more[c];
    factor_gradient[c] += more[all.channels + c];
  }
}

}  // namespace hans::kernels
