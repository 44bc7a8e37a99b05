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
inline Vec multiply_add(const Vec& a, const Vec& b, const Vec& c) {
  Vec v;
  for (size_t i = 0; i < lanes; ++i) v.lane[i] = fused(a.lane[i], b.lane[i], c.lane[i]);
  return v;
}
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
