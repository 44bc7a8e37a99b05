// Pooling, and gates, which zero gradients where a relu was 0.
#include <algorithm>
#include <hans/core/kernels.hpp>
#include <hans/core/parallel.hpp>
#include "detail/conv_plan.hpp"

namespace hans::kernels {
namespace {

Side down_of(const Pooling& p) { return {p.out_height, p.kernel_height, p.stride_height, 1, p.pad_top, p.height}; }
Side across_of(const Pooling& p) { return {p.out_width, p.kernel_width, p.stride_width, 1, p.pad_left, p.width}; }

/// The position of a run of outputs and of its first window.
struct Place {
  std::size_t in, out;
};

/// The number of window elements that count along one dimension. `taps` of them, from `tap` on, lie in the image, which
/// they read from `source` on. Outputs with equal taps have equal counts, because a window that leaves the image shares
/// its taps with no other.
real counted_along(const Side& side, std::size_t tap, std::size_t taps, std::ptrdiff_t source, bool padding,
                   std::size_t pad_end) {
  if (!padding) return static_cast<real>(taps);
  const std::size_t start = static_cast<std::size_t>(source) + side.pad - tap;  // in the padded image
  return static_cast<real>(std::min(side.kernel, side.pad + side.size + pad_end - start));
}

/// Calls body(row, place) for runs of outputs whose windows have the same shape, in rising (row, column) per sample. If
/// windows overlap (row.continues), `sums` of a sample is zeroed before its first run, and one thread does all its
/// runs.
template <class Body>
void each_run(const Pooling& p, PoolRow row, const Counted& counted, real* sums, Body body) {
  if (p.samples == 0 || p.channels == 0) return;
  std::vector<Band>& down = kept<Band, 0>();
  std::vector<Band>& across = kept<Band, 1>();
  std::vector<Line>& lines = kept<Line, 0>();
  forward_bands(down_of(p), down);
  forward_bands(across_of(p), across);
  lines_of(down, forward_steps(down_of(p)), p.out_height, lines);
  row.channels = p.channels;
  row.in_row = p.width * p.channels;
  row.in_step = p.stride_width * p.channels;

  const std::size_t image = p.height * p.width * p.channels;
  const std::size_t inner = row.continues ? p.out_height : 1;
  const std::size_t pieces = p.samples * p.out_height / inner;
  const std::size_t work = p.samples * p.out_height * p.out_width * p.channels * p.kernel_height * p.kernel_width;
  const std::size_t parts = std::min(pieces, units_wanted(work));
  parallel_for(parts, [&](std::size_t part) {
    const Range range = part_of(pieces, parts, part);
    PoolRow run = row;
    for (std::size_t each = range.begin * inner; each < range.end * inner; ++each) {
      const std::size_t sample = each / p.out_height, y = each % p.out_height;
      const Line& line = lines[y];
      if (run.continues && y == 0) std::fill_n(sums + sample * image, image, real(0));
      run.rows = line.taps;
      const std::size_t in_row = sample * p.height + static_cast<std::size_t>(line.source);
      for (const Band& band : across) {
        run.outputs = band.count;
        run.columns = band.taps;
        run.count = counted_along(down_of(p), line.tap, line.taps, line.source, counted.padding, counted.bottom) *
                    counted_along(across_of(p), band.tap, band.taps, band.source, counted.padding, counted.right);
        const Place place{(in_row * p.width + static_cast<std::size_t>(band.source)) * p.channels,
                          ((sample * p.out_height + y) * p.out_width + band.start) * p.channels};
        body(run, place);
      }
    }
  });
}

/// Whether the windows tile the images exactly; otherwise gradients are added to zeros.
bool covers_once(const Pooling& p) {
  return p.pad_top == 0 && p.pad_left == 0 && p.stride_height == p.kernel_height && p.stride_width == p.kernel_width &&
         p.out_height * p.stride_height == p.height && p.out_width * p.stride_width == p.width;
}

}  // namespace

void max_pool(const Pooling& p, const real* images, real* out) {
  each_run(p, PoolRow{}, {}, nullptr,
           [&](const PoolRow& row, const Place& at) { current()->max_pool_row(row, images + at.in, out + at.out); });
}

void conv_max_pool(const Conv& conv, const real* images, Weights weights, const real* bias, const Epilogue& epilogue,
                   const Pooling& pooling, real* out) {
  const std::size_t in = conv.height * conv.width * conv.channels;
  const std::size_t between = conv.out_height * conv.out_width * conv.filters;
  const std::size_t pooled = pooling.out_height * pooling.out_width * pooling.channels;
  // A multiple of the thread count, so that threads finish together.
  const std::size_t most = std::max<std::size_t>(1, cache_values / std::max<std::size_t>(1, between));
  const std::size_t threads = in_parallel_for() ? 1 : thread_count();
  const std::size_t units = std::min(conv.samples, divide_up(divide_up(conv.samples, most), threads) * threads);
  parallel_for(units, [&](std::size_t unit) {
    const Range part = part_of(conv.samples, units, unit);
    Conv some = conv;
    Pooling of = pooling;
    some.samples = of.samples = part.end - part.begin;
    Epilogue then = epilogue;
    if (then.added != nullptr) then.added += part.begin * between;
    real* const room = kept_room<7>(some.samples * between);
    conv_forward(some, images + part.begin * in, weights, bias, then, room);
    max_pool(of, room, out + part.begin * pooled);
  });
}

void max_pool_gradient(const Pooling& p, const real* images, const real* out, const real* gradient, bool positive_only,
                       real* image_gradient) {
  PoolRow common{};
  common.positive_only = positive_only;
  common.continues = !covers_once(p);
  each_run(p, common, {}, image_gradient, [&](const PoolRow& row, const Place& at) {
    current()->max_pool_gradient_row(row, images + at.in, out + at.out, gradient + at.out, image_gradient + at.in);
  });
}

void average_pool(const Pooling& p, const Counted& counted, const real* images, real* out) {
  each_run(p, PoolRow{}, counted, nullptr, [&](const PoolRow& row, const Place& at) {
    current()->average_pool_row(row, images + at.in, out + at.out);
  });
}

void average_pool_gradient(const Pooling& p, const Counted& counted, const real* gradient, real* image_gradient) {
  PoolRow common{};
  common.continues = !covers_once(p);
  each_run(p, common, counted, image_gradient, [&](const PoolRow& row, const Place& at) {
    current()->average_pool_gradient_row(row, gradient + at.out, image_gradient + at.in);
  });
}

void apply_gate(const real* gate, real* gradient, std::size_t count) {
  parallel_ranges(count, elementwise_grain, [=](std::size_t begin, std::size_t end) {
    current()->gate(gate + begin, gradient + begin, end - begin);
  });
}

}  // namespace hans::kernels
