// The kernels for AVX-512.
#if defined(__x86_64__) && !defined(HANS_DOUBLE) && !defined(HANS_NO_AVX512)
#include <immintrin.h>

#include "detail/kernel_set.hpp"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")
#endif

namespace hans::kernels::avx512 {
namespace {

inline real fused(real a, real b, real c) { return __builtin_fmaf(a, b, c); }

#include "transpose_avx.inl"

constexpr const char* set_name = "avx512";
constexpr size_t lanes = 16;
constexpr size_t tile_rows = 14;
constexpr size_t tile_vectors = 2;
constexpr size_t wide_rows = 3;
constexpr size_t thin_rows = 24;
constexpr bool fetches = true;

using Vec = __m512;

inline Vec zero() { return _mm512_setzero_ps(); }
inline Vec broadcast(real x) { return _mm512_set1_ps(x); }
inline Vec load(const real* p) { return _mm512_loadu_ps(p); }
inline __mmask16 first_lanes(size_t n) { return n >= 16 ? __mmask16(0xffff) : static_cast<__mmask16>((1u << n) - 1u); }
inline Vec load_part(const real* p, size_t n) { return _mm512_maskz_loadu_ps(first_lanes(n), p); }
inline void store(real* p, Vec v) { _mm512_storeu_ps(p, v); }
inline void store_part(real* p, Vec v, size_t n) { _mm512_mask_storeu_ps(p, first_lanes(n), v); }
inline Vec multiply_add(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
inline Vec add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
inline Vec subtract(Vec a, Vec b) { return _mm512_sub_ps(a, b); }
inline Vec multiply(Vec a, Vec b) { return _mm512_mul_ps(a, b); }
inline Vec divide(Vec a, Vec b) { return _mm512_div_ps(a, b); }
/// a > b ? a : b. (The mask avoids -Wmaybe-uninitialized in g++ 12.)
inline Vec larger(Vec a, Vec b) { return _mm512_maskz_max_ps(0xffff, a, b); }
/// a == b ? yes : no
inline Vec if_equal(Vec a, Vec b, Vec yes, Vec no) {
  return _mm512_mask_mov_ps(no, _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ), yes);
}
/// a > 0 ? yes : +0
inline Vec if_positive(Vec a, Vec yes) { return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(a, zero(), _CMP_GT_OQ), yes); }
inline Vec relu(Vec a) { return _mm512_maskz_max_ps(0xffff, zero(), a); }

#include "tiles.inl"

#include "kernels.inl"

}  // namespace

const Set set = make_set();

}  // namespace hans::kernels::avx512

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
