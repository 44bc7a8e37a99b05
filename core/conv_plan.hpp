// How convolutions are cut into products: private to the drivers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <hans/core/kernel_set.hpp>
#include <hans/core/kernels.hpp>
#include <vector>

namespace hans::kernels {

inline std::size_t divide_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

/// The same convolution as a linear layer where it is one, with every chain in the same order.
Conv simplified(const Conv& conv);

/// Too few channels for lanes across them: the input gradient has lanes across pixels.
inline bool narrow(const Conv& simple) { return simple.channels < 8; }

/// Whether it is one product of matrices.
inline bool is_product(const Conv& simple) {
  return simple.height * simple.width * simple.kernel_height * simple.kernel_width * simple.out_height *
             simple.out_width ==
         1;
}

/// A product with whole panels of packed weights in one segment; the caller says of what.
inline Product panel_product() {
  Product job{};
  job.segment_count = 1;
  job.repeats = 1;
  job.a_step = 1;
  job.b_stride = panel;
  job.padded = true;
  return job;
}

/// Along one dimension, outputs start, start + step, ... (`count` of them) that see the same taps: `taps` of
/// them, the first being `tap`. That tap of output `start` reads `source`.
struct Band {
  std::size_t start, step, count, tap, taps;
  std::ptrdiff_t source;
};

/// The bands of a forward pass, and of an input gradient, whose outputs are the `size` inputs.
void forward_bands(std::size_t outputs, std::size_t kernel, std::size_t stride, std::size_t pad, std::size_t size,
                   std::vector<Band>& bands);
void backward_bands(std::size_t outputs, std::size_t kernel, std::size_t stride, std::size_t pad, std::size_t size,
                    std::vector<Band>& bands);

/// A value per thread whose memory is kept from call to call.
template <class T, int which>
std::vector<T>& kept() {
  thread_local std::vector<T> memory;
  memory.clear();
  return memory;
}

/// How much work makes it worth calling other threads, in multiply-adds.
constexpr std::size_t worth_sharing = 20000;

/// So many values and no more stay in the cache of a processor between two uses.
constexpr std::size_t cache_values = std::size_t{1} << 18;

/// The number of units to aim at: enough for the threads to end together.
std::size_t units_wanted(std::size_t multiply_adds);

/// The input gradient of few channels (conv_narrow.cpp).
void narrow_input_gradient(const Conv& simple, const real* gradient, const real* packed, const real* gate, real* out);

/// Part `index` of `parts` nearly equal parts of 0 .. size - 1.
struct Range {
  std::size_t begin, end;
};
inline Range part_of(std::size_t size, std::size_t parts, std::size_t index) {
  return Range{size * index / parts, size * (index + 1) / parts};
}

}  // namespace hans::kernels
