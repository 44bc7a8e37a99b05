// The input gradient of a convolution of few channels: lanes across samples instead of channels.
//
// Each row of the output gradient is transposed to [pixel][filter][sample] and read while it is in cache. An output
// pixel contributes to kernel_height x kernel_width inputs, which are the rows of a product; the weights are its
// broadcast operand. Visiting output pixels in reverse gives each input its taps in rising order.
#include <algorithm>
#include <hans/core/kernels.hpp>
#include <hans/core/parallel.hpp>
#include "detail/conv_plan.hpp"

namespace hans::kernels {
namespace {

constexpr std::size_t narrow_rows = 32;
constexpr std::size_t lanes_together = 2 * panel;  // samples

/// A part of the input gradient: some samples (their output gradient begins at `gradient`) and rows of the images.
struct Part {
  const real* gradient;
  std::size_t samples;
  Range rows;
  real* sums;  ///< lanes_together per input
};

/// Adds the contribution of an output pixel to its inputs. `transposed` holds the pixel's row.
void add_pixel(const Conv& c, const real* packed, const real* transposed, std::size_t out_y, std::size_t out_x,
               const Part& part) {
  const std::size_t taps = c.kernel_height * c.kernel_width;
  const Segment all_filters{0, out_x * c.filters, c.filters, ~0u};
  const real* rows[narrow_rows];
  real* outs[narrow_rows];
  Product job = panel_product();
  job.rows = rows;
  job.outs = outs;
  job.segments = &all_filters;
  job.b = transposed;
  job.panel_stride = c.out_width * c.filters * panel;
  job.columns = divide_up(part.samples, panel) * panel;
  job.continues = true;
  const std::size_t corner_y = out_y * c.stride_height;  // in the padded image
  const std::size_t corner_x = out_x * c.stride_width;
  const std::size_t tap_begin = corner_x < c.pad_left ? divide_up(c.pad_left - corner_x, c.dilation_width) : 0;
  const std::size_t tap_end =
      std::min(c.kernel_width, divide_up(std::max(c.width + c.pad_left, corner_x) - corner_x, c.dilation_width));
  for (std::size_t tap_y = 0; tap_y < c.kernel_height; ++tap_y) {
    const std::size_t y = corner_y + tap_y * c.dilation_height;
    if (y < part.rows.begin + c.pad_top || y >= part.rows.end + c.pad_top) continue;
    const std::size_t row = (y - c.pad_top - part.rows.begin) * c.width;
    for (std::size_t tap_x = tap_begin; tap_x < tap_end; ++tap_x) {
      const std::size_t input = (row + corner_x + tap_x * c.dilation_width - c.pad_left) * c.channels;
      for (std::size_t channel = 0; channel < c.channels; ++channel) {
        rows[job.row_count] = packed + (channel * taps + tap_y * c.kernel_width + tap_x) * c.filters;
        outs[job.row_count] = part.sums + (input + channel) * lanes_together;
        if (++job.row_count < narrow_rows) continue;
        current()->product(job);
        job.row_count = 0;
      }
    }
  }
  if (job.row_count > 0) current()->product(job);
}

void run_part(const Conv& c, const real* packed, const Part& part, real* out) {
  const std::size_t row_size = c.out_width * c.filters;
  real* const transposed = kept_room<0>(lanes_together * row_size);
  const std::size_t end = std::min(c.out_height, divide_up(part.rows.end + c.pad_top, c.stride_height));
  for (std::size_t out_y = end; out_y-- > 0;) {
    if (out_y * c.stride_height + span_of(down_of(c)) <= part.rows.begin + c.pad_top) break;
    for (std::size_t first = 0; first < part.samples; first += panel) {
      current()->transpose(part.gradient + (first * c.out_height + out_y) * row_size, c.out_height * row_size,
                           std::min<std::size_t>(panel, part.samples - first), row_size, transposed + first * row_size);
    }
    for (std::size_t out_x = c.out_width; out_x-- > 0;) add_pixel(c, packed, transposed, out_y, out_x, part);
  }
  const std::size_t inputs = (part.rows.end - part.rows.begin) * c.width * c.channels;
  for (std::size_t lane = 0; lane < part.samples; ++lane) {
    real* const to = out + lane * c.height * c.width * c.channels;
    for (std::size_t k = 0; k < inputs; ++k) to[k] = part.sums[k * lanes_together + lane];
  }
}

}  // namespace

void narrow_input_gradient(const Conv& c, const real* gradient, const real* packed, const real* gate, real* out) {
  const std::size_t row = c.width * c.channels;
  if (c.samples == 0 || c.height * row == 0) return;
  const std::size_t sample_parts = divide_up(c.samples, lanes_together);
  const std::size_t work = c.samples * c.out_height * c.out_width * c.filters * c.kernel_height * c.kernel_width;
  const std::size_t row_parts = std::min(c.height, divide_up(units_wanted(work * c.channels), sample_parts));
  parallel_for(sample_parts * row_parts, [&](std::size_t unit) {
    const std::size_t first = unit / row_parts * lanes_together;
    const Range rows = part_of(c.height, row_parts, unit % row_parts);
    std::vector<real>& sums = kept<real, 0>();
    sums.resize((rows.end - rows.begin) * row * lanes_together);
    run_part(c, packed,
             Part{gradient + first * c.out_height * c.out_width * c.filters,
                  std::min(lanes_together, c.samples - first), rows, sums.data()},
             out + first * c.height * row + rows.begin * row);
  });
  if (gate != nullptr) apply_gate(gate, out, c.samples * c.height * row);
}

}  // namespace hans::kernels
