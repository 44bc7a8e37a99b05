// The kernels for any machine: plain C++, the reference for all other instruction sets.
#include "detail/kernel_set.hpp"

namespace hans::kernels::portable {
namespace {

#include "fused.inl"

constexpr const char* set_name = "portable";
constexpr size_t lanes = 16;
constexpr size_t tile_rows = 2;
constexpr size_t tile_vectors = 1;
constexpr size_t wide_rows = 0;
constexpr size_t thin_rows = 0;
constexpr bool fetches = false;

struct Vec {
  real lane[lanes];
};

inline Vec zero() { return Vec{}; }
inline Vec broadcast(real x) {
  Vec v;
  for (real& lane : v.lane) lane = x;
  return v;
}
inline Vec load(const real* p) {
  Vec v;
  for (size_t i = 0; i < lanes; ++i) v.lane[i] = p[i];
  return v;
}
inline Vec load_part(const real* p, size_t n) {
  Vec v{};
  for (size_t i = 0; i < n && i < lanes; ++i) v.lane[i] = p[i];
  return v;
}
inline void store(real* p, const Vec& v) {
  for (size_t i = 0; i < lanes; ++i) p[i] = v.lane[i];
}
inline void store_part(real* p, const Vec& v, size_t n) {
  for (size_t i = 0; i < n && i < lanes; ++i) p[i] = v.lane[i];
}
#if defined(HANS_FUSES)
inline Vec multiply_add(const Vec& a, const Vec& b, const Vec& c) {
  Vec v;
  for (size_t i = 0; i < lanes; ++i) v.lane[i] = fused(a.lane[i], b.lane[i], c.lane[i]);
  return v;
}
#else
/// The sum, rounded to double and then to float, has one rounding's value unless the first one's is halfway between two
/// floats or below the normal floats. The lanes are computed so, which compilers vectorise, and again if one met that.
inline Vec multiply_add(const Vec& a, const Vec& b, const Vec& c) {
  using Word = unsigned long long;
  constexpr Word dropped = (1ULL << 29) - 1, half = 1ULL << 28, normal = (1023ULL - 126) << 53;
  Vec v;
  Word doubt = 0;  // in the first bit
  for (size_t i = 0; i < lanes; ++i) {
    const double sum = static_cast<double>(a.lane[i]) * static_cast<double>(b.lane[i]) + static_cast<double>(c.lane[i]);
    Word bits;
    __builtin_memcpy(&bits, &sum, sizeof sum);
    const Word before = (bits << 1) - 1;  // without sign; of 0 the largest
    doubt |= ((bits & dropped) ^ half) - 1;
    doubt |= (before - normal) & ~before;
    v.lane[i] = static_cast<float>(sum);
  }
  if (doubt >> 63 != 0) {
    for (size_t i = 0; i < lanes; ++i) v.lane[i] = fused(a.lane[i], b.lane[i], c.lane[i]);
  }
  return v;
}
#endif
inline Vec add(const Vec& a, const Vec& b) {
  Vec v;
  for (size_t i = 0; i < lanes; ++i) v.lane[i] = a.lane[i] + b.lane[i];
  return v;
}
inline Vec subtract(const Vec& a, const Vec& b) {
  Vec v;
  for (size_t i = 0; i < lanes; ++i) v.lane[i] = a.lane[i] - b.lane[i];
  return v;
}
inline Vec multiply(const Vec& a, const Vec& b) {
  Vec v;
  for (size_t i = 0; i < lanes; ++i) v.lane[i] = a.lane[i] * b.lane[i];
  return v;
}
inline Vec divide(const Vec& a, const Vec& b) {
  Vec v;
  for (size_t i = 0; i < lanes; ++i) v.lane[i] = a.lane[i] / b.lane[i];
  return v;
}
inline Vec larger(const Vec& a, const Vec& b) {
  Vec v;
  for (size_t i = 0; i < lanes; ++i) v.lane[i] = a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i];
  return v;
}
inline Vec if_equal(const Vec& a, const Vec& b, const Vec& yes, const Vec& no) {
  Vec v;
  for (size_t i = 0; i < lanes; ++i) v.lane[i] = a.lane[i] == b.lane[i] ? yes.lane[i] : no.lane[i];
  return v;
}
inline Vec if_positive(const Vec& a, const Vec& yes) {
  Vec v;
  for (size_t i = 0; i < lanes; ++i) v.lane[i] = a.lane[i] > 0 ? yes.lane[i] : real(0);
  return v;
}
inline Vec relu(const Vec& a) {
  Vec v;
  for (size_t i = 0; i < lanes; ++i) v.lane[i] = a.lane[i] < 0 ? real(0) : a.lane[i];
  return v;
}
/// Transposes 8 x 8: out[k * 16 + lane] = in[lane * lane_stride + k].
inline void transpose_8x8(const real* in, size_t lane_stride, real* out) {
  for (size_t k = 0; k < 8; ++k) {
    for (size_t lane = 0; lane < 8; ++lane) out[k * panel + lane] = in[lane * lane_stride + k];
  }
}

#include "tiles.inl"

#include "kernels.inl"

}  // namespace

const Set set = make_set();

}  // namespace hans::kernels::portable
