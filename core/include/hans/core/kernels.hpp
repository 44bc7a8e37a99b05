// The inner loops: compiled once per instruction set, chosen once per process, the same bits from each.
//
// Every product sum is one chain of fused multiply-adds per output element, started at +0, in rising k,
// whatever the layout, blocking or number of threads; lanes run across outputs, never along k. Taps in
// the padding are absent from the chain. The bias is added at the end by one rounded addition.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <hans/core/real.hpp>

namespace hans::kernels {

/// The instruction sets this build has and this machine runs, best first; "portable" is always the last.
std::vector<std::string> available();

/// The one in use: HANS_KERNELS if set, else the best. Throws UsageError listing available() when
/// HANS_KERNELS names none of them.
std::string_view selected();

/// Uses the named set from now on. Throws UsageError listing available() for any other name. For tests and
/// measurements; not to be called while work is under way.
void select(std::string_view name);

/// Whether every product is computed as described above, so that results are the same bits everywhere. False in a build
/// with OpenBLAS (-DHANS_BLAS=ON); reservation() then says why, otherwise it is empty.
bool reproducible();
std::string_view reservation();

/// Extents, paddings, strides and dilations are at most this, so that sums of a few are far from any overflow.
constexpr std::size_t most_extent = static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max() / 8);

/// And groups at most this.
constexpr std::size_t most_groups = std::size_t{1} << 24;

/// What is applied to each output at the end.
enum class Activation { none, relu };

/// What is done to each output behind the bias, one rounded operation after the other: times `factor` and plus
/// `summand` of its filter, plus what of `added` stands in its place, the activation. What is null is left out.
struct Behind {
  Behind(Activation last = Activation::none) : activation(last) {}

  const real* factor = nullptr;
  const real* summand = nullptr;
  const real* added = nullptr;  ///< as large as the outputs
  Activation activation;
};

/// A two-dimensional convolution. Images are samples x height x width x channels, weights kernel_height x
/// kernel_width x channels / groups x filters, outputs samples x out_height x out_width x filters. A linear
/// layer is the case of 1x1 images, kernels and outputs.
/// Output (y, x) reads input (y * stride_height - pad_top + row * dilation_height, x * stride_width - pad_left +
/// column * dilation_width). `groups` divides channels and filters; filter f sees only the channels of group
/// f / (filters / groups), and the chains below have only them.
struct Conv {
  std::size_t samples = 1, height = 1, width = 1, channels = 1;
  std::size_t filters = 1, kernel_height = 1, kernel_width = 1;
  std::size_t stride_height = 1, stride_width = 1, pad_top = 0, pad_left = 0;
  std::size_t out_height = 1, out_width = 1;
  std::size_t dilation_height = 1, dilation_width = 1, groups = 1;
};

/// Weights as a product takes them. What serves several calls is arranged once, by pack_forward or pack_backward.
/// Otherwise they are given as they are, with room for as many values as the arrangement has.
struct Weights {
  Weights() = default;
  Weights(const real* arranged) : packed(arranged) {}
  Weights(const real* as_they_are, real* to_arrange) : plain(as_they_are), room(to_arrange) {}

  const real* packed = nullptr;
  const real* plain = nullptr;
  real* room = nullptr;
};

/// Weights rearranged for conv_forward: how many values, and the rearrangement.
std::size_t forward_pack_size(const Conv& conv);
void pack_forward(const Conv& conv, const real* weights, real* packed);

/// Tells arrangements of the same weights apart, a multiple of 16 plus 0 or 1: pack_forward gives two convolutions with
/// equal keys the same.
int forward_pack_key(const Conv& conv);

/// out = images * weights + bias and what comes behind it; bias may be null. k order (kernel row, kernel column, input
/// channel).
void conv_forward(const Conv& conv, const real* images, Weights weights, const real* bias, const Behind& behind,
                  real* out);

/// Weights rearranged for conv_input_gradient.
std::size_t backward_pack_size(const Conv& conv);
void pack_backward(const Conv& conv, const real* weights, real* packed);

