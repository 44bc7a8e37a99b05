// Elementary functions that give the same bits on every system, unlike libm.
#pragma once

#include <cstddef>
#include <span>

#include <hans/core/real.hpp>

namespace hans {

/// a * b + c with one rounding. Without a hardware instruction it is emulated in double, with the sum rounded to odd;
/// the C library is never used.
real fma(real a, real b, real c);

/// Elementary functions of one value. Errors stay below 2 ulp of float over the whole range; infinities, NaN, overflow
/// to infinity and gradual underflow follow IEEE 754. Float results come from explicit FMA polynomials; the double
/// build only checks formulas and uses the C library.
real exp(real x);
real log(real x);
real tanh(real x);
real sigmoid(real x);
real erf(real x);
real sin(real x);
real cos(real x);

/// The same functions over arrays, by the selected kernels; in and out may be the same array.
void exp(std::span<const real> in, std::span<real> out);
void log(std::span<const real> in, std::span<real> out);
void tanh(std::span<const real> in, std::span<real> out);
void sigmoid(std::span<const real> in, std::span<real> out);
void erf(std::span<const real> in, std::span<real> out);

}  // namespace hans
