// Linear layers and other convolutions that are one matrix product: forward pass and input gradient.
//
// The inner dimension is processed in blocks of some hundred steps, so that a thread's part of both operands stays in
// cache; chains continue from block to block. Weights that are used by this product only are packed block by block,
// right before use.
#include "detail/dense.hpp"
#include <algorithm>
#include <hans/core/parallel.hpp>
#include "detail/conv_plan.hpp"

namespace hans::kernels {
namespace {

constexpr std::size_t block_depth = 2048;
constexpr std::size_t arranged_depth = 512;
constexpr std::size_t arranged_panels = 8;  // panels packed at a time; they fit in cache
constexpr std::size_t dense_rows = 256;

struct Operand {
  const real* values;
  std::size_t stride;  ///< from row to row
};

/// Packs panels `panels` and steps `steps` of the weights into `to`, as [panel][step][16].
void arrange(const Dense& d, Range panels, Range steps, real* to) {
  const std::size_t count = steps.end - steps.begin;
  for (std::size_t p = panels.begin; p < panels.end; ++p, to += count * panel) {
    const std::size_t lanes = std::min(panel, d.columns - p * panel);
    if (d.transposed) {
      current()->transpose(d.weights.plain + p * panel * d.depth + steps.begin, d.depth, lanes, count, to);
    } else {
      current()->gather(d.weights.plain + steps.begin * d.columns + p * panel, d.columns, lanes, count, to);
    }
  }
}

void run_dense_unit(const Dense& d, const Operand& in, bool packed, Range rows, Range panels) {
  const real* starts[dense_rows];
  real* outs[dense_rows];
  const std::size_t first_column = panels.begin * panel;
  Segment steps{0, 0, 0, ~0u};
  Product job = panel_product();
  job.rows = starts;
  job.outs = outs;
  job.segments = &steps;
  job.columns = std::min(d.columns, panels.end * panel) - first_column;
  job.base = d.out;
  const std::size_t most = packed ? block_depth : arranged_depth;
  for (std::size_t begin = 0; begin < d.depth || begin == 0; begin += most) {
    const std::size_t end = std::min(begin + most, d.depth);
    steps.length = end - begin;
    if (packed) {
      job.panel_stride = d.depth * panel;
      job.b = d.weights.packed + panels.begin * job.panel_stride + begin * panel;
    } else {
      real* const room = d.weights.room + panels.begin * d.depth * panel;
      arrange(d, panels, Range{begin, end}, room);
      job.panel_stride = steps.length * panel;
      job.b = room;
    }
    job.continues = begin > 0;
    if (end == d.depth) {
      job.bias = d.bias == nullptr ? nullptr : d.bias + first_column;
      job.relu = d.relu;
      job.gate = d.gate;
    }
    for (std::size_t first = rows.begin; first < rows.end; first += dense_rows) {
      job.row_count = std::min(dense_rows, rows.end - first);
      for (std::size_t r = 0; r < job.row_count; ++r) {
        starts[r] = in.values + (first + r) * in.stride + begin;
        outs[r] = d.out + (first + r) * d.columns + first_column;
      }
      current()->product(job);
    }
  }
}

/// The input, copied with longer rows if necessary. Rows that are a multiple of 4 KiB apart compete for the same L1
/// cache lines; a copy pays off once enough outputs are computed from it (1024x1024x1024: a quarter faster).
Operand apart(const Dense& d, std::size_t panels) {
  const Operand as_is{d.in, d.depth};
  if (d.depth % (4096 / sizeof(real)) != 0 || d.rows < 8 || panels < 8) return as_is;
  const std::size_t stride = d.depth + 64 / sizeof(real);
  real* const to = kept_room<1>(d.rows * stride);
  const std::size_t parts = std::min(d.rows, units_wanted(d.rows * d.depth));
  parallel_for(parts, [&](std::size_t part) {
    const Range range = part_of(d.rows, parts, part);
    for (std::size_t r = range.begin; r < range.end; ++r) std::copy_n(d.in + r * d.depth, d.depth, to + r * stride);
  });
  return {to, stride};
}

}  // namespace

void dense(Dense d) {
  if (d.rows == 0 || d.columns == 0) return;
  const std::size_t panels = divide_up(d.columns, panel);
  const std::size_t pairs = divide_up(panels, 2);
  const std::size_t wanted = units_wanted(d.rows * d.depth * panels * panel);
  bool packed = d.weights.packed != nullptr;
  // Units of all rows read the weights once and the rows often; units of some rows do the opposite.
  std::size_t panel_parts = 1, row_parts = 1;
  std::size_t least = ~std::size_t{0};
  for (std::size_t parts = 1;; parts = std::min(2 * parts, pairs)) {
    // Weights used by one unit only are packed on the way; otherwise packing writes and reads them once more.
    const bool alone = !packed && parts >= thread_count() && parts >= divide_up(panels, arranged_panels);
    const std::size_t of_rows = alone ? 1 : std::min(d.rows, divide_up(wanted, parts));
    const std::size_t of_weights = of_rows + (packed || of_rows == 1 ? 0 : 2);
    const std::size_t traffic = (of_weights * panels * panel + parts * d.rows) * d.depth;
    if (traffic < least) {
      least = traffic;
      panel_parts = parts;
      row_parts = of_rows;
    }
    if (parts >= pairs || parts >= wanted) break;
  }
  if (!packed && row_parts > 1) {  // several units share the weights
    const std::size_t parts = std::min(panels, units_wanted(d.depth * panels * panel));
    parallel_for(parts, [&](std::size_t part) {
      const Range range = part_of(panels, parts, part);
      arrange(d, range, Range{0, d.depth}, d.weights.room + range.begin * d.depth * panel);
    });
    d.weights.packed = d.weights.room;
    packed = true;
  }
  const Operand in = apart(d, panels);
  parallel_for(row_parts * panel_parts, [&](std::size_t unit) {
    const Range range = part_of(pairs, panel_parts, unit % panel_parts);
    run_dense_unit(d, in, packed, part_of(d.rows, row_parts, unit / panel_parts),
                   Range{2 * range.begin, std::min(2 * range.end, panels)});
  });
}

}  // namespace hans::kernels
