// The differentiable operations. In the sources, each backward closure stands right under its forward computation.
// Batches run along the first axis; images are samples x height x width x channels.
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
using kernels::Epilogue;

// --- elementwise (elementwise.cpp) -----------------------------------------------------------------

/// Arithmetic with broadcasting: trailing axes are aligned, and an extent of 1 stretches.
Var operator+(const Var& a, const Var& b);
Var operator-(const Var& a, const Var& b);
Var operator*(const Var& a, const Var& b);
Var operator/(const Var& a, const Var& b);
Var operator-(const Var& a);
Var operator+(const Var& a, real b);
Var operator*(const Var& a, real b);

/// x < 0 ? +0 : x, so NaN and -0 stay. The gradient passes where x > 0.
Var relu(const Var& x);
Var sigmoid(const Var& x);
Var tanh(const Var& x);
Var exp(const Var& x);
Var log(const Var& x);

/// The random numbers of a dropout layer. They are keyed by sample, not by its place in the batch.
struct DropoutKeys {
  Rng rng{0};
  std::uint32_t step = 0;
  std::span<const std::uint32_t> samples;  ///< position in the data set of each row of the batch
};

/// Sets each feature to 0 with probability `rate` in [0, 1) and multiplies the others by 1 / (1 - rate)
/// (Srivastava 2014, scaled in training). Feature i of a sample uses word i of stream `purpose`.
Var dropout(const Var& x, real rate, const DropoutKeys& keys, std::string_view purpose);

// --- shape and sums (shape_ops.cpp) ----------------------------------------------------------------

Var reshape(const Var& x, const Shape& shape);  ///< the same elements in another shape
Var flatten(const Var& x);                      ///< samples x everything else
Var sum(const Var& x);                          ///< the sum of all elements, a scalar
Var sum_rows(const Var& x);                     ///< the sum of each sample's elements: samples x ... to samples

// --- product sums (conv.cpp) -----------------------------------------------------------------------

/// x * weights + bias, then `epilogue`. Shapes: x samples x features, weights features x units, bias units or absent.
/// An epilogue beyond an activation is allowed only where no operand is tracked.
Var linear(const Var& x, const Var& weights, const Var& bias = {}, const Epilogue& epilogue = {});

/// The stride, padding, dilation and groups of a convolution.
struct Window {
  std::size_t stride_height = 1, stride_width = 1;
  std::size_t pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;
  std::size_t dilation_height = 1, dilation_width = 1;
  std::size_t groups = 1;
};

/// Padding that gives an output extent of ceil(extent / stride), as TensorFlow's SAME; an odd element goes to the end.
/// With dilation, the kernel's extent is that of its taps: (kernel - 1) * dilation + 1.
Window same_window(const Shape& image, std::size_t kernel_height, std::size_t kernel_width, std::size_t stride_height,
                   std::size_t stride_width);

/// x convolved with weights, plus bias, then `epilogue`. Shapes: x samples x height x width x channels, weights kernel
/// height x kernel width x channels / groups x filters, bias filters or absent. Output extent: floor((extent + padding
/// - span) / stride) + 1 with the kernel's span (kernel - 1) * dilation + 1. The groups divide channels and filters;
/// filter f reads only the channels of group f / (filters / groups). Cost: about one multiply-add per tap, channel of
/// the group, and output. Groups of few channels leave most SIMD lanes idle; depthwise convolutions (one channel and
/// one filter per group) do not.
Var conv2d(const Var& x, const Var& weights, const Var& bias = {}, const Window& window = {},
           const Epilogue& epilogue = {});

/// The transpose of conv2d: the gradient that conv2d(y, weights, {}, window) passes to y, of samples x out_height x
/// out_width x channels, when x is the gradient of its outputs. So x is samples x height x width x filters, and the
/// weights have conv2d's shape, kernel height x kernel width x channels / groups x filters: the last axis matches x,
/// and groups times the third the result. The extents must be such that conv2d maps those of y to those of x. bias:
/// channels or absent, added as by y + bias. Every output is one chain in rising (kernel row, kernel column, filter).
Var conv_transpose2d(const Var& x, const Var& weights, const Var& bias, const Window& window, std::size_t out_height,
                     std::size_t out_width);

// --- pooling (pool.cpp) ----------------------------------------------------------------------------

struct PoolWindow;

/// max_pool2d(conv2d(x, weights, bias, window, behind), pool) without storing the whole output of the convolution. Only
/// where no operand is tracked.
Var conv2d_pooled(const Var& x, const Var& weights, const Var& bias, const Window& window, const Epilogue& epilogue,
                  const PoolWindow& pool);

/// The windows of a pooling layer. Output extent: floor((extent + padding + beyond - kernel) / stride) + 1. `beyond` is
/// how far windows may reach past the padding, as with ONNX's ceil_mode; those elements never count. Throws Error for a
/// window that contains no element of the image.
struct PoolWindow {
  std::size_t kernel_height, kernel_width;
  std::size_t stride_height = 1, stride_width = 1;
  std::size_t pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;
  std::size_t beyond_bottom = 0, beyond_right = 0;
};

/// The largest element of each window, padding excluded. The first of equal elements receives the gradient.
Var max_pool2d(const Var& x, const PoolWindow& window);

/// max_pool2d with windows of kernel x kernel, `stride` apart, without padding.
Var max_pool2d(const Var& x, std::size_t kernel, std::size_t stride);

/// The sum of each window, in rising (row, column), divided by the number of its elements in the image; with
/// `count_padding`, elements in the padding count as zeros.
Var average_pool2d(const Var& x, const PoolWindow& window, bool count_padding);

// --- softmax and losses (softmax.cpp) --------------------------------------------------------------

/// Over the last axis of x, which must not be empty.
Var softmax(const Var& x);
Var log_softmax(const Var& x);

/// Per sample: the sum of t_j * (log sum exp - x_j) over the classes, for logits x and target probabilities t, both
/// samples x classes. The targets are constants. Throws Error if a loss is NaN.
Var cross_entropy(const Var& logits, const Tensor& targets);

/// Cross entropy with smoothed_targets().
Var cross_entropy(const Var& logits, std::span<const int> labels, real smoothing = 0);

/// Target probabilities: 1 - smoothing at the label, smoothing / (classes - 1) elsewhere. Throws Error if a label is
/// not a class or smoothing is not in [0, 1).
Tensor smoothed_targets(std::span<const int> labels, std::size_t classes, real smoothing = 0);

}  // namespace hans
