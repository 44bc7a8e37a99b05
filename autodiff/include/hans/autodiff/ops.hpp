// The operations that can be differentiated. Each is one function; its backward closure stands right under its
// forward computation in the source. Batches run along the first axis, images are samples x height x width x channels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <hans/autodiff/tape.hpp>
#include <hans/core/kernels.hpp>
#include <hans/core/rng.hpp>

namespace hans {

using kernels::Activation;
using kernels::Behind;

// --- elementwise (elementwise.cpp) -----------------------------------------------------------------

/// Arithmetic with broadcasting: trailing axes are aligned, an extent of 1 stretches.
Var operator+(const Var& a, const Var& b);
Var operator-(const Var& a, const Var& b);
Var operator*(const Var& a, const Var& b);
Var operator/(const Var& a, const Var& b);
Var operator-(const Var& a);
Var operator+(const Var& a, real b);
Var operator*(const Var& a, real b);

/// x < 0 ? +0 : x, so NaN and -0 stay; the gradient passes where x > 0.
Var relu(const Var& x);
Var sigmoid(const Var& x);
Var tanh(const Var& x);
Var exp(const Var& x);
Var log(const Var& x);

/// What decides which features a dropout layer drops: random numbers keyed by sample, not by place in the batch.
struct DropoutKeys {
  Rng rng{0};
  std::uint32_t step = 0;
  std::span<const std::uint32_t> samples;  ///< position in the data set of each row of the batch
};

/// Sets each feature to 0 with probability `rate` in [0, 1) and multiplies the others by 1 / (1 - rate)
/// (Srivastava 2014, scaled in training). Feature i of a sample uses word i of stream `purpose`.
Var dropout(const Var& x, real rate, const DropoutKeys& keys, std::string_view purpose);

// --- shape and sums (shape_ops.cpp) ----------------------------------------------------------------

Var reshape(const Var& x, const Shape& shape);  ///< the same numbers under another shape
Var flatten(const Var& x);                      ///< samples x everything else
Var sum(const Var& x);                          ///< of all elements, to a single number
Var sum_rows(const Var& x);                     ///< of each sample's elements: samples x ... to samples

// --- product sums (conv.cpp) -----------------------------------------------------------------------

/// activation(x * weights + bias): x samples x features, weights features x units, bias units or absent. More than an
/// activation may be behind it only where nothing is tracked.
Var linear(const Var& x, const Var& weights, const Var& bias = {}, const Behind& behind = {});

/// How far a window moves, what surrounds the image, how far apart the taps of the kernel are, and in how many groups
/// the channels are.
struct Window {
  std::size_t stride_height = 1, stride_width = 1;
  std::size_t pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;
  std::size_t dilation_height = 1, dilation_width = 1;
  std::size_t groups = 1;
};

/// Padding that makes the output ceil(extent / stride) wide, the odd element at the end (TensorFlow's SAME). With a
/// dilation the kernel is as large as its taps span: (kernel - 1) * dilation + 1.
Window same_window(const Shape& image, std::size_t kernel_height, std::size_t kernel_width, std::size_t stride_height,
                   std::size_t stride_width);

/// activation(x convolved with weights + bias): x samples x height x width x channels, weights kernel height x kernel
/// width x channels / groups x filters, bias filters or absent. Out extent = floor((extent + padding - span) / stride)
/// + 1, where the kernel's span is (kernel - 1) * dilation + 1. The groups divide channels and filters; filter f sees
/// the channels of group f / (filters / groups) only. Cost: about one multiply-add for each tap, channel it sees, and
/// output; few channels to a group (but one for each filter of as many) leave most of the lanes idle.
Var conv2d(const Var& x, const Var& weights, const Var& bias = {}, const Window& window = {},
           const Behind& behind = {});

/// The transpose of conv2d: what conv2d(y, weights, {}, window) gives as the gradient of y, of samples x out_height x
/// out_width x channels, for the gradient x of its outputs. So x is samples x height x width x filters and the weights
/// are conv2d's, kernel height x kernel width x channels / groups x filters: the last axis is what comes in, groups
/// times the third what comes out. The extents must be such that conv2d would turn y's into x's. bias: channels or
/// absent, added as by y + bias. Every output is one chain in rising (kernel row, kernel column, filter).
Var conv_transpose2d(const Var& x, const Var& weights, const Var& bias, const Window& window, std::size_t out_height,
                     std::size_t out_width);

// --- pooling (pool.cpp) ----------------------------------------------------------------------------

struct PoolWindow;

/// max_pool2d(conv2d(x, weights, bias, window, behind), pool), without ever holding all that is between. Where nothing
/// is tracked.
Var conv2d_pooled(const Var& x, const Var& weights, const Var& bias, const Window& window, const Behind& behind,
                  const PoolWindow& pool);

/// The windows of a pooling layer. Out extent = floor((extent + padding + beyond - kernel) / stride) + 1. `beyond` is
/// what windows may hang over behind the padding, as with ONNX's ceil_mode: it never counts. A window without any
/// element of the image is an Error.
struct PoolWindow {
  std::size_t kernel_height, kernel_width;
  std::size_t stride_height = 1, stride_width = 1;
  std::size_t pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;
  std::size_t beyond_bottom = 0, beyond_right = 0;
};

/// The largest value of each window, of those that lie in the image; the first of equals gets the gradient.
Var max_pool2d(const Var& x, const PoolWindow& window);

/// The same for windows of kernel x kernel, `stride` apart, without padding.
Var max_pool2d(const Var& x, std::size_t kernel, std::size_t stride);

/// The sum of each window, in rising (row, column), divided by the number of its elements: those in the image and, if
/// `count_padding`, as zeros those in the padding.
Var average_pool2d(const Var& x, const PoolWindow& window, bool count_padding);

// --- softmax and losses (softmax.cpp) --------------------------------------------------------------

/// Over the last axis of x, which has one at least.
Var softmax(const Var& x);
Var log_softmax(const Var& x);

/// Per sample: sum of t_j * (log sum exp - x_j), for logits and target probabilities, both samples x classes. The
/// targets are constants. Throws Error if a loss comes out as NaN.
Var cross_entropy(const Var& logits, const Tensor& targets);

/// The same with targets 1 - smoothing at the label and smoothing / (classes - 1) elsewhere.
Var cross_entropy(const Var& logits, std::span<const int> labels, real smoothing = 0);

/// Those targets. Throws Error if a label is not a class or smoothing is not in [0, 1).
Tensor smoothed_targets(std::span<const int> labels, std::size_t classes, real smoothing = 0);

}  // namespace hans