/// Tells arrangements of the same weights apart, a multiple of 16 plus up to 7: pack_backward gives two convolutions
/// with equal keys the same.
int backward_pack_key(const Conv& conv);

/// The gradient with respect to the images, all of it written. k order (kernel row, kernel column, filter). With a
/// gate, as large as the images, it is +0 wherever that is not > 0; it may be null.
void conv_input_gradient(const Conv& conv, const real* gradient, Weights weights, const real* gate, real* out);

/// The gradients with respect to weights and bias, all of both written; bias_gradient may be null.
/// k order (sample, output row, output column); threads split outputs.
void conv_weight_gradient(const Conv& conv, const real* images, const real* gradient, real* weight_gradient,
                          real* bias_gradient);

/// Pooling: output (y, x) of each channel is made of the kernel_height x kernel_width inputs from (y * stride_height -
/// pad_top, x * stride_width - pad_left), those of them that exist: at least one for every output.
struct Pooling {
  std::size_t samples = 1, height = 1, width = 1, channels = 1;
  std::size_t kernel_height = 1, kernel_width = 1, stride_height = 1, stride_width = 1;
  std::size_t pad_top = 0, pad_left = 0;
  std::size_t out_height = 1, out_width = 1;
};

/// The maximum. A NaN wins only as the first of its window.
void max_pool(const Pooling& pooling, const real* images, real* out);

/// The maximum of what conv_forward gives. The samples go through both a few at a time, so that what is between stays
/// in the cache.
void conv_max_pool(const Conv& conv, const real* images, Weights weights, const real* bias, const Behind& behind,
                   const Pooling& pooling, real* out);

/// The gradient with respect to the images, all of it written: each output's goes to the first input of its window
/// that equals it, windows in rising (row, column). With `positive_only` nothing comes through outputs that are not >
/// 0.
void max_pool_gradient(const Pooling& pooling, const real* images, const real* out, const real* gradient,
                       bool positive_only, real* image_gradient);

/// What of the padding an average counts as zeros: nothing, or `top` and `left` of the pooling and so many rows and
/// columns at the other ends.
struct Counted {
  bool padding = false;
  std::size_t bottom = 0, right = 0;
};

/// The average: a sum started at +0 in rising (row, column), divided once by the number of elements counted.
void average_pool(const Pooling& pooling, const Counted& counted, const real* images, real* out);

/// The gradient with respect to the images, all of it written: each output's, divided once by its number, is added to
/// the inputs of its window, windows in rising (row, column).
void average_pool_gradient(const Pooling& pooling, const Counted& counted, const real* gradient, real* image_gradient);

/// gradient[i] becomes +0 unless gate[i] > 0, for i < count.
void apply_gate(const real* gate, real* gradient, std::size_t count);

/// The same behind something else: `rows` rows of as many numbers as there are filters. in and out may be the same.
void apply_behind(const Behind& behind, std::size_t rows, std::size_t filters, const real* in, real* out);

/// Rows of channels that are normalised by the mean and the variance of each channel over all rows, as in training:
/// unit = (x - mean) / deviation, y = unit * scale + bias. Each operation is rounded; sums over rows are in 16 partial
/// sums as those of reduce.hpp.
struct Batch {
  std::size_t rows, channels;
  const real *x, *scale, *bias;
  real *mean, *variance, *deviation;  ///< a number per channel, each
};

/// Gives mean, variance, deviation = sqrt(variance + eps) and y.
void batch_norm(const Batch& batch, real eps, Activation activation, real* y);

/// Of y's gradient: the gradients of bias and scale and, unless both are null, that of x in two parts: of x - mean, and
/// of the mean, one number a channel that belongs to every row.
void batch_norm_gradient(const Batch& batch, const real* gradient, real* bias_gradient, real* scale_gradient,
                         real* centred_gradient, real* mean_gradient);

/// Keeps the arithmetic units busy with independent chains of multiply-adds and nothing else, on this thread, and
/// returns how many floating-point operations that was (two for a multiply-add). Timed by the caller it is the peak
/// that a product can come near. Cost: proportional to `steps`, some nanoseconds each.
double peak_chains(std::size_t steps);

}  // namespace hans::kernels
