// The gradients of a convolution with respect to its weights and bias.
//
// Rows are elements (kernel row, kernel column, channel) of the weights, lanes run across filters, k across (sample,
// output row, output column). Images and output gradient are read in place, without copies.
#include <algorithm>
#include <hans/core/kernels.hpp>
#include <hans/core/parallel.hpp>
#include "detail/blas.hpp"
#include "detail/conv_plan.hpp"

namespace hans::kernels {
namespace {

constexpr std::size_t most_rows = 32;

/// Rows `begin` to `end` of the weights, computed together.
using Tile = Range;

/// Splits the rows of the weights into tiles of at most `most`. A tile does not mix kernel columns or rows with
/// different padding unless there are too few channels to fill it otherwise.
void make_tiles(const Conv& c, std::size_t most, std::vector<Tile>& tiles) {
  const bool padded = c.pad_top > 0 || c.pad_left > 0 ||
                      (c.out_height - 1) * c.stride_height + span_of(down_of(c)) > c.height ||
                      (c.out_width - 1) * c.stride_width + span_of(across_of(c)) > c.width;
  const std::size_t rows = c.kernel_height * c.kernel_width * c.channels;
  const std::size_t kernel_row = c.kernel_width * c.channels;
  std::size_t group = rows;
  if (kernel_row >= 8) group = kernel_row;
  if (padded && kernel_row >= 6) group = kernel_row;
  if (padded && c.channels >= 8) group = c.channels;
  for (std::size_t first = 0; first < rows; first += group) {
    const std::size_t count = divide_up(group, most);
    for (std::size_t i = 0; i < count; ++i) {
      const Range part = part_of(group, count, i);
      tiles.push_back(Tile{first + part.begin, first + part.end});
    }
  }
}

bool holds(const Range& range, std::size_t value) { return range.begin <= value && value < range.end; }

class WeightGradient {
 public:
  WeightGradient(const Conv& conv, const real* images, const real* gradient, real* out)
      : c_(conv),
        images_(images),
        gradient_(gradient),
        out_(out),
        image_size_(conv.height * conv.width * conv.channels),
        out_pixels_(conv.out_height * conv.out_width) {}

  /// Computes some tiles and filters over all samples, in blocks of samples that fit in cache. Each block continues the
  /// chains.
  void run(const std::vector<Tile>& tiles, Range tile_range, Range columns, std::size_t block) const {
    std::vector<Rows>& prepared = kept<Rows, 0>();
    std::vector<Segment>& segments = kept<Segment, 0>();
    for (std::size_t t = tile_range.begin; t < tile_range.end; ++t) prepare(tiles[t], columns, prepared, segments);
    for (std::size_t n = 0; n < c_.samples; n += block) {
      for (Rows& rows : prepared) multiply(rows, segments, columns, Range{n, std::min(n + block, c_.samples)});
    }
  }

 private:
  /// The operands of a tile for sample 0, and its segments for one sample.
  struct Rows {
    const real* rows[most_rows];
    real* outs[most_rows];
    std::size_t count, first_segment, segment_count;
    bool padded, partial;  ///< whether outputs have taps in the padding; whether only some rows do
  };
  struct Reach {
    Range y[most_rows], x[most_rows];
  };

