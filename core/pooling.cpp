// Pooling, and the gates that rectified outputs are for gradients.
#include <algorithm>
#include <hans/core/conv_plan.hpp>
#include <hans/core/kernels.hpp>
#include <hans/core/parallel.hpp>

namespace hans::kernels {
namespace {

PoolRow row_of(const Pooling& p) {
  PoolRow row{};
  row.outputs = p.out_width;
  row.channels = p.channels;
  row.kernel = p.kernel;
  row.stride = p.stride;
  row.in_row = p.width * p.channels;
  return row;
}

/// Where row `out_y` of the outputs and its first window are.
struct Place {
  std::size_t in, out;
};
Place place(const Pooling& p, std::size_t sample, std::size_t out_y) {
  return {(sample * p.height + out_y * p.stride) * p.width * p.channels,
          (sample * p.out_height + out_y) * p.out_width * p.channels};
}

/// Calls body(sample, output row) for all of them; those of a sample may be split among threads if `rows_apart`.
template <class Body>
void over_rows(const Pooling& p, bool rows_apart, Body body) {
  const std::size_t inner = rows_apart ? 1 : p.out_height;
  const std::size_t pieces = p.samples * p.out_height / std::max<std::size_t>(inner, 1);
  const std::size_t work = p.samples * p.out_height * p.out_width * p.channels * p.kernel * p.kernel;
  const std::size_t parts = std::min(pieces, units_wanted(work));
  parallel_for(parts, [&](std::size_t part) {
    const Range range = part_of(pieces, parts, part);
    for (std::size_t row = range.begin * inner; row < range.end * inner; ++row) {
      body(row / p.out_height, row % p.out_height);
    }
  });
}

}  // namespace

void max_pool(const Pooling& p, const real* images, real* out) {
  const PoolRow row = row_of(p);
  over_rows(p, true, [&](std::size_t sample, std::size_t out_y) {
    const Place at = place(p, sample, out_y);
    current()->max_pool_row(row, images + at.in, out + at.out);
  });
}

void max_pool_gradient(const Pooling& p, const real* images, const real* out, const real* gradient, bool positive_only,
                       real* image_gradient) {
  // Where the windows cover the images once, they are written; otherwise added to zeros.
  const bool once = p.stride == p.kernel && p.out_height * p.stride == p.height && p.out_width * p.stride == p.width;
  const std::size_t image = p.height * p.width * p.channels;
  PoolRow row = row_of(p);
  row.positive_only = positive_only;
  row.continues = !once;
  over_rows(p, once, [&](std::size_t sample, std::size_t out_y) {
    if (!once && out_y == 0) std::fill_n(image_gradient + sample * image, image, real(0));
    const Place at = place(p, sample, out_y);
    current()->max_pool_gradient_row(row, images + at.in, out + at.out, gradient + at.out, image_gradient + at.in);
  });
}

void apply_gate(const real* gate, real* gradient, std::size_t count) {
  constexpr std::size_t grain = 16384;
  parallel_ranges(count, grain, [=](std::size_t begin, std::size_t end) {
    current()->gate(gate + begin, gradient + begin, end - begin);
  });
}

}  // namespace hans::kernels
