// Vectors of four floats by the vector types of gcc and clang. Included inside a namespace, after the intrinsics of the
// instruction set; multiply_add follows.

constexpr size_t lanes = 4;

using Vec = float __attribute__((vector_size(16)));
using Mask = int __attribute__((vector_size(16)));

inline Vec choose(Mask mask, Vec yes, Vec no) { return (Vec)((mask & (Mask)yes) | (~mask & (Mask)no)); }

inline Vec zero() { return Vec{0, 0, 0, 0}; }
inline Vec broadcast(real x) { return Vec{x, x, x, x}; }
inline Vec load(const real* p) {
  Vec v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
// Inlined everywhere, these two would be half of the code.
[[gnu::noinline]] Vec load_less(const real* p, size_t n) {
  return Vec{n > 0 ? p[0] : 0, n > 1 ? p[1] : 0, n > 2 ? p[2] : 0, 0};
}
[[gnu::noinline]] void store_less(real* p, Vec v, size_t n) {
  for (size_t i = 0; i < n; ++i) p[i] = v[i];
}
inline Vec load_part(const real* p, size_t n) { return n >= 4 ? load(p) : load_less(p, n); }
inline void store(real* p, Vec v) { __builtin_memcpy(p, &v, sizeof v); }
inline void store_part(real* p, Vec v, size_t n) { n >= 4 ? store(p, v) : store_less(p, v, n); }
inline Vec add(Vec a, Vec b) { return a + b; }
inline Vec subtract(Vec a, Vec b) { return a - b; }
inline Vec multiply(Vec a, Vec b) { return a * b; }
inline Vec divide(Vec a, Vec b) { return a / b; }
/// a > b ? a : b
inline Vec larger(Vec a, Vec b) { return choose(a > b, a, b); }
/// a == b ? yes : no
inline Vec if_equal(Vec a, Vec b, Vec yes, Vec no) { return choose(a == b, yes, no); }
/// a > 0 ? yes : +0
inline Vec if_positive(Vec a, Vec yes) { return (Vec)((a > zero()) & (Mask)yes); }
/// a < 0 ? +0 : a; keeps NaN and -0.
inline Vec relu(Vec a) { return (Vec)(~(a < zero()) & (Mask)a); }

/// Transposes 4 x 4: out[k * 16 + lane] = in[lane * lane_stride + k].
inline void transpose_4x4(const real* in, size_t lane_stride, real* out) {
  const Vec a = load(in), b = load(in + lane_stride);
  const Vec c = load(in + 2 * lane_stride), d = load(in + 3 * lane_stride);
  // Interleave two lanes, low and high k; then four lanes.
  const Vec ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Vec cd = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  store(out, __builtin_shufflevector(ab, cd, 0, 1, 4, 5));
  store(out + panel, __builtin_shufflevector(ab, cd, 2, 3, 6, 7));
  store(out + 2 * panel, __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5));
  store(out + 3 * panel, __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7));
}
/// Transposes 8 x 8.
inline void transpose_8x8(const real* in, size_t lane_stride, real* out) {
  for (size_t lane = 0; lane < 8; lane += 4) {
    for (size_t k = 0; k < 8; k += 4) transpose_4x4(in + lane * lane_stride + k, lane_stride, out + k * panel + lane);
  }
}
