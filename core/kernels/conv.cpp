// Convolutions and linear layers: forward, input gradient, and the packing of weights for both.
//
// Outputs along each dimension form bands that see the same taps, so that taps in the padding are skipped, not
// multiplied by zero. For each pair of bands, the outputs of many samples are the rows of one product; its segments are
// the runs of taps.
#include <algorithm>
#include <hans/core/kernels.hpp>
#include <hans/core/parallel.hpp>
#include "detail/blas.hpp"
#include "detail/conv_plan.hpp"
#include "detail/dense.hpp"

namespace hans::kernels {
namespace {

/// A forward pass or an input gradient: every target pixel is a sum over taps of source pixels times weights.
struct Grid {
  std::size_t samples;
  const real* source;
  std::size_t source_height, source_width, depth;
  real* target;
  std::size_t target_height, target_width, columns;
  std::size_t kernel_width;
  Steps steps_y, steps_x;
  const real* packed;
  std::size_t k_count;  ///< per panel
  const real* bias;
  Epilogue epilogue;
  const real* gate;  ///< one number per target value
  const std::vector<Band>* down;
  const std::vector<Band>* across;
};

constexpr std::size_t table_rows = 336;  // whole tiles of 14 rows and of 24
constexpr std::size_t table_segments = 64;

/// The operands of a product: rows, their outputs for some panels, and segments.
struct Tables {
  const real* rows[table_rows];
  real* outs[table_rows];
  Segment segments[table_segments];
  std::size_t row_count = 0;
};

/// Runs the product for the collected rows, once per table of segments.
void multiply(const Grid& grid, const Band& y, const Band& x, Range panels, Tables& tables) {
  if (tables.row_count == 0) return;
  Product job = panel_product();
  job.rows = tables.rows;
  job.outs = tables.outs;
  job.segments = tables.segments;
  job.row_count = tables.row_count;
  job.b = grid.packed + panels.begin * grid.k_count * panel;
  job.panel_stride = grid.k_count * panel;
  job.columns = std::min(grid.columns, panels.end * panel) - panels.begin * panel;
  const auto of_panels = [&](const real* all) { return all == nullptr ? nullptr : all + panels.begin * panel; };

  // Taps of a row that are contiguous in the source and in the weights form one run, as do whole rows.
  std::size_t count = 0;
  const bool side_by_side = grid.steps_x.source_tap == 1 && grid.steps_x.tap == 1;
  const std::size_t runs = side_by_side ? std::min<std::size_t>(x.taps, 1) : x.taps;
  const std::size_t length = side_by_side ? x.taps * grid.depth : grid.depth;
  const bool whole_rows = side_by_side && grid.steps_y.source_tap == 1 && grid.steps_y.tap == 1 &&
                          x.taps == grid.source_width && x.taps == grid.kernel_width;
  const std::size_t rows = whole_rows ? std::min<std::size_t>(y.taps, 1) : y.taps;
  for (std::size_t ty = 0; ty < rows; ++ty) {
    for (std::size_t tx = 0; tx < runs; ++tx) {
      if (count == table_segments) {
        job.segment_count = count;
        current()->product(job);
        job.continues = true;
        count = 0;
      }
      const std::size_t tap = (y.tap + ty * grid.steps_y.tap) * grid.kernel_width + x.tap + tx * grid.steps_x.tap;
      const std::ptrdiff_t source_tap = static_cast<std::ptrdiff_t>(ty * grid.source_width) * grid.steps_y.source_tap +
                                        static_cast<std::ptrdiff_t>(tx) * grid.steps_x.source_tap;
      tables.segments[count++] = Segment{source_tap * static_cast<std::ptrdiff_t>(grid.depth), tap * grid.depth,
                                         whole_rows ? y.taps * length : length, ~0u};
    }
  }
  job.segment_count = count;
  job.bias = of_panels(grid.bias);
  job.factor = of_panels(grid.epilogue.factor);
  job.summand = of_panels(grid.epilogue.summand);
  job.added = grid.epilogue.added;
  job.relu = grid.epilogue.activation == Activation::relu;
  job.gate = grid.gate;
  job.base = grid.target;
  current()->product(job);
  tables.row_count = 0;
}

/// Prefetches what an output row reads and the row above did not: its lowest source row.
void fetch_row(const Grid& grid, const real* image, std::ptrdiff_t row, const Band& y, const Band& x) {
  const std::ptrdiff_t last_y = (static_cast<std::ptrdiff_t>(y.taps) - 1) * grid.steps_y.source_tap;
  const std::ptrdiff_t last_x = (static_cast<std::ptrdiff_t>(x.taps) - 1) * grid.steps_x.source_tap;
  const std::ptrdiff_t lowest = row + std::max<std::ptrdiff_t>(last_y, 0);
  const std::ptrdiff_t left = x.source + std::min<std::ptrdiff_t>(last_x, 0);
  const auto columns = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(x.count - 1) * grid.steps_x.source_output +
                                                std::abs(last_x) + 1);
  const real* const from = image + (lowest * static_cast<std::ptrdiff_t>(grid.source_width) + left) *
                                       static_cast<std::ptrdiff_t>(grid.depth);
  constexpr std::size_t line = 64 / sizeof(real);
  for (std::size_t i = 0; i < columns * grid.depth; i += line) __builtin_prefetch(from + i);
}

/// A unit of work: some samples, target rows and panels.
void run_unit(const Grid& grid, Range samples, Range target_rows, Range panels) {
  Tables tables;
  const bool far_away = grid.samples * grid.source_height * grid.source_width * grid.depth > cache_values;
  for (const Band& y : *grid.down) {
    // The outputs of the band inside the unit's rows.
    const auto before = [&y](std::size_t row) {
      return row <= y.start ? 0 : std::min(y.count, divide_up(row - y.start, y.step));
    };
    const std::size_t y_begin = before(target_rows.begin), y_end = before(target_rows.end);
    if (y_begin == y_end) continue;
    for (const Band& x : *grid.across) {
      const std::ptrdiff_t step = grid.steps_x.source_output * static_cast<std::ptrdiff_t>(grid.depth);
      const std::size_t out_step = x.step * grid.columns;
      for (std::size_t n = samples.begin; n < samples.end; ++n) {
        const real* const image = grid.source + n * grid.source_height * grid.source_width * grid.depth;
        real* const out =
            grid.target + n * grid.target_height * grid.target_width * grid.columns + panels.begin * panel;
        for (std::size_t iy = y_begin; iy < y_end; ++iy) {
          const std::ptrdiff_t row = y.source + static_cast<std::ptrdiff_t>(iy) * grid.steps_y.source_output;
          real* const out_row = out + (y.start + iy * y.step) * grid.target_width * grid.columns;
          std::ptrdiff_t at = (row * static_cast<std::ptrdiff_t>(grid.source_width) + x.source) *
                              static_cast<std::ptrdiff_t>(grid.depth);
          if (far_away && y.taps > 0 && x.taps > 0) fetch_row(grid, image, row, y, x);
          for (std::size_t ix = 0; ix < x.count;) {
            const std::size_t first = tables.row_count, count = std::min(x.count - ix, table_rows - first);
            real* to = out_row + (x.start + ix * x.step) * grid.columns;
            for (std::size_t i = 0; i < count; ++i, at += step, to += out_step) {
              tables.rows[first + i] = image + at;
              tables.outs[first + i] = to;
            }
            ix += count;
            tables.row_count += count;
            if (tables.row_count == table_rows) multiply(grid, y, x, panels, tables);
          }
        }
      }
      multiply(grid, y, x, panels, tables);
    }
  }
}

std::size_t taps_of(const std::vector<Band>& bands) {
  std::size_t taps = 0;
  for (const Band& band : bands) taps += band.count * band.taps;
  return taps;
}

/// Splits the grid into units such that they reread as little memory as possible, and runs them.
void run(const Grid& grid) {
  if (grid.samples == 0 || grid.columns == 0 || grid.target_height * grid.target_width == 0) return;
  const std::size_t panels = divide_up(grid.columns, panel);
  const std::size_t pairs = divide_up(panels, 2);
  const std::size_t work = grid.samples * taps_of(*grid.down) * taps_of(*grid.across) * grid.depth * panels * panel;
  const std::size_t wanted = units_wanted(work);
  const std::size_t source_size = grid.samples * grid.source_height * grid.source_width * grid.depth;
  const std::size_t packed_size = panels * grid.k_count * panel;
  std::size_t panel_parts = 1, sample_parts = 1, row_parts = 1;
  std::size_t least = ~std::size_t{0};
  for (std::size_t parts = 1;; parts = std::min(2 * parts, pairs)) {
    const std::size_t of_samples = std::min(grid.samples, divide_up(wanted, parts));
    const std::size_t of_rows =
        of_samples < grid.samples ? 1 : std::min(grid.target_height, divide_up(wanted, parts * of_samples));
    const std::size_t traffic = of_samples * of_rows * packed_size + parts * source_size;
    if (traffic < least) {
      least = traffic;
      panel_parts = parts;
      sample_parts = of_samples;
      row_parts = of_rows;
    }
    if (parts >= pairs || parts >= wanted) break;
  }
  parallel_for(sample_parts * row_parts * panel_parts, [&](std::size_t unit) {
    const Range pair_range = part_of(pairs, panel_parts, unit % panel_parts);
    const Range panel_range{2 * pair_range.begin, std::min(2 * pair_range.end, panels)};
    const std::size_t rest = unit / panel_parts;
    run_unit(grid, part_of(grid.samples, sample_parts, rest / row_parts),
             part_of(grid.target_height, row_parts, rest % row_parts), panel_range);
  });
}

/// The packed weights; packs them now if necessary.
const real* arranged(const Conv& conv, const Weights& weights, void (*pack)(const Conv&, const real*, real*)) {
  if (weights.packed != nullptr) return weights.packed;
  pack(conv, weights.plain, weights.room);
  return weights.room;
}

}  // namespace

