// The functions that each instruction set provides; private to the kernels. Translation units compiled for an
// instruction set that this machine may lack include this header. So it must not contain or include inline functions,
// templates or standard headers: the linker might keep the copy that does not run everywhere.
#pragma once

#include <stddef.h>

#include <hans/core/real.hpp>

namespace hans::kernels {

/// Outputs per panel of packed weights, for every instruction set.
constexpr size_t panel = 16;

/// A range of k. Element l multiplies the row's operand at `a + l * a_step` by row `b + l` of the packed operand. With
/// Care::rows, only the rows whose bit is set in `active` take part.
struct Segment {
  ptrdiff_t a;
  size_t b;
  size_t length;
  unsigned active;
};

/// Extra work of a product beside the arithmetic.
enum class Care {
  none,
  fetch,  ///< prefetch a_ahead and b_ahead, because k does not run along memory
  rows    ///< prefetch, and segments may leave rows out
};

/// A product of many rows with one matrix: out[r][c] = chain over the segments, in order, of a[r][...] * b[...][c].
struct Product {
  const real* const* rows;  ///< where each row's operand starts
  real* const* outs;        ///< where each row's outputs go
  size_t row_count;
  const Segment* segments;
  size_t segment_count;
  size_t repeats;      ///< how often the segments are repeated (samples of a weight gradient)
  ptrdiff_t a_repeat;  ///< offset of the row's operand from one repetition to the next
  size_t b_repeat;     ///< the same for b
  ptrdiff_t a_step;
  ptrdiff_t a_ahead;
  size_t b_ahead;  ///< in rows of b
  const real* b;
  size_t b_stride;      ///< from one k to the next
  size_t panel_stride;  ///< from one panel of 16 outputs to the next
  size_t columns;       ///< outputs
  bool padded;          ///< b has whole panels; otherwise nothing after its last column is read
  Care care;            ///< for Care::rows, or if not padded, row_count <= 32
  bool continues;       ///< chains continue from the values in the outputs
  // The epilogue, for Care::none only.
  const real* bias;     ///< added first, may be null
  const real* factor;   ///< multiplied next, may be null
  const real* summand;  ///< added next, may be null
  const real* added;    ///< added[i] is then added to the output at `base` + i, may be null
  bool relu;
  /// May be null. Otherwise the output at `base` + i becomes +0 unless gate[i] > 0.
  const real* gate;
  const real* base;
};

/// A row of outputs of a pooling layer, each computed from a window of rows x columns inputs.
struct PoolRow {
  size_t outputs, channels, rows, columns;
  size_t in_row;       ///< from one input row to the next
  size_t in_step;      ///< from the window of one output to that of the next
  real count;          ///< the divisor of averages
  bool positive_only;  ///< max pooling gradient: outputs that are not > 0 pass nothing
  bool continues;      ///< gradients: add to the existing values
};

/// A depthwise convolution, with a sum per channel: out[i][c] = chain over rising (row, column) of in[i * in_step + row
/// * in_row + column * in_column + c] * by[row * by_row + column * by_column + c].
struct Depthwise {
  size_t outputs, channels, rows, columns;
  ptrdiff_t in_step, in_row, in_column;
  size_t by_row, by_column;
  size_t out_step;
  bool continues;    ///< chains continue from the values in the outputs
  const real* bias;  ///< added last, may be null
  bool relu;
};

/// `rows` rows of channels in groups of `group`, which start `step` rows apart.
struct Rows {
  size_t rows, channels, group, step;
};

/// The normalisation of each channel: unit = (x - mean) / deviation, y = unit * scale + bias.
struct Norm {
  const real *mean, *deviation, *scale, *bias;
};

/// Lines below and above functions of one number: slope * z + add.
struct LineRow {
  const real *lower, *lower_add, *upper, *upper_add;
};

/// The functions compiled once per instruction set.
struct Set {
  const char* name;
  size_t row_block;   ///< best number of rows per tile, at most 32
  size_t thin_block;  ///< the same for a single panel of outputs
  real (*fused)(real a, real b, real c);
  void (*product)(const Product& job);
  /// out[k][0..15] = in[lane * lane_stride + k]; lanes from `lanes` on become +0.
  void (*transpose)(const real* in, size_t lane_stride, size_t lanes, size_t count, real* out);
  /// out[k][0..15] = in[k * stride + lane]; lanes from `lanes` on become +0.
  void (*gather)(const real* in, size_t stride, size_t lanes, size_t count, real* out);
  void (*depthwise)(const Depthwise& job, const real* in, const real* by, real* out);
  void (*max_pool_row)(const PoolRow& row, const real* in, real* out);
  /// Each output passes its gradient to the first input of its window that equals it. Windows overlap only if
  /// `continues`.
  void (*max_pool_gradient_row)(const PoolRow& row, const real* in, const real* out, const real* gradient,
                                real* in_gradient);
  /// The sum of each window, started at +0 in rising (row, column) and divided by row.count. Its gradient: each
  /// output's gradient, divided by row.count, goes to every input of its window. Windows overlap only if `continues`.
  void (*average_pool_row)(const PoolRow& row, const real* in, real* out);
  void (*average_pool_gradient_row)(const PoolRow& row, const real* gradient, real* in_gradient);
  /// out = in * factor + summand + added, then relu on request; null pointers are skipped. `added` is as large as `in`.
  void (*affine_rows)(const Rows& rows, const real* factor, const real* summand, const real* added, bool relu,
                      const real* in, real* out);
  /// sums[row of the group] += x or, with a mean, the square of x - mean.
  void (*norm_sums)(const Rows& rows, const real* mean, const real* x, real* sums);
  /// y of each x, with relu on request.
  void (*norm_rows)(const Rows& rows, const Norm& norm, bool relu, const real* x, real* y);
  /// From the gradient g of y: sums[row of the group] += g, followed by the same sums of g * unit and of -(share *
  /// unit), where share = g * scale / deviation.
  void (*norm_gradient_sums)(const Rows& rows, const Norm& norm, const real* x, const real* g, real* sums);
  /// Computes the gradient with respect to x - mean into d: share + p + p, where p = spread * (x - mean); and sums[row
  /// of the group] -= d.
  void (*norm_gradient_rows)(const Rows& rows, const Norm& norm, const real* spread, const real* x, const real* g,
                             real* d, real* sums);
  /// As kernels.hpp describes them; the 16 partial sums of each sum go to `out`.
  void (*bound_add)(size_t count, const real* more, const real* reach, real* row, real* out);
  void (*bound_affine)(size_t count, const real* row, const real* mass, const real* offset, real* out);
  void (*bound_lines)(size_t count, const LineRow& lines, const real* reach, real* row, real* out);
  void (*bound_box)(size_t count, const real* row, const real* low, const real* high, const real* reach, real* out);
  void (*bound_points)(size_t count, const LineRow& lines, const real* row, const real* in, real* out);
  /// Sets gradient[i] to +0 unless gate[i] > 0, for i < count.
  void (*gate)(const real* gate, real* gradient, size_t count);
  /// out[i] = function(in[i]) for i < count (math.inl). in and out are either the same array or disjoint.
  void (*exp)(const real* in, real* out, size_t count);
  void (*log)(const real* in, real* out, size_t count);
  void (*tanh)(const real* in, real* out, size_t count);
  void (*sigmoid)(const real* in, real* out, size_t count);
  void (*erf)(const real* in, real* out, size_t count);
  void (*sin)(const real* in, real* out, size_t count);
  void (*cos)(const real* in, real* out, size_t count);
  /// Runs `steps` steps of k on the largest register tile, without loads; out[0..15] receives its result. Returns the
  /// number of floating-point operations.
  double (*peak)(size_t steps, real* out);
};

/// The set in use, chosen on the first call; never null.
const Set* current();

namespace portable {
extern const Set set;
}
namespace avx2 {
extern const Set set;
}
namespace avx512 {
extern const Set set;
}
namespace sse2 {
extern const Set set;
}
namespace neon {
extern const Set set;
}
namespace simd128 {
extern const Set set;
}

}  // namespace hans::kernels
