// What each instruction set provides: private to the kernels, included by translation units that are
// compiled for an instruction set this machine may not have. So nothing here or below may be an inline
// function, a template or a standard header: the linker could keep the copy that cannot run everywhere.
#pragma once

#include <stddef.h>

#include <hans/core/real.hpp>

namespace hans::kernels {

/// Outputs are packed in panels of this many, for every instruction set.
constexpr size_t panel = 16;

/// A run of k: element l reads the row's operand at `a + l * a_step` and the packed operand's row `b + l`.
/// Only the rows whose bit is set in `active` take part, if the product takes care of rows.
struct Segment {
  ptrdiff_t a;
  size_t b;
  size_t length;
  unsigned active;
};

/// What a product has to mind besides the arithmetic.
enum class Care {
  none,
  fetch,  ///< ask the memory early for what lies a_ahead and b_ahead: k does not run along the memory
  rows    ///< the same, and segments may leave rows out
};

/// Many rows times one matrix: out[r][c] = chain over the segments, in order, of a[r][...] * b[...][c].
struct Product {
  const real* const* rows;  ///< where each row's operand starts
  real* const* outs;        ///< where each row's outputs go
  size_t row_count;
  const Segment* segments;
  size_t segment_count;
  size_t repeats;      ///< how often the segments are gone through (samples of a weight gradient)
  ptrdiff_t a_repeat;  ///< what a repetition adds to the row's operand
  size_t b_repeat;     ///< and to b
  ptrdiff_t a_step;
  ptrdiff_t a_ahead;
  size_t b_ahead;  ///< in rows of b
  const real* b;
  size_t b_stride;      ///< from one k to the next
  size_t panel_stride;  ///< from one panel of 16 outputs to the next
  size_t columns;       ///< outputs
  bool padded;          ///< b has whole panels; otherwise nothing behind its last column is read
  Care care;            ///< for Care::rows, or if not padded, row_count <= 32
  bool continues;       ///< the chains go on from what is in the outputs
  // What comes behind, for Care::none only.
  const real* bias;     ///< added at the end, may be null
  const real* factor;   ///< then times this, may be null
  const real* summand;  ///< then plus this, may be null
  const real* added;    ///< then added[i] to the output at `base` + i, may be null
  bool relu;
  /// May be null. Otherwise the output at `base` + i becomes +0 unless gate[i] > 0.
  const real* gate;
  const real* base;
};

/// Outputs of a pooling layer that lie side by side, each made of a window of rows x columns inputs.
struct PoolRow {
  size_t outputs, channels, rows, columns;
  size_t in_row;       ///< from one row of inputs to the next
  size_t in_step;      ///< from the window of an output to that of the next
  real count;          ///< what averages are divided by
  bool positive_only;  ///< of the maxima's gradient: nothing comes through outputs that are not > 0
  bool continues;      ///< of the gradients: is added to what is there
};

/// Pixels whose channels are sums of their own: out[i][c] = chain over (row, column), both rising, of
/// in[i * in_step + row * in_row + column * in_column + c] * by[row * by_row + column * by_column + c].
struct Depthwise {
  size_t outputs, channels, rows, columns;
  ptrdiff_t in_step, in_row, in_column;
  size_t by_row, by_column;
  size_t out_step;
  bool continues;    ///< the chains go on from what is in the outputs
  const real* bias;  ///< added at the end, may be null
  bool relu;
};

/// Rows of channels, each as it is, that are gone through one after the other: `rows` of them, in groups of `group`,
/// the groups `step` rows apart.
struct Rows {
  size_t rows, channels, group, step;
};

/// What each channel is normalised by: unit = (x - mean) / deviation, y = unit * scale + bias.
struct Norm {
  const real *mean, *deviation, *scale, *bias;
};

/// The functions compiled once per instruction set.
struct Set {
  const char* name;
  size_t row_block;   ///< rows that are computed together at best, at most 32
  size_t thin_block;  ///< the same where there is one panel of outputs
  real (*fused)(real a, real b, real c);
  void (*product)(const Product& job);
  /// out[k][0..15] = in[lane * lane_stride + k], lanes from `lanes` on are +0.
  void (*transpose)(const real* in, size_t lane_stride, size_t lanes, size_t count, real* out);
  /// out[k][0..15] = in[k * stride + lane], lanes from `lanes` on are +0.
  void (*gather)(const real* in, size_t stride, size_t lanes, size_t count, real* out);
  void (*depthwise)(const Depthwise& job, const real* in, const real* by, real* out);
  void (*max_pool_row)(const PoolRow& row, const real* in, real* out);
  /// Each output's gradient goes to the first input of its window that equals it. Windows overlap only if `continues`.
  void (*max_pool_gradient_row)(const PoolRow& row, const real* in, const real* out, const real* gradient,
                                real* in_gradient);
  /// The sum of each window, started at +0 in rising (row, column), divided by row.count; and each output's gradient,
  /// divided by row.count, for all inputs of its window. Windows overlap only if `continues`.
  void (*average_pool_row)(const PoolRow& row, const real* in, real* out);
  void (*average_pool_gradient_row)(const PoolRow& row, const real* gradient, real* in_gradient);
  /// out = in * factor + summand + added, then the rectifier; what is null is left out. `added` is as large as `in`.
  void (*affine_rows)(const Rows& rows, const real* factor, const real* summand, const real* added, bool relu,
                      const real* in, real* out);
  /// sums[row of the group] += x or, with a mean, the square of x - mean.
  void (*norm_sums)(const Rows& rows, const real* mean, const real* x, real* sums);
  /// y of each x, rectified on demand.
  void (*norm_rows)(const Rows& rows, const Norm& norm, bool relu, const real* x, real* y);
  /// Of y's gradient g: sums[row of the group] += g; behind those of all rows of a group as much of g * unit, and of
  /// -(share * unit) with share = g * scale / deviation.
  void (*norm_gradient_sums)(const Rows& rows, const Norm& norm, const real* x, const real* g, real* sums);
  /// The gradient with respect to x - mean, share + p + p with p = spread * (x - mean), into d, and
  /// sums[row of the group] -= d.
  void (*norm_gradient_rows)(const Rows& rows, const Norm& norm, const real* spread, const real* x, const real* g,
                             real* d, real* sums);
  /// gradient[i] becomes +0 unless gate[i] > 0, for i < count.
  void (*gate)(const real* gate, real* gradient, size_t count);
  /// out[i] = function(in[i]) for i < count (math.inl); in and out are the same array or do not overlap.
  void (*exp)(const real* in, real* out, size_t count);
  void (*log)(const real* in, real* out, size_t count);
  void (*tanh)(const real* in, real* out, size_t count);
  void (*sigmoid)(const real* in, real* out, size_t count);
  void (*erf)(const real* in, real* out, size_t count);
  void (*sin)(const real* in, real* out, size_t count);
  void (*cos)(const real* in, real* out, size_t count);
  /// `steps` steps of k of a tile that loads nothing, the most this set can do; out[0..15] is what came of them.
  /// Returns how many floating-point operations that was.
  double (*peak)(size_t steps, real* out);
};

/// The set in use, chosen on the first call. Never null.
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
namespace neon {
extern const Set set;
}

}  // namespace hans::kernels