std::size_t forward_pack_size(const Conv& conv) {
  if (conv.groups > 1) return grouped_pack_size(conv, forward_pack_size);
  return divide_up(conv.filters, panel) * panel * conv.kernel_height * conv.kernel_width * conv.channels;
}

void pack_forward(const Conv& conv, const real* weights, real* packed) {
  if (conv.groups > 1) return grouped_pack(conv, weights, packed, forward_pack_size, pack_forward);
  if (const Conv simple = simplified(conv); blas::takes(simple)) return blas::pack(simple, weights, packed);
  // [panel][k][16], missing filters are 0.
  const std::size_t k_count = conv.kernel_height * conv.kernel_width * conv.channels;
  const std::size_t panels = divide_up(conv.filters, panel);
  const std::size_t parts = std::min(units_wanted(k_count * panels), k_count);
  parallel_for(parts * panels, [&](std::size_t unit) {
    const std::size_t first = unit / parts * panel;
    const std::size_t width = std::min<std::size_t>(panel, conv.filters - first);
    const Range ks = part_of(k_count, parts, unit % parts);
    current()->gather(weights + ks.begin * conv.filters + first, conv.filters, width, ks.end - ks.begin,
                      packed + (unit / parts * k_count + ks.begin) * panel);
  });
}

int forward_pack_key(const Conv& conv) {
  if (conv.groups > 1) return static_cast<int>(16 * conv.groups) + forward_pack_key(one_group(conv));
  return blas::takes(simplified(conv)) ? 1 : 0;
}

