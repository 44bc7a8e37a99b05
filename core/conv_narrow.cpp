// The input gradient of a convolution of few channels: lanes across 16 samples instead of channels.
//
// The outputs' gradient is transposed to [16 samples][pixel][filter][sample]; the weights are the broadcast
// operand. Inputs that read the same outputs (neighbours within a stride, and all channels) are the rows of a
// product.
#include <algorithm>
#include <hans/core/conv_plan.hpp>
#include <hans/core/kernels.hpp>
#include <hans/core/parallel.hpp>

namespace hans::kernels {
namespace {

constexpr std::size_t table_rows = 32;
constexpr std::size_t table_segments = 64;
constexpr std::size_t groups_together = 4;  // 16 samples each

/// Along one dimension: inputs that read the same outputs, namely `count` of them, the first tap of input i being
/// taps[i] and all reading `source`, source - 1, ...
struct Window {
  std::ptrdiff_t source;
  std::size_t taps, count;
  std::size_t inputs[table_rows], first_tap[table_rows];
};

void make_windows(const std::vector<Band>& bands, std::vector<Window>& windows) {
  for (const Band& band : bands) {
    for (std::size_t i = 0; i < band.count; ++i) {
      const std::ptrdiff_t source = band.taps == 0 ? 0 : band.source + static_cast<std::ptrdiff_t>(i);
      const auto fits = [&](const Window& w) { return w.source == source && w.taps == band.taps && w.count < 4; };
      auto found = std::find_if(windows.begin(), windows.end(), fits);
      if (found == windows.end()) found = windows.insert(found, Window{source, band.taps, 0, {}, {}});
      found->inputs[found->count] = band.start + i * band.step;
      found->first_tap[found->count++] = band.tap;
    }
  }
}

class NarrowGradient {
 public:
  NarrowGradient(const Conv& conv, const real* packed, const real* transposed, real* out)
      : c_(conv),
        packed_(packed),
        transposed_(transposed),
        out_(out),
        group_size_(conv.out_height * conv.out_width * conv.filters * panel) {}

  /// The inputs of a pair of windows, for some groups of 16 samples.
  void run(const Window& y, const Window& x, Range groups) const {
    // Rows in tables of 32: 16 pixels at most times up to 7 channels.
    Table table;
    std::size_t count = 0;
    for (std::size_t iy = 0; iy < y.count; ++iy) {
      for (std::size_t ix = 0; ix < x.count; ++ix) {
        for (std::size_t channel = 0; channel < c_.channels; ++channel) {
          const std::size_t taps = c_.kernel_height * c_.kernel_width;
          table.rows[count] =
              packed_ + (channel * taps + y.first_tap[iy] * c_.kernel_width + x.first_tap[ix]) * c_.filters;
          table.target[count] = (y.inputs[iy] * c_.width + x.inputs[ix]) * c_.channels + channel;
          if (++count == table_rows) {
            multiply(y, x, groups, table, count);
            count = 0;
          }
        }
      }
    }
    if (count > 0) multiply(y, x, groups, table, count);
  }

 private:
  struct Table {
    const real* rows[table_rows];
    std::size_t target[table_rows];
  };

