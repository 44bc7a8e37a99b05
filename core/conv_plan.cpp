// How convolutions are cut into products.
#include <hans/core/conv_plan.hpp>
#include <hans/core/parallel.hpp>

namespace hans::kernels {

Conv simplified(const Conv& conv) {
  Conv c = conv;
  const bool unpadded = c.pad_top == 0 && c.pad_left == 0;
  if (unpadded && c.kernel_height == 1 && c.kernel_width == 1 && c.stride_height == 1 && c.stride_width == 1 &&
      c.out_height == c.height && c.out_width == c.width) {
    c.samples *= c.height * c.width;
    c.height = c.width = c.out_height = c.out_width = 1;
  }
  if (unpadded && c.out_height == 1 && c.out_width == 1 && c.kernel_height == c.height && c.kernel_width == c.width) {
    c.channels *= c.height * c.width;
    c.height = c.width = c.kernel_height = c.kernel_width = 1;
    c.stride_height = c.stride_width = 1;
  }
  return c;
}

void forward_bands(std::size_t outputs, std::size_t kernel, std::size_t stride, std::size_t pad, std::size_t size,
                   std::vector<Band>& bands) {
  for (std::size_t y = 0; y < outputs; ++y) {
    const std::size_t at = y * stride;  // of tap 0, `pad` too high
    const std::size_t tap = at < pad ? std::min(pad - at, kernel) : 0;
    const std::size_t end = at < size + pad ? std::min(kernel, size + pad - at) : 0;
    const std::size_t taps = end > tap ? end - tap : 0;
    if (!bands.empty() && bands.back().tap == tap && bands.back().taps == taps) {
      ++bands.back().count;
    } else {
      bands.push_back(
          Band{y, 1, 1, tap, taps, static_cast<std::ptrdiff_t>(at + tap) - static_cast<std::ptrdiff_t>(pad)});
    }
  }
}

void backward_bands(std::size_t outputs, std::size_t kernel, std::size_t stride, std::size_t pad, std::size_t size,
                    std::vector<Band>& bands) {
  for (std::size_t first = 0; first < std::min(stride, size); ++first) {
    bool fresh = true;
    for (std::size_t i = first; i < size; i += stride) {
      // Tap t comes from output (i + pad - t) / stride, if that is whole and exists.
      const std::size_t at = i + pad;
      std::size_t tap = at % stride;
      if (at / stride >= outputs) tap += (at / stride - (outputs - 1)) * stride;
      const std::size_t last = std::min(at, kernel - 1);
      const std::size_t taps = tap <= last ? (last - tap) / stride + 1 : 0;
      if (taps == 0) tap = 0;
      if (!fresh && bands.back().tap == tap && bands.back().taps == taps) {
        ++bands.back().count;
      } else {
        bands.push_back(Band{i, stride, 1, tap, taps, static_cast<std::ptrdiff_t>((at - tap) / stride)});
      }
      fresh = false;
    }
  }
}

std::size_t units_wanted(std::size_t multiply_adds) {
  if (multiply_adds < worth_sharing || in_parallel_for()) return 1;
  return thread_count() * (multiply_adds < 1000 * worth_sharing ? 2 : 8);
}

}  // namespace hans::kernels
