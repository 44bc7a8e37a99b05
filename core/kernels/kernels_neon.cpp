// The kernels for NEON, which every AArch64 machine has.
#if defined(__aarch64__) && !defined(HANS_DOUBLE)
#include <arm_neon.h>

#include "detail/kernel_set.hpp"

namespace hans::kernels::neon {
namespace {

inline real fused(real a, real b, real c) { return __builtin_fmaf(a, b, c); }

constexpr const char* set_name = "neon";
constexpr size_t lanes = 4;
// 24 sums, 4 vectors of the packed operand and a row's value occupy 29 of the 32 registers.
constexpr size_t tile_rows = 6;
constexpr size_t tile_vectors = 4;
constexpr size_t wide_rows = 1;
constexpr size_t thin_rows = 0;
constexpr bool fetches = false;

using Vec = float32x4_t;

inline Vec zero() { return vdupq_n_f32(0); }
inline Vec broadcast(real x) { return vdupq_n_f32(x); }
inline Vec load(const real* p) { return vld1q_f32(p); }
inline Vec load_part(const real* p, size_t n) {
  if (n >= 4) return load(p);
  Vec v = zero();
  if (n > 0) v = vld1q_lane_f32(p, v, 0);
  if (n > 1) v = vld1q_lane_f32(p + 1, v, 1);
  if (n > 2) v = vld1q_lane_f32(p + 2, v, 2);
  return v;
}
inline void store(real* p, Vec v) { vst1q_f32(p, v); }
inline void store_part(real* p, Vec v, size_t n) {
  if (n >= 4) return store(p, v);
  if (n > 0) vst1q_lane_f32(p, v, 0);
  if (n > 1) vst1q_lane_f32(p + 1, v, 1);
  if (n > 2) vst1q_lane_f32(p + 2, v, 2);
}
inline Vec multiply_add(Vec a, Vec b, Vec c) { return vfmaq_f32(c, a, b); }
inline Vec add(Vec a, Vec b) { return vaddq_f32(a, b); }
inline Vec subtract(Vec a, Vec b) { return vsubq_f32(a, b); }
inline Vec multiply(Vec a, Vec b) { return vmulq_f32(a, b); }
inline Vec divide(Vec a, Vec b) { return vdivq_f32(a, b); }
/// a > b ? a : b
inline Vec larger(Vec a, Vec b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
/// a == b ? yes : no
inline Vec if_equal(Vec a, Vec b, Vec yes, Vec no) { return vbslq_f32(vceqq_f32(a, b), yes, no); }
/// a > 0 ? yes : +0
inline Vec if_positive(Vec a, Vec yes) { return vbslq_f32(vcgtzq_f32(a), yes, zero()); }
/// a < 0 ? +0 : a; keeps NaN and -0.
inline Vec relu(Vec a) { return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(a), vcltzq_f32(a))); }

/// Transposes 4 x 4: out[k * 16 + lane] = in[lane * lane_stride + k].
inline void transpose_4x4(const real* in, size_t lane_stride, real* out) {
  const Vec a = load(in), b = load(in + lane_stride);
  const Vec c = load(in + 2 * lane_stride), d = load(in + 3 * lane_stride);
  // Interleave two lanes, even and odd k; then four lanes.
  const float64x2_t ab_even = vreinterpretq_f64_f32(vtrn1q_f32(a, b)), ab_odd = vreinterpretq_f64_f32(vtrn2q_f32(a, b));
  const float64x2_t cd_even = vreinterpretq_f64_f32(vtrn1q_f32(c, d)), cd_odd = vreinterpretq_f64_f32(vtrn2q_f32(c, d));
  store(out, vreinterpretq_f32_f64(vtrn1q_f64(ab_even, cd_even)));
  store(out + panel, vreinterpretq_f32_f64(vtrn1q_f64(ab_odd, cd_odd)));
  store(out + 2 * panel, vreinterpretq_f32_f64(vtrn2q_f64(ab_even, cd_even)));
  store(out + 3 * panel, vreinterpretq_f32_f64(vtrn2q_f64(ab_odd, cd_odd)));
}
/// Transposes 8 x 8.
inline void transpose_8x8(const real* in, size_t lane_stride, real* out) {
  for (size_t lane = 0; lane < 8; lane += 4) {
    for (size_t k = 0; k < 8; k += 4) transpose_4x4(in + lane * lane_stride + k, lane_stride, out + k * panel + lane);
  }
}

#include "tiles.inl"

#include "kernels.inl"

}  // namespace

const Set set = make_set();

}  // namespace hans::kernels::neon
#endif
