// Rows of coefficients of linear bounds.
#include <array>
#include <hans/core/kernels.hpp>
#include "detail/kernel_set.hpp"

namespace hans::kernels {
namespace {

/// The tree of 8, 4, 2, 1 over each 16 partial sums.
template <std::size_t count>
std::array<real, count> tree(real (&parts)[count * 16]) {
  std::array<real, count> sums{};
  for (std::size_t k = 0; k < count; ++k) {
    real* const p = parts + k * 16;
    for (std::size_t half = 8; half > 0; half /= 2) {
      for (std::size_t lane = 0; lane < half; ++lane) p[lane] += p[lane + half];
    }
    sums[k] = p[0];
  }
  return sums;
}

}  // namespace

real bound_add(std::size_t count, const real* more, const real* reach, real* row) {
  real parts[16];
  current()->bound_add(count, more, reach, row, parts);
  return tree<1>(parts)[0];
}

AffineSums bound_affine(std::size_t count, const real* row, const real* mass, const real* offset) {
  real parts[64];
  current()->bound_affine(count, row, mass, offset, parts);
  const std::array<real, 4> sums = tree<4>(parts);
  return {sums[0], sums[1], sums[2], sums[3]};
}

LineSums bound_lines(std::size_t count, const real* lower, const real* lower_add, const real* upper,
                     const real* upper_add, const real* reach, real* row) {
  real parts[48];
  current()->bound_lines(count, {lower, lower_add, upper, upper_add}, reach, row, parts);
  const std::array<real, 3> sums = tree<3>(parts);
  return {sums[0], sums[1], sums[2]};
}

BoxSums bound_box(std::size_t count, const real* row, const real* low, const real* high, const real* reach) {
  real parts[32];
  current()->bound_box(count, row, low, high, reach, parts);
  const std::array<real, 2> sums = tree<2>(parts);
  return {sums[0], sums[1]};
}

void bound_points(std::size_t count, const real* lower, const real* lower_add, const real* upper, const real* upper_add,
                  const real* row, const real* in, real* out) {
  current()->bound_points(count, {lower, lower_add, upper, upper_add}, row, in, out);
}

}  // namespace hans::kernels
