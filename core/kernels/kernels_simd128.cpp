// The kernels for WebAssembly with 128-bit vectors.
#if defined(__wasm_simd128__) && !defined(HANS_DOUBLE)
#include <wasm_simd128.h>

#include "detail/kernel_set.hpp"

namespace hans::kernels::simd128 {
namespace {

#include "fused.inl"

#include "four_lanes.inl"

constexpr const char* set_name = "simd128";

using Doubles = double __attribute__((vector_size(16)));

inline Doubles widen_low(Vec v) { return (Doubles)wasm_f64x2_promote_low_f32x4((v128_t)v); }
inline Doubles widen_high(Vec v) { return widen_low(__builtin_shufflevector(v, v, 2, 3, 2, 3)); }
inline Vec narrow(Doubles low, Doubles high) {
  const Vec first = (Vec)wasm_f32x4_demote_f64x2_zero((v128_t)low);
  return __builtin_shufflevector(first, (Vec)wasm_f32x4_demote_f64x2_zero((v128_t)high), 0, 1, 4, 5);
}

#include "exact.inl"

#include "kernels.inl"

}  // namespace

const Set set = make_set();

}  // namespace hans::kernels::simd128
#endif