  void prepare(const Tile& tile, Range columns, std::vector<Rows>& prepared, std::vector<Segment>& segments) const {
    Rows made;
    Reach reaches;
    made.count = tile.end - tile.begin;
    made.padded = made.partial = false;
    for (std::size_t r = 0; r < made.count; ++r) {
      const std::size_t row = tile.begin + r;
      const std::size_t channel = row % c_.channels, tap = row / c_.channels;
      const std::size_t column = tap % c_.kernel_width, kernel_row = tap / c_.kernel_width;
      const std::ptrdiff_t at =
          (signed_of(kernel_row * c_.dilation_height) - signed_of(c_.pad_top)) * signed_of(c_.width) +
          signed_of(column * c_.dilation_width) - signed_of(c_.pad_left);
      made.rows[r] = images_ + at * signed_of(c_.channels) + signed_of(channel);
      made.outs[r] = out_ + row * c_.filters + columns.begin;
      const Range y = outputs_of(kernel_row, down_of(c_));
      const Range x = outputs_of(column, across_of(c_));
      reaches.y[r] = y;
      reaches.x[r] = x;
      made.padded = made.padded || y.end - y.begin < c_.out_height || x.end - x.begin < c_.out_width;
    }
    if (!prepared.empty() && !made.padded && !prepared.back().padded && prepared.back().count == made.count) {
      made.first_segment = prepared.back().first_segment;
      made.segment_count = prepared.back().segment_count;
    } else {
      made.first_segment = segments.size();
      for (std::size_t y = 0; y < c_.out_height; ++y) list(y, made, reaches, segments);
      made.segment_count = segments.size() - made.first_segment;
    }
    prepared.push_back(made);
  }

  /// Appends the segments of an output row: runs of outputs with the same rows.
  void list(std::size_t y, Rows& tile, const Reach& reaches, std::vector<Segment>& segments) const {
    for (std::size_t x = 0, end = 0; x < c_.out_width; x = end) {
      end = c_.out_width;
      unsigned active = 0;
      for (std::size_t r = 0; r < tile.count; ++r) {
        if (reaches.x[r].begin > x) end = std::min(end, reaches.x[r].begin);
        if (reaches.x[r].end > x) end = std::min(end, reaches.x[r].end);
        if (holds(reaches.y[r], y) && holds(reaches.x[r], x)) active |= 1u << r;
      }
      if (active == 0) continue;
      tile.partial = tile.partial || active != (tile.count == 32 ? ~0u : (1u << tile.count) - 1u);
      const std::size_t a = (y * c_.stride_height * c_.width + x * c_.stride_width) * c_.channels;
      segments.push_back(Segment{signed_of(a), y * c_.out_width + x, end - x, active});
    }
  }

  void multiply(Rows& tile, const std::vector<Segment>& segments, Range columns, Range samples) const {
    Product job{};
    job.rows = tile.rows;
    job.outs = tile.outs;
    job.row_count = tile.count;
    job.segments = segments.data() + tile.first_segment;
    job.segment_count = tile.segment_count;
    job.repeats = samples.end - samples.begin;
    job.a_step = signed_of(c_.stride_width * c_.channels);
    job.a_repeat = signed_of(image_size_);
    job.b = gradient_ + samples.begin * out_pixels_ * c_.filters + columns.begin;
    job.b_repeat = out_pixels_;
    job.b_stride = c_.filters;
    job.panel_stride = panel;
    job.columns = columns.end - columns.begin;
    job.continues = samples.begin > 0;
    job.care = tile.partial ? Care::rows : signed_of(16) <= job.a_step ? Care::fetch : Care::none;
    job.a_ahead = job.a_repeat;
    job.b_ahead = job.b_repeat;
    Segment run;
    if (out_pixels_ == 1 && tile.segment_count == 1) {  // one run across all samples
      run = Segment{0, 0, job.repeats, job.segments->active};
      job.segments = &run;
      job.repeats = 1;
      job.a_step = job.a_repeat;
      job.a_ahead = 8 * job.a_step;
      job.b_ahead = 8;
    }
    current()->product(job);
    for (std::size_t r = 0; r < tile.count; ++r) tile.rows[r] += (samples.end - samples.begin) * image_size_;
  }