  void multiply(const Window& y, const Window& x, Range groups, const Table& table, std::size_t count) const {
    real sums[table_rows][groups_together * panel];
    real* outs[table_rows];
    for (std::size_t r = 0; r < count; ++r) outs[r] = sums[r];
    Segment segments[table_segments];
    Product job{};
    job.rows = table.rows;
    job.outs = outs;
    job.row_count = count;
    job.segments = segments;
    job.repeats = 1;
    job.a_step = 1;
    job.b = transposed_ + groups.begin * group_size_;
    job.b_stride = panel;
    job.panel_stride = group_size_;
    job.columns = (groups.end - groups.begin) * panel;
    job.padded = true;
    for (std::size_t ty = 0; ty < y.taps; ++ty) {
      for (std::size_t tx = 0; tx < x.taps; ++tx) {
        if (job.segment_count == table_segments) {
          current()->product(job);
          job.continues = true;
          job.segment_count = 0;
        }
        const std::size_t tap = ty * c_.stride_height * c_.kernel_width + tx * c_.stride_width;
        const std::size_t pixel =
            (static_cast<std::size_t>(y.source) - ty) * c_.out_width + static_cast<std::size_t>(x.source) - tx;
        segments[job.segment_count++] =
            Segment{static_cast<std::ptrdiff_t>(tap * c_.filters), pixel * c_.filters, c_.filters, ~0u};
      }
    }
    current()->product(job);
    const std::size_t image = c_.height * c_.width * c_.channels;
    const std::size_t first = groups.begin * panel;
    const std::size_t lanes = std::min(groups.end * panel, c_.samples) - first;
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      real* const to = out_ + (first + lane) * image;
      for (std::size_t r = 0; r < count; ++r) to[table.target[r]] = sums[r][lane];
    }
  }

  const Conv& c_;
  const real* packed_;
  const real* transposed_;
  real* out_;
  std::size_t group_size_;
};

}  // namespace

std::size_t narrow_scratch(const Conv& c) {
  return divide_up(c.samples, panel) * panel * c.out_height * c.out_width * c.filters;
}

void narrow_input_gradient(const Conv& c, const real* gradient, const real* packed, real* scratch, real* out) {
  if (c.samples == 0 || c.height * c.width * c.channels == 0) return;
  const std::size_t groups = divide_up(c.samples, panel);
  const std::size_t out_size = c.out_height * c.out_width * c.filters;
  const std::size_t row_size = c.out_width * c.filters;
  const auto transpose = [&](std::size_t unit) {
    const std::size_t group = unit / c.out_height, row = unit % c.out_height;
    const std::size_t first = group * panel;
    current()->transpose(gradient + first * out_size + row * row_size, out_size,
                         std::min<std::size_t>(panel, c.samples - first), row_size,
                         scratch + (group * out_size + row * row_size) * panel);
  };
  const std::size_t transposes = groups * c.out_height;
  const std::size_t parts = std::min(transposes, units_wanted(transposes * row_size * panel));
  parallel_for(parts, [&](std::size_t part) {
    const Range range = part_of(transposes, parts, part);
    for (std::size_t unit = range.begin; unit < range.end; ++unit) transpose(unit);
  });

  std::vector<Band>& bands = kept<Band, 0>();
  std::vector<Window>& down = kept<Window, 0>();
  std::vector<Window>& across = kept<Window, 1>();
  backward_bands(c.out_height, c.kernel_height, c.stride_height, c.pad_top, c.height, bands);
  make_windows(bands, down);
  bands.clear();
  backward_bands(c.out_width, c.kernel_width, c.stride_width, c.pad_left, c.width, bands);
  make_windows(bands, across);
  // Neighbouring windows read mostly the same outputs: in order, the next finds them in the cache.
  const auto earlier = [](const Window& a, const Window& b) {
    return a.source != b.source ? a.source < b.source : a.inputs[0] < b.inputs[0];
  };
  std::sort(down.begin(), down.end(), earlier);
  std::sort(across.begin(), across.end(), earlier);

  const NarrowGradient narrow(c, packed, scratch, out);
  const std::size_t batches = divide_up(groups, groups_together);
  const std::size_t work = groups * panel * c.height * c.width * c.channels * c.filters;  // per tap, at least
  const std::size_t window_parts = std::min(down.size(), divide_up(units_wanted(work), batches));
  parallel_for(batches * window_parts, [&](std::size_t unit) {
    const std::size_t first = unit / window_parts * groups_together;
    const Range range = part_of(down.size(), window_parts, unit % window_parts);
    for (std::size_t y = range.begin; y < range.end; ++y) {
      for (const Window& x : across) narrow.run(down[y], x, Range{first, std::min(first + groups_together, groups)});
    }
  });
}

}  // namespace hans::kernels
