// The kernels for x86-64 without fused multiply-add: SSE2, which every such machine has.
#if defined(__x86_64__) && !defined(HANS_DOUBLE) && !defined(HANS_NO_SSE2)
#include <emmintrin.h>

#include "detail/kernel_set.hpp"

namespace hans::kernels::sse2 {
namespace {

#include "fused.inl"

#include "four_lanes.inl"

constexpr const char* set_name = "sse2";

inline __m128d widen_low(Vec v) { return _mm_cvtps_pd(v); }
inline __m128d widen_high(Vec v) { return _mm_cvtps_pd(_mm_movehl_ps(v, v)); }
inline Vec narrow(__m128d low, __m128d high) { return _mm_movelh_ps(_mm_cvtpd_ps(low), _mm_cvtpd_ps(high)); }

#include "exact.inl"

#include "kernels.inl"

}  // namespace

const Set set = make_set();

}  // namespace hans::kernels::sse2
#endif
