// The inner loops: compiled once per instruction set, one set chosen per process, the same bits from each.
//
// Every sum of products is one chain of fused multiply-adds per output element. It starts at +0 and runs in rising k,
// whatever the layout, blocking or number of threads; SIMD lanes run across outputs, never along k. Taps in the padding
// are left out of the chain. The bias is added last, by one rounded addition.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <hans/core/real.hpp>

namespace hans::kernels {

/// The instruction sets that this build contains and this machine can run, best first; "portable" is always last.
std::vector<std::string> available();

/// The instruction set in use: HANS_KERNELS if set, else the best. Throws UsageError with available() if HANS_KERNELS
/// names none of them.
std::string_view selected();

/// Switches to the named instruction set. Throws UsageError with available() for any other name. For tests and
/// benchmarks; must not be called while kernels run.
void select(std::string_view name);

/// Whether every product is computed as described above, so that results are the same bits everywhere. False in a build
/// with OpenBLAS (-DHANS_BLAS=ON); reservation() then gives the reason, otherwise an empty text.
bool reproducible();
std::string_view reservation();

/// The largest extent, padding, stride or dilation. Sums of a few of them cannot overflow.
constexpr std::size_t most_extent = static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max() / 8);

/// The largest number of groups.
constexpr std::size_t most_groups = std::size_t{1} << 24;

/// The function applied to each output last.
enum class Activation { none, relu };

/// The epilogue of a product: operations on each output after the bias, each rounded, in this order: multiply by the
/// filter's `factor`, add the filter's `summand`, add the element of `added` at the same place, apply the activation. A
/// null pointer skips its operation.
struct Epilogue {
  Epilogue(Activation last = Activation::none) : activation(last) {}

  const real* factor = nullptr;
  const real* summand = nullptr;
  const real* added = nullptr;  ///< one number per output
  Activation activation;
};

/// A two-dimensional convolution. Images are samples x height x width x channels, weights kernel_height x kernel_width
/// x channels / groups x filters, outputs samples x out_height x out_width x filters. A linear layer is the case of 1x1
/// images, kernels and outputs.
///
/// Output (y, x) reads the input at (y * stride_height - pad_top + row * dilation_height, x * stride_width - pad_left +
/// column * dilation_width). `groups` divides both channels and filters. Filter f reads only the channels of group f /
/// (filters / groups), so the chains below contain only those.
struct Conv {
  std::size_t samples = 1, height = 1, width = 1, channels = 1;
  std::size_t filters = 1, kernel_height = 1, kernel_width = 1;
  std::size_t stride_height = 1, stride_width = 1, pad_top = 0, pad_left = 0;
  std::size_t out_height = 1, out_width = 1;
  std::size_t dilation_height = 1, dilation_width = 1, groups = 1;
};

/// Weights for a product, either packed or not. Pack weights once, by pack_forward or pack_backward, if several calls
/// use them. Otherwise pass them unpacked with scratch of the packed size; each call then packs them.
struct Weights {
  Weights() = default;
  Weights(const real* arranged) : packed(arranged) {}
  Weights(const real* as_they_are, real* to_arrange) : plain(as_they_are), room(to_arrange) {}

  const real* packed = nullptr;
  const real* plain = nullptr;
  real* room = nullptr;
};

/// Packs weights for conv_forward. forward_pack_size is the number of values in `packed`.
std::size_t forward_pack_size(const Conv& conv);
void pack_forward(const Conv& conv, const real* weights, real* packed);

/// Identifies the packing: pack_forward gives equal results for two convolutions with equal keys and equal weights. A
/// multiple of 16 plus 0 or 1.
int forward_pack_key(const Conv& conv);

/// out = images * weights + bias, then `epilogue`; bias may be null. k order: kernel row, kernel column, input channel.
void conv_forward(const Conv& conv, const real* images, Weights weights, const real* bias, const Epilogue& epilogue,
                  real* out);

/// Packs weights for conv_input_gradient. backward_pack_size is the number of values in `packed`.
std::size_t backward_pack_size(const Conv& conv);
void pack_backward(const Conv& conv, const real* weights, real* packed);

/// Identifies the packing: pack_backward gives equal results for two convolutions with equal keys and equal weights. A
/// multiple of 16 plus up to 7.
int backward_pack_key(const Conv& conv);

/// The gradient with respect to the images; overwrites all of `out`. k order: kernel row, kernel column, filter. `gate`
/// may be null; otherwise it is as large as the images, and the gradient is +0 wherever the gate is not > 0.
void conv_input_gradient(const Conv& conv, const real* gradient, Weights weights, const real* gate, real* out);

/// The gradients with respect to weights and bias; overwrites both. bias_gradient may be null. k order: sample, output
/// row, output column; threads split the outputs.
void conv_weight_gradient(const Conv& conv, const real* images, const real* gradient, real* weight_gradient,
                          real* bias_gradient);

/// Pooling. Output (y, x) of each channel reduces the window of kernel_height x kernel_width inputs that starts at (y *
/// stride_height - pad_top, x * stride_width - pad_left), without those outside the image. Every window must contain at
/// least one input.
struct Pooling {
  std::size_t samples = 1, height = 1, width = 1, channels = 1;
  std::size_t kernel_height = 1, kernel_width = 1, stride_height = 1, stride_width = 1;
  std::size_t pad_top = 0, pad_left = 0;
  std::size_t out_height = 1, out_width = 1;
};

