// How convolutions are split into products.
#include "detail/conv_plan.hpp"
#include <hans/core/parallel.hpp>
#include <numeric>

namespace hans::kernels {

Conv simplified(const Conv& conv) {
  Conv c = conv;
  const bool unpadded = c.pad_top == 0 && c.pad_left == 0;
  if (unpadded && c.kernel_height == 1 && c.kernel_width == 1 && c.stride_height == 1 && c.stride_width == 1 &&
      c.out_height == c.height && c.out_width == c.width) {
    c.samples *= c.height * c.width;
    c.height = c.width = c.out_height = c.out_width = 1;
  }
  const bool dense = (c.dilation_height == 1 || c.kernel_height == 1) && (c.dilation_width == 1 || c.kernel_width == 1);
  if (unpadded && dense && c.out_height == 1 && c.out_width == 1 && c.kernel_height == c.height &&
      c.kernel_width == c.width) {
    c.channels *= c.height * c.width;
    c.height = c.width = c.kernel_height = c.kernel_width = 1;
    c.stride_height = c.stride_width = 1;
  }
  return c;
}

Range outputs_of(std::size_t tap, const Side& s) {
  const std::size_t at = tap * s.dilation;
  const std::size_t begin = at < s.pad ? divide_up(s.pad - at, s.stride) : 0;
  const std::size_t end = s.size + s.pad > at ? divide_up(s.size + s.pad - at, s.stride) : 0;
  return Range{std::min(begin, s.outputs), std::min(end, s.outputs)};
}

void forward_bands(const Side& s, std::vector<Band>& bands) {
  for (std::size_t y = 0; y < s.outputs; ++y) {
    const std::size_t at = y * s.stride;  // of tap 0, in the padded image
    const std::size_t tap = at < s.pad ? std::min(divide_up(s.pad - at, s.dilation), s.kernel) : 0;
    const std::size_t end = at < s.size + s.pad ? std::min(s.kernel, divide_up(s.size + s.pad - at, s.dilation)) : 0;
    const std::size_t taps = end > tap ? end - tap : 0;
    if (!bands.empty() && bands.back().tap == tap && bands.back().taps == taps) {
      ++bands.back().count;
    } else {
      bands.push_back(Band{y, 1, 1, tap, taps,
                           static_cast<std::ptrdiff_t>(at + tap * s.dilation) - static_cast<std::ptrdiff_t>(s.pad)});
    }
  }
}

void backward_bands(const Side& s, std::vector<Band>& bands) {
  const std::size_t tap_step = backward_steps(s).tap;
  for (std::size_t first = 0; first < std::min(s.stride, s.size); ++first) {
    // Tap t comes from output (i + pad - t * dilation) / stride, if that is an existing integer.
    std::size_t lowest = 0;
    for (std::size_t at = (first + s.pad) % s.stride, reached = 0; reached != at && lowest < s.kernel; ++lowest) {
      reached = (reached + s.dilation) % s.stride;
    }
    bool fresh = true;
    for (std::size_t i = first; i < s.size; i += s.stride) {
      const std::size_t at = i + s.pad;
      const std::size_t end = (s.outputs - 1) * s.stride;
      const std::size_t needed = at > end ? divide_up(at - end, s.dilation) : 0;
      std::size_t tap = needed > lowest ? lowest + divide_up(needed - lowest, tap_step) * tap_step : lowest;
      const std::size_t last = std::min(at / s.dilation, s.kernel - 1);
      const std::size_t taps = tap <= last ? (last - tap) / tap_step + 1 : 0;
      if (taps == 0) tap = 0;
      if (!fresh && bands.back().tap == tap && bands.back().taps == taps) {
        ++bands.back().count;
      } else {
        const std::size_t source = taps == 0 ? 0 : (at - tap * s.dilation) / s.stride;
        bands.push_back(Band{i, s.stride, 1, tap, taps, static_cast<std::ptrdiff_t>(source)});
      }
      fresh = false;
    }
  }
}

Steps forward_steps(const Side& s) {
  return {1, static_cast<std::ptrdiff_t>(s.dilation), static_cast<std::ptrdiff_t>(s.stride)};
}

Steps backward_steps(const Side& s) {
  const std::size_t common = std::gcd(s.stride, s.dilation);
  return {s.stride / common, -static_cast<std::ptrdiff_t>(s.dilation / common), 1};
}

void lines_of(const std::vector<Band>& bands, const Steps& steps, std::size_t outputs, std::vector<Line>& lines) {
  lines.resize(outputs);
  for (const Band& band : bands) {
    for (std::size_t i = 0; i < band.count; ++i) {
      lines[band.start + i * band.step] =
          Line{band.tap, band.taps, band.source + static_cast<std::ptrdiff_t>(i) * steps.source_output};
    }
  }
}

std::size_t units_wanted(std::size_t multiply_adds) {
  if (multiply_adds < worth_sharing || in_parallel_for()) return 1;
  return thread_count() * (multiply_adds < 1000 * worth_sharing ? 2 : 8);
}

}  // namespace hans::kernels
