// Depthwise convolutions: one filter per channel, lanes across channels, images and weights read in place. The bands of
// conv_plan.hpp give the taps of each output; other taps are skipped in the chains.
#include <algorithm>
#include <hans/core/kernels.hpp>
#include <hans/core/parallel.hpp>
#include "detail/conv_plan.hpp"

namespace hans::kernels {
namespace {

/// A forward pass or an input gradient: every target pixel is a sum over taps of source pixels times weights.
struct Pass {
  const real* source;
  std::size_t source_height, source_width;
  real* target;
  std::size_t target_height, target_width;
  Steps steps_y, steps_x;
  const real* weights;
  const real* bias;
  bool relu;
  const std::vector<Line>* down;
  const std::vector<Band>* across;
};

void run_row(const Conv& c, const Pass& pass, std::size_t sample, std::size_t target_row) {
  const Line& y = (*pass.down)[target_row];
  Depthwise job{};
  job.channels = c.channels;
  job.rows = y.taps;
  job.in_step = pass.steps_x.source_output * signed_of(c.channels);
  job.in_row = pass.steps_y.source_tap * signed_of(pass.source_width * c.channels);
  job.in_column = pass.steps_x.source_tap * signed_of(c.channels);
  job.by_row = pass.steps_y.tap * c.kernel_width * c.channels;
  job.by_column = pass.steps_x.tap * c.channels;
  job.bias = pass.bias;
  job.relu = pass.relu;
  const std::ptrdiff_t source_row = signed_of(sample * pass.source_height) + y.source;
  const std::size_t out_row = (sample * pass.target_height + target_row) * pass.target_width;
  for (const Band& x : *pass.across) {
    job.outputs = x.count;
    job.columns = x.taps;
    job.out_step = x.step * c.channels;
    current()->depthwise(
        job, pass.source + (source_row * signed_of(pass.source_width) + x.source) * signed_of(c.channels),
        pass.weights + (y.tap * c.kernel_width + x.tap) * c.channels, pass.target + (out_row + x.start) * c.channels);
  }
}

void run_depthwise(const Conv& c, const Pass& pass) {
  const std::size_t rows = c.samples * pass.target_height;
  const std::size_t work = c.samples * c.out_height * c.out_width * c.kernel_height * c.kernel_width * c.channels;
  const std::size_t parts = std::min(rows, units_wanted(work));
  parallel_for(parts, [&](std::size_t part) {
    const Range range = part_of(rows, parts, part);
    for (std::size_t row = range.begin; row < range.end; ++row) {
      run_row(c, pass, row / pass.target_height, row % pass.target_height);
    }
  });
}

/// Adjacent taps of a kernel row that reach the same outputs.
struct Taps {
  std::size_t row, column, count;
  Range y, x;
};

void list_taps(const Conv& c, std::vector<Taps>& all) {
  for (std::size_t row = 0; row < c.kernel_height; ++row) {
    const Range y = outputs_of(row, down_of(c));
    for (std::size_t column = 0; column < c.kernel_width; ++column) {
      const Range x = outputs_of(column, across_of(c));
      const bool same = column > 0 && all.back().x.begin == x.begin && all.back().x.end == x.end;
      if (same) {
        ++all.back().count;
      } else {
        all.push_back(Taps{row, column, 1, y, x});
      }
    }
  }
}

/// The weight gradient of some taps and channels. Here taps take the place of outputs, and sums run over output pixels.
void sum_taps(const Conv& c, const Taps& taps, Range channels, const real* images, const real* gradient, real* out) {
  Depthwise job{};
  job.outputs = taps.count;
  job.channels = channels.end - channels.begin;
  job.rows = taps.y.end - taps.y.begin;
  job.columns = taps.x.end - taps.x.begin;
  job.in_step = signed_of(c.dilation_width * c.channels);
  job.in_row = signed_of(c.stride_height * c.width * c.channels);
  job.in_column = signed_of(c.stride_width * c.channels);
  job.by_row = c.out_width * c.channels;
  job.by_column = c.channels;
  job.out_step = c.channels;
  const std::ptrdiff_t y =
      signed_of(taps.y.begin * c.stride_height + taps.row * c.dilation_height) - signed_of(c.pad_top);
  const std::ptrdiff_t x =
      signed_of(taps.x.begin * c.stride_width + taps.column * c.dilation_width) - signed_of(c.pad_left);
  const std::size_t pixel = taps.y.begin * c.out_width + taps.x.begin;
  for (std::size_t n = 0; n < c.samples; ++n) {
    job.continues = n > 0;
    const std::ptrdiff_t at = (signed_of(n * c.height) + y) * signed_of(c.width) + x;
    current()->depthwise(job, images + at * signed_of(c.channels) + channels.begin,
                         gradient + (n * c.out_height * c.out_width + pixel) * c.channels + channels.begin,
                         out + (taps.row * c.kernel_width + taps.column) * c.channels + channels.begin);
  }
}

}  // namespace

void depthwise_forward(const Conv& c, const real* images, const real* weights, const real* bias, Activation activation,
                       real* out) {
  std::vector<Band>& down = kept<Band, 0>();
  std::vector<Band>& across = kept<Band, 1>();
  std::vector<Line>& lines = kept<Line, 0>();
  forward_bands(down_of(c), down);
  forward_bands(across_of(c), across);
  const Steps steps_y = forward_steps(down_of(c)), steps_x = forward_steps(across_of(c));
  lines_of(down, steps_y, c.out_height, lines);
  run_depthwise(c, Pass{images, c.height, c.width, out, c.out_height, c.out_width, steps_y, steps_x, weights, bias,
                        activation == Activation::relu, &lines, &across});
}

void depthwise_input_gradient(const Conv& c, const real* gradient, const real* weights, real* out) {
  std::vector<Band>& down = kept<Band, 0>();
  std::vector<Band>& across = kept<Band, 1>();
  std::vector<Line>& lines = kept<Line, 0>();
  backward_bands(down_of(c), down);
  backward_bands(across_of(c), across);
  const Steps steps_y = backward_steps(down_of(c)), steps_x = backward_steps(across_of(c));
  lines_of(down, steps_y, c.height, lines);
  run_depthwise(c, Pass{gradient, c.out_height, c.out_width, out, c.height, c.width, steps_y, steps_x, weights, nullptr,
                        false, &lines, &across});
}

void depthwise_weight_gradient(const Conv& c, const real* images, const real* gradient, real* weight_gradient,
                               real* bias_gradient) {
  std::vector<Taps>& taps = kept<Taps, 0>();
  list_taps(c, taps);
  const std::size_t work = c.samples * c.out_height * c.out_width * c.kernel_height * c.kernel_width * c.channels;
  const std::size_t wanted = units_wanted(work);
  // A unit is a range of channels for some taps or for the bias. Use wide ranges, which fill cache lines, if there are
  // enough.
  constexpr std::size_t wide = 4 * panel;
  const std::size_t unit = taps.size() * divide_up(c.channels, wide) >= wanted ? wide : panel;
  const std::size_t across = divide_up(c.channels, unit);
  const std::size_t units = (taps.size() + (bias_gradient == nullptr ? 0 : 1)) * across;
  const std::size_t parts = std::min(units, wanted);
  parallel_for(parts, [&](std::size_t part) {
    const Range range = part_of(units, parts, part);
    for (std::size_t i = range.begin; i < range.end; ++i) {
      const Range channels{i % across * unit, std::min(c.channels, (i % across + 1) * unit)};
      if (i / across < taps.size()) {
        sum_taps(c, taps[i / across], channels, images, gradient, weight_gradient);
      } else {
        bias_columns(c, gradient, bias_gradient, channels);
      }
    }
  });
}

}  // namespace hans::kernels
