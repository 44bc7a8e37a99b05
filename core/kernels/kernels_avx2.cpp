// The kernels for AVX2 with FMA.
#if defined(__x86_64__) && !defined(HANS_DOUBLE)
#include <immintrin.h>

#include "detail/kernel_set.hpp"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

namespace hans::kernels::avx2 {
namespace {

inline real fused(real a, real b, real c) { return __builtin_fmaf(a, b, c); }

#include "transpose_avx.inl"

constexpr const char* set_name = "avx2";
constexpr size_t lanes = 8;
constexpr size_t tile_rows = 6;
constexpr size_t tile_vectors = 2;
constexpr size_t wide_rows = 1;
constexpr size_t thin_rows = 0;
constexpr bool fetches = false;

using Vec = __m256;

inline Vec zero() { return _mm256_setzero_ps(); }
inline Vec broadcast(real x) { return _mm256_set1_ps(x); }
inline Vec load(const real* p) { return _mm256_loadu_ps(p); }
inline __m256i first_lanes(size_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n > 8 ? 8 : static_cast<int>(n)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
inline Vec load_part(const real* p, size_t n) { return _mm256_maskload_ps(p, first_lanes(n)); }
inline void store(real* p, Vec v) { _mm256_storeu_ps(p, v); }
inline void store_part(real* p, Vec v, size_t n) { _mm256_maskstore_ps(p, first_lanes(n), v); }
inline Vec multiply_add(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
inline Vec add(Vec a, Vec b) { return _mm256_add_ps(a, b); }
inline Vec subtract(Vec a, Vec b) { return _mm256_sub_ps(a, b); }
inline Vec multiply(Vec a, Vec b) { return _mm256_mul_ps(a, b); }
inline Vec divide(Vec a, Vec b) { return _mm256_div_ps(a, b); }
/// a > b ? a : b
inline Vec larger(Vec a, Vec b) { return _mm256_max_ps(a, b); }
/// a == b ? yes : no
inline Vec if_equal(Vec a, Vec b, Vec yes, Vec no) {
  return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(a, b, _CMP_EQ_OQ));
}
/// a > 0 ? yes : +0
inline Vec if_positive(Vec a, Vec yes) { return _mm256_and_ps(_mm256_cmp_ps(a, zero(), _CMP_GT_OQ), yes); }
inline Vec relu(Vec a) { return _mm256_andnot_ps(_mm256_cmp_ps(a, zero(), _CMP_LT_OQ), a); }

#include "tiles.inl"

#include "kernels.inl"

}  // namespace

const Set set = make_set();

}  // namespace hans::kernels::avx2

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