void conv_forward(const Conv& conv, const real* images, Weights weights, const real* bias, const Epilogue& epilogue,
                  real* out) {
  if (conv.samples == 0 || conv.filters == 0) return;
  const Conv c = simplified(conv);
  if (const bool product = is_product(c); product || conv.groups > 1) {
    const bool apart = epilogue.factor != nullptr || epilogue.summand != nullptr || epilogue.added != nullptr;
    const Activation activation = apart ? Activation::none : epilogue.activation;
    if (conv.groups > 1) {
      grouped_forward(conv, images, arranged(conv, weights, pack_forward), bias, activation, out);
    } else if (blas::takes(c)) {
      blas::forward(c, images, weights, bias, activation, out);
    } else {
      const bool rectified = activation == Activation::relu;
      dense(Dense{c.samples, c.channels, c.filters, images, weights, false, bias, rectified, nullptr, out});
    }
    if (apart) apply_epilogue(epilogue, conv.samples * conv.out_height * conv.out_width, conv.filters, out, out);
    return;
  }
  const real* const packed = arranged(conv, weights, pack_forward);
  std::vector<Band>& down = kept<Band, 0>();
  std::vector<Band>& across = kept<Band, 1>();
  forward_bands(down_of(c), down);
  forward_bands(across_of(c), across);
  Grid grid{};
  grid.samples = c.samples;
  grid.source = images;
  grid.source_height = c.height;
  grid.source_width = c.width;
  grid.depth = c.channels;
  grid.target = out;
  grid.target_height = c.out_height;
  grid.target_width = c.out_width;
  grid.columns = c.filters;
  grid.kernel_width = c.kernel_width;
  grid.steps_y = forward_steps(down_of(c));
  grid.steps_x = forward_steps(across_of(c));
  grid.packed = packed;
  grid.k_count = c.kernel_height * c.kernel_width * c.channels;
  grid.bias = bias;
  grid.epilogue = epilogue;
  grid.down = &down;
  grid.across = &across;
  run(grid);
}