  const Conv& c_;
  const real* images_;
  const real* gradient_;
  real* out_;
  std::size_t image_size_, out_pixels_;
};

}  // namespace

/// Adds as multiply-adds with 1, which round equally.
void bias_columns(const Conv& c, const real* gradient, real* out, Range columns) {
  static constexpr real one = 1;
  const real* const row = &one;
  real* const to = out + columns.begin;
  const Segment all{0, 0, c.samples * c.out_height * c.out_width, ~0u};
  Product job{};
  job.rows = &row;
  job.outs = &to;
  job.row_count = 1;
  job.segments = &all;
  job.segment_count = 1;
  job.repeats = 1;
  job.b = gradient + columns.begin;
  job.b_stride = c.filters;
  job.panel_stride = panel;
  job.columns = columns.end - columns.begin;
  current()->product(job);
}

void conv_weight_gradient(const Conv& conv, const real* images, const real* gradient, real* weight_gradient,
                          real* bias_gradient) {
  if (conv.samples == 0) {
    std::fill_n(weight_gradient, conv.kernel_height * conv.kernel_width * conv.channels / conv.groups * conv.filters,
                real(0));
    if (bias_gradient != nullptr) std::fill_n(bias_gradient, conv.filters, real(0));
    return;
  }
  if (conv.groups > 1) return grouped_weight_gradient(conv, images, gradient, weight_gradient, bias_gradient);
  const Conv c = simplified(conv);
  if (blas::takes(c)) return blas::weight_gradient(c, images, gradient, weight_gradient, bias_gradient);
  const std::size_t rows = c.kernel_height * c.kernel_width * c.channels;
  const std::size_t out_pixels = c.out_height * c.out_width;
  const std::size_t panels = divide_up(c.filters, panel);
  if (panels == 0) return;
  const std::size_t work = c.samples * out_pixels * rows * panels * panel;
  const std::size_t read = c.samples * (c.height * c.width * c.channels + out_pixels * c.filters);
  // Every unit reads all samples, so use few units if the samples do not fit in cache.
  const std::size_t wanted = std::min(units_wanted(work), read > cache_values ? thread_count() : work);

  // Units: parts of the tiles times parts of the panels. If there are too few, use smaller tiles.
  std::vector<Tile>& tiles = kept<Tile, 0>();
  std::size_t most = std::min(panels > 1 ? current()->row_block : current()->thin_block, most_rows);
  make_tiles(c, most, tiles);
  while (most > 4 && tiles.size() * panels < std::min(wanted, thread_count())) {
    most = divide_up(most, 2);
    tiles.clear();
    make_tiles(c, most, tiles);
  }
  const std::size_t tile_parts = std::max<std::size_t>(std::min(tiles.size(), wanted), 1);  // 1: the bias alone
  std::size_t panel_parts = std::min(divide_up(panels, 2), divide_up(wanted, tile_parts));
  if (tile_parts * panel_parts < std::min(wanted, thread_count())) panel_parts = std::min(panels, wanted);
  const std::size_t panels_each = divide_up(panels, panel_parts);
  panel_parts = divide_up(panels, panels_each);

  // The samples per block, such that a unit's data stay in cache.
  const std::size_t rows_each = divide_up(rows, tile_parts);
  const std::size_t per_sample =
      std::min(out_pixels * rows_each, c.height * c.width * c.channels) + out_pixels * panels_each * panel;
  std::size_t block =
      std::max(std::size_t{48} * 1024 / std::max<std::size_t>(per_sample, 1), divide_up(256, out_pixels + 1));
  block = std::clamp<std::size_t>(block, 1, std::max<std::size_t>(c.samples, 1));

  const std::size_t bias_parts = bias_gradient == nullptr ? 0 : divide_up(panels, 4);
  const WeightGradient unit_of(c, images, gradient, weight_gradient);
  parallel_for(tile_parts * panel_parts + bias_parts, [&](std::size_t unit) {
    if (unit < bias_parts) {
      bias_columns(c, gradient, bias_gradient, Range{unit * 4 * panel, std::min(c.filters, (unit + 1) * 4 * panel)});
      return;
    }
    unit -= bias_parts;
    const std::size_t first = unit % panel_parts * panels_each * panel;
    unit_of.run(tiles, part_of(tiles.size(), tile_parts, unit / panel_parts),
                Range{first, std::min(c.filters, first + panels_each * panel)}, block);
  });
}

}  // namespace hans::kernels
