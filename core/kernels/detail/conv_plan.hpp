// How convolutions are split into products; private to the convolution kernels.
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

/// An equivalent linear layer if a convolution of one group is one, else `conv` itself. Chains keep their order.
Conv simplified(const Conv& conv);

/// Whether there are too few channels for lanes across them; the input gradient then has lanes across pixels.
inline bool narrow(const Conv& simple) { return simple.channels < 8; }

/// Whether each channel has exactly one filter of its own.
inline bool depthwise(const Conv& conv) { return conv.groups == conv.channels && conv.groups == conv.filters; }

/// The convolution that each group computes.
inline Conv one_group(const Conv& conv) {
  Conv one = conv;
  one.channels /= conv.groups;
  one.filters /= conv.groups;
  one.groups = 1;
  return one;
}

/// Whether the convolution is a single matrix product.
inline bool is_product(const Conv& simple) {
  return simple.height * simple.width * simple.kernel_height * simple.kernel_width * simple.out_height *
             simple.out_width ==
         1;
}

/// A product over one segment with whole panels of packed weights; the caller sets the operands.
inline Product panel_product() {
  Product job{};
  job.segment_count = 1;
  job.repeats = 1;
  job.a_step = 1;
  job.b_stride = panel;
  job.padded = true;
  return job;
}

/// Outputs along one dimension that see the same taps: the outputs start, start + step, ... (`count` of them) see the
/// `taps` taps from `tap` on. For output `start`, tap `tap` reads source pixel `source`.
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

/// How many pixels the kernel spans.
inline std::size_t span_of(const Side& side) { return (side.kernel - 1) * side.dilation + 1; }

/// The outputs for which a tap lies inside the image.
Range outputs_of(std::size_t tap, const Side& side);

/// The bands of a forward pass, and of an input gradient. The outputs of the latter are the `size` inputs.
void forward_bands(const Side& side, std::vector<Band>& bands);
void backward_bands(const Side& side, std::vector<Band>& bands);

/// Strides inside a band: from one tap to the next, in taps and in source pixels; and from one output to the next, in
/// source pixels.
struct Steps {
  std::size_t tap;
  std::ptrdiff_t source_tap, source_output;
};
Steps forward_steps(const Side& side);
Steps backward_steps(const Side& side);

/// The taps of one output along one dimension, named as in Band.
struct Line {
  std::size_t tap, taps;
  std::ptrdiff_t source;
};
void lines_of(const std::vector<Band>& bands, const Steps& steps, std::size_t outputs, std::vector<Line>& lines);

/// A thread-local vector, empty at first, that keeps its memory from call to call.
template <class T, int which>
std::vector<T>& kept() {
  thread_local std::vector<T> memory;
  memory.clear();
  return memory;
}

/// Thread-local scratch for `size` numbers; contents are undefined.
template <int which>
real* kept_room(std::size_t size) {
  thread_local std::vector<real> memory;
  if (memory.size() < size) memory.resize(size);
  return memory.data();
}

/// The least work, in multiply-adds, for which other threads are used.
constexpr std::size_t worth_sharing = 20000;

/// How many values we assume survive in cache between two uses.
constexpr std::size_t cache_values = std::size_t{1} << 18;

/// The number of units to split work into, so that threads finish at about the same time.
std::size_t units_wanted(std::size_t multiply_adds);

/// The input gradient of convolutions with few channels (conv_narrow.cpp).
void narrow_input_gradient(const Conv& simple, const real* gradient, const real* packed, const real* gate, real* out);

/// Packed weights of all groups, one after another; `pack` packs each into `size` values (grouped.cpp). Depthwise
/// convolutions use unpacked weights.
std::size_t grouped_pack_size(const Conv& conv, std::size_t (*size)(const Conv&));
void grouped_pack(const Conv& conv, const real* weights, real* packed, std::size_t (*size)(const Conv&),
                  void (*pack)(const Conv&, const real*, real*));

/// Convolutions with several groups, computed group by group (grouped.cpp).
void grouped_forward(const Conv& conv, const real* images, const real* packed, const real* bias, Activation activation,
                     real* out);
void grouped_input_gradient(const Conv& conv, const real* gradient, const real* packed, real* out);
void grouped_weight_gradient(const Conv& conv, const real* images, const real* gradient, real* weight_gradient,
                             real* bias_gradient);

/// Depthwise convolutions, all channels at once (depthwise.cpp).
void depthwise_forward(const Conv& conv, const real* images, const real* weights, const real* bias,
                       Activation activation, real* out);
void depthwise_input_gradient(const Conv& conv, const real* gradient, const real* weights, real* out);
void depthwise_weight_gradient(const Conv& conv, const real* images, const real* gradient, real* weight_gradient,
                               real* bias_gradient);

/// The bias gradient of the filters in `columns`.
void bias_columns(const Conv& conv, const real* gradient, real* out, Range columns);

}  // namespace hans::kernels
