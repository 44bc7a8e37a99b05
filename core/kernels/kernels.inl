// The inner loops, compiled once per instruction set. Included inside a namespace that has defined:
//   Vec, lanes     a vector of `lanes` reals; lanes divides `panel`
//   zero broadcast load load_part store store_part multiply_add add subtract multiply divide relu larger if_equal
//   if_positive transpose_8x8, fused, set_name
//   product, peak, row_block, thin_block   by tiles.inl or exact.inl
// Calls no code from outside, so the linker cannot mix code compiled here with that of other instruction sets.

// ---- packing -------------------------------------------------------------------------------------------

void transpose(const real* in, size_t lane_stride, size_t lane_count, size_t count, real* out) {
  size_t k = 0;
  if (lane_count == panel) {
    for (; k + 8 <= count; k += 8) {
      transpose_8x8(in + k, lane_stride, out + k * panel);
      transpose_8x8(in + 8 * lane_stride + k, lane_stride, out + k * panel + 8);
    }
  }
  for (; k < count; ++k) {
    for (size_t lane = 0; lane < panel; ++lane) {
      out[k * panel + lane] = lane < lane_count ? in[lane * lane_stride + k] : real(0);
    }
  }
}

void gather(const real* in, size_t stride, size_t lane_count, size_t count, real* out) {
  constexpr size_t ahead = 16;  // rows to prefetch; rows that are pages apart defeat the hardware's prediction
  for (size_t k = 0; k < count; ++k, in += stride, out += panel) {
    __builtin_prefetch(in + ahead * stride);
    for (size_t lane = 0; lane < panel; lane += lanes) {
      store(out + lane, lane_count >= lane + lanes ? load(in + lane)
                                                   : load_part(in + lane, lane_count > lane ? lane_count - lane : 0));
    }
  }
}

// ---- gates ---------------------------------------------------------------------------------------------

Vec load_some(const real* from, size_t count) { return count >= lanes ? load(from) : load_part(from, count); }
void store_some(real* to, Vec v, size_t count) { count >= lanes ? store(to, v) : store_part(to, v, count); }

void gate_array(const real* gate, real* gradient, size_t count) {
  for (size_t i = 0; i < count; i += lanes) {
    const size_t left = count - i;
    store_some(gradient + i, if_positive(load_some(gate + i, left), load_some(gradient + i, left)), left);
  }
}

real fused_value(real a, real b, real c) { return fused(a, b, c); }

#include "windows.inl"

#include "norm.inl"

#include "bounds.inl"

#include "math.inl"

#undef HANS_UNROLL
#undef HANS_OPAQUE

/// The table of all functions above.
constexpr Set make_set() {
  return Set{set_name,
             row_block,
             thin_block,
             fused_value,
             product,
             transpose,
             gather,
             depthwise,
             max_pool_row,
             max_pool_gradient_row,
             average_pool_row,
             average_pool_gradient_row,
             affine_rows,
             norm_sums,
             norm_rows,
             norm_gradient_sums,
             norm_gradient_rows,
             bound_add,
             bound_affine,
             bound_lines,
             bound_box,
             bound_points,
             gate_array,
             exp_array,
             log_array,
             tanh_array,
             sigmoid_array,
             erf_array,
             sin_array,
             cos_array,
             peak};
}
