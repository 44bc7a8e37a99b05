// How convolutions are cut into products: private to the drivers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <hans/core/kernels.hpp>
#include <vector>
#include "kernel_set.hpp"

namespace hans::kernels {

inline std::ptrdiff_t signed_of(std::size_t value) { return static_cast<std::ptrdiff_t>(value); }
inline std::size_t divide_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

/// Part `index` of `parts` nearly equal parts of 0 .. size - 1.
struct Range {
  std::size_t begin, end;
};
inline Range part_of(std::size_t size, std::size_t parts, std::size_t index) {
  return Range{size * index / parts, size * (index + 1) / parts};
}

/// The same convolution of one group as a linear layer where it is one, with every chain in the same order.
Conv simplified(const Conv& conv);

/// Too few channels for lanes across them: the input gradient has lanes across pixels.
inline bool narrow(const Conv& simple) { return simple.channels < 8; }

/// Whether every channel has a filter and every filter a channel of its own.
inline bool depthwise(const Conv& conv) { return conv.groups == conv.channels && conv.groups == conv.filters; }

/// The convolution of each group.
inline Conv one_group(const Conv& conv) {
  Conv one = conv;
  one.channels /= conv.groups;
  one.filters /= conv.groups;
  one.groups = 1;
  return one;
}

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

/// One dimension of a convolution.
struct Side {
  std::size_t outputs, kernel, stride, dilation, pad, size;
};
inline Side down_of(const Conv& c) {
  return {c.out_height, c.kernel_height, c.stride_height, c.dilation_height, c.pad_top, c.height};
}
inline Side across_of(const Conv& c) {
  return {c.out_width, c.kernel_width, c.stride_width, c.dilation_width, c.pad_left, c.width};
}

/// How many pixels a window spans.
inline std::size_t span_of(const Side& side) { return (side.kernel - 1) * side.dilation + 1; }

/// Which outputs a tap reaches without leaving the image.
Range outputs_of(std::size_t tap, const Side& side);

/// The bands of a forward pass, and of an input gradient, whose outputs are the `size` inputs.
void forward_bands(const Side& side, std::vector<Band>& bands);
void backward_bands(const Side& side, std::vector<Band>& bands);

/// By how many taps and by how many source pixels a band's next tap lies further on; and its next output, by how many
/// source pixels.
struct Steps {
  std::size_t tap;
  std::ptrdiff_t source_tap, source_output;
};
Steps forward_steps(const Side& side);
Steps backward_steps(const Side& side);

/// The taps of every output along one dimension, as in Band.
struct Line {
  std::size_t tap, taps;
  std::ptrdiff_t source;
};
void lines_of(const std::vector<Band>& bands, const Steps& steps, std::size_t outputs, std::vector<Line>& lines);

/// A value per thread whose memory is kept from call to call.
template <class T, int which>
std::vector<T>& kept() {
  thread_local std::vector<T> memory;
  memory.clear();
  return memory;
}

/// Room for so many numbers, which are what somebody left there, kept from call to call.
template <int which>
real* kept_room(std::size_t size) {
  thread_local std::vector<real> memory;
  if (memory.size() < size) memory.resize(size);
  return memory.data();
}

/// How much work makes it worth calling other threads, in multiply-adds.
constexpr std::size_t worth_sharing = 20000;

/// So many values and no more stay in the cache of a processor between two uses.
constexpr std::size_t cache_values = std::size_t{1} << 18;

/// The number of units to aim at: enough for the threads to end together.
std::size_t units_wanted(std::size_t multiply_adds);

/// The input gradient of few channels (conv_narrow.cpp).
void narrow_input_gradient(const Conv& simple, const real* gradient, const real* packed, const real* gate, real* out);

/// The weights of one group behind the other, each arranged as `pack` does it in `size` values (grouped.cpp); of
/// depthwise convolutions as they are.
std::size_t grouped_pack_size(const Conv& conv, std::size_t (*size)(const Conv&));
void grouped_pack(const Conv& conv, const real* weights, real* packed, std::size_t (*size)(const Conv&),
                  void (*pack)(const Conv&, const real*, real*));

/// Convolutions of more than one group: each group by itself (grouped.cpp).
void grouped_forward(const Conv& conv, const real* images, const real* packed, const real* bias, Activation activation,
                     real* out);
void grouped_input_gradient(const Conv& conv, const real* gradient, const real* packed, real* out);
void grouped_weight_gradient(const Conv& conv, const real* images, const real* gradient, real* weight_gradient,
                             real* bias_gradient);

/// Those of them with depthwise(conv), all channels at once (depthwise.cpp).
void depthwise_forward(const Conv& conv, const real* images, const real* weights, const real* bias,
                       Activation activation, real* out);
void depthwise_input_gradient(const Conv& conv, const real* gradient, const real* weights, real* out);
void depthwise_weight_gradient(const Conv& conv, const real* images, const real* gradient, real* weight_gradient,
                               real* bias_gradient);

/// The gradient of the biases `columns`.
void bias_columns(const Conv& conv, const real* gradient, real* out, Range columns);

}  // namespace hans::kernels