/// The maximum of each window. A NaN wins only if it is the first of its window.
void max_pool(const Pooling& pooling, const real* images, real* out);

/// Max pooling of the output of conv_forward. Processes a few samples at a time, so that the convolution's output stays
/// in cache.
void conv_max_pool(const Conv& conv, const real* images, Weights weights, const real* bias, const Epilogue& epilogue,
                   const Pooling& pooling, real* out);

/// The gradient with respect to the images; overwrites all of it. Each output passes its gradient to the first input of
/// its window that equals it; windows are visited in rising (row, column). With `positive_only`, outputs that are not >
/// 0 pass nothing.
void max_pool_gradient(const Pooling& pooling, const real* images, const real* out, const real* gradient,
                       bool positive_only, real* image_gradient);

/// Which padding counts as zeros in an average: none, or pad_top rows above, pad_left columns to the left, and `bottom`
/// rows and `right` columns at the other ends.
struct Counted {
  bool padding = false;
  std::size_t bottom = 0, right = 0;
};

/// The average of each window: a sum started at +0 in rising (row, column), divided once by the number of counted
/// elements.
void average_pool(const Pooling& pooling, const Counted& counted, const real* images, real* out);

/// The gradient with respect to the images; overwrites all of it. Each output's gradient, divided once by the number of
/// counted elements, is added to every input of its window; windows are visited in rising (row, column).
void average_pool_gradient(const Pooling& pooling, const Counted& counted, const real* gradient, real* image_gradient);

/// Sets gradient[i] to +0 unless gate[i] > 0, for i < count.
void apply_gate(const real* gate, real* gradient, std::size_t count);

/// Applies an epilogue to `rows` rows of `filters` numbers. in and out may be the same array.
void apply_epilogue(const Epilogue& epilogue, std::size_t rows, std::size_t filters, const real* in, real* out);

/// Batch normalisation in training: every channel is normalised by its mean and variance over all rows. unit = (x -
/// mean) / deviation, y = unit * scale + bias. Each operation is rounded; sums over rows use the 16 partial sums of
/// reduce.hpp.
struct Batch {
  std::size_t rows, channels;
  const real *x, *scale, *bias;
  real *mean, *variance, *deviation;  ///< one number per channel
};

/// Computes mean, variance, deviation = sqrt(variance + eps) and y.
void batch_norm(const Batch& batch, real eps, Activation activation, real* y);

/// The gradients of bias and scale from the gradient of y, and that of x unless both its pointers are null. The
/// gradient of x comes in two parts: one with respect to x - mean, and one with respect to the mean, a number per
/// channel that applies to every row.
void batch_norm_gradient(const Batch& batch, const real* gradient, real* bias_gradient, real* scale_gradient,
                         real* centred_gradient, real* mean_gradient);

/// Rows of channels: points, then as many centres of intervals as radii. y = factor * x + summand for each channel,
/// then the activation; of an interval, the interval of that. `factor` and `summand` may both be null: y =
/// activation(x).
struct Intervals {
  std::size_t points, boxes, channels;
  const real *x, *factor, *summand;
  Activation activation;
};
void interval_affine(const Intervals& all, real* y);

/// The gradients of x and, with a factor, of factor and summand, from that of y. Sums over rows use the 16 partial sums
/// of reduce.hpp: those over points, plus those over intervals.
void interval_affine_gradient(const Intervals& all, const real* y, const real* gradient, real* x_gradient,
                              real* factor_gradient, real* summand_gradient);

/// The mean of each channel over `rows` rows, and the mean squared distance to it.
void moments(std::size_t rows, std::size_t channels, const real* x, real* mean, real* variance);

// Rows of coefficients on their way back through a network (nn/bounds), of `count` numbers each. All sums are those of
// reduce.hpp: 16 partial sums and a tree. Every operation is rounded; NaN stays.

/// row += more; returns the sum of |row| * reach.
real bound_add(std::size_t count, const real* more, const real* reach, real* row);

/// The sums of |row| * mass, row * offset and |row * offset|, and how many elements are not 0.
struct AffineSums {
  real mass, shift, shifts, used;
};
AffineSums bound_affine(std::size_t count, const real* row, const real* mass, const real* offset);

/// Lines below and above functions of one number are slope * z + add. row *= lower where row > 0, upper elsewhere.
/// Returns the sums of row * add for the old row, of its magnitudes, and of |row| * reach for the new one.
struct LineSums {
  real constant, constants, mass;
};
LineSums bound_lines(std::size_t count, const real* lower, const real* lower_add, const real* upper,
                     const real* upper_add, const real* reach, real* row);

/// The sums of row * low where row > 0, row * high elsewhere, and of |row| * reach.
struct BoxSums {
  real least, mass;
};
BoxSums bound_box(std::size_t count, const real* row, const real* low, const real* high, const real* reach);

/// out = in * upper + upper_add where row < 0, in * lower + lower_add elsewhere: what bound_lines() multiplies by row.
void bound_points(std::size_t count, const real* lower, const real* lower_add, const real* upper, const real* upper_add,
                  const real* row, const real* in, real* out);

/// Runs independent chains of multiply-adds on this thread and nothing else, and returns the number of floating-point
/// operations (two per multiply-add). The caller measures the time; the quotient is the peak rate that no product can
/// exceed. Cost: some nanoseconds per step.
double peak_chains(std::size_t steps);

}  // namespace hans::kernels