std::size_t backward_pack_size(const Conv& conv) {
  if (conv.groups > 1) return grouped_pack_size(conv, backward_pack_size);
  const Conv c = simplified(conv);
  const std::size_t channels = narrow(c) ? c.channels : divide_up(c.channels, panel) * panel;
  return channels * c.kernel_height * c.kernel_width * c.filters;
}

void pack_backward(const Conv& conv, const real* weights, real* packed) {
  if (conv.groups > 1) return grouped_pack(conv, weights, packed, backward_pack_size, pack_backward);
  const Conv c = simplified(conv);
  if (blas::takes(c)) return blas::pack(c, weights, packed);
  const std::size_t taps = c.kernel_height * c.kernel_width;
  if (narrow(c)) {  // [channel][tap][filter]
    for (std::size_t channel = 0; channel < c.channels; ++channel) {
      for (std::size_t tap = 0; tap < taps; ++tap) {
        std::copy_n(weights + (tap * c.channels + channel) * c.filters, c.filters,
                    packed + (channel * taps + tap) * c.filters);
      }
    }
    return;
  }
  // [panel of channels][tap][filter][16]
  const std::size_t panels = divide_up(c.channels, panel);
  const auto transpose = current()->transpose;
  const auto pack = [&](std::size_t unit) {
    const std::size_t first = unit / taps * panel;
    transpose(weights + (unit % taps * c.channels + first) * c.filters, c.filters,
              std::min<std::size_t>(panel, c.channels - first), c.filters, packed + unit * c.filters * panel);
  };
  const std::size_t units = panels * taps;
  const std::size_t parts = std::min(units, units_wanted(units * c.filters * panel));
  parallel_for(parts, [&](std::size_t part) {
    const Range range = part_of(units, parts, part);
    for (std::size_t unit = range.begin; unit < range.end; ++unit) pack(unit);
  });
}

int backward_pack_key(const Conv& conv) {
  if (conv.groups > 1) return static_cast<int>(16 * conv.groups) + backward_pack_key(one_group(conv));
  const Conv c = simplified(conv);
  const bool same = c.kernel_height == conv.kernel_height && c.kernel_width == conv.kernel_width;
  return (same ? 0 : 2) + (narrow(c) ? 1 : 0) + (blas::takes(c) ? 4 : 0);
}

void conv_input_gradient(const Conv& conv, const real* gradient, Weights weights, const real* gate, real* out) {
  if (conv.samples == 0 || conv.channels == 0) return;
  if (conv.groups > 1) {
    grouped_input_gradient(conv, gradient, arranged(conv, weights, pack_backward), out);
    if (gate != nullptr) apply_gate(gate, out, conv.samples * conv.height * conv.width * conv.channels);
    return;
  }
  const Conv c = simplified(conv);
  if (blas::takes(c)) return blas::input_gradient(c, gradient, weights, gate, out);
  if (is_product(c) && !narrow(c)) {
    return dense(Dense{c.samples, c.filters, c.channels, gradient, weights, true, nullptr, false, gate, out});
  }
  const real* const packed = arranged(conv, weights, pack_backward);
  if (narrow(c)) return narrow_input_gradient(c, gradient, packed, gate, out);
  std::vector<Band>& down = kept<Band, 0>();
  std::vector<Band>& across = kept<Band, 1>();
  backward_bands(down_of(c), down);
  backward_bands(across_of(c), across);
  Grid grid{};
  grid.samples = c.samples;
  grid.source = gradient;
  grid.source_height = c.out_height;
  grid.source_width = c.out_width;
  grid.depth = c.filters;
  grid.target = out;
  grid.target_height = c.height;
  grid.target_width = c.width;
  grid.columns = c.channels;
  grid.kernel_width = c.kernel_width;
  grid.steps_y = backward_steps(down_of(c));
  grid.steps_x = backward_steps(across_of(c));
  grid.packed = packed;
  grid.k_count = c.kernel_height * c.kernel_width * c.filters;
  grid.gate = gate;
  grid.down = &down;
  grid.across = &across;
  run(grid);
}

}  // namespace hans::kernels
