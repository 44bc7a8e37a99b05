// Elementary functions; arrays use the selected kernels.
#include <hans/core/error.hpp>
#include <hans/core/math.hpp>
#include "kernels/detail/kernel_set.hpp"

namespace hans {
namespace {

using Function = void (*)(const real* in, real* out, std::size_t count);

real of_one(Function function, real x) {
  real y;
  function(&x, &y, 1);
  return y;
}

void of_all(Function function, std::span<const real> in, std::span<real> out) {
  check(in.size() == out.size(), "an elementwise function got ", in.size(), " values and room for ", out.size(),
        "; give both the same size");
  function(in.data(), out.data(), in.size());
}

}  // namespace

real fma(real a, real b, real c) { return kernels::current()->fused(a, b, c); }

real exp(real x) { return of_one(kernels::current()->exp, x); }
real log(real x) { return of_one(kernels::current()->log, x); }
real tanh(real x) { return of_one(kernels::current()->tanh, x); }
real sigmoid(real x) { return of_one(kernels::current()->sigmoid, x); }
real erf(real x) { return of_one(kernels::current()->erf, x); }
real sin(real x) { return of_one(kernels::current()->sin, x); }
real cos(real x) { return of_one(kernels::current()->cos, x); }

void exp(std::span<const real> in, std::span<real> out) { of_all(kernels::current()->exp, in, out); }
void log(std::span<const real> in, std::span<real> out) { of_all(kernels::current()->log, in, out); }
void tanh(std::span<const real> in, std::span<real> out) { of_all(kernels::current()->tanh, in, out); }
void sigmoid(std::span<const real> in, std::span<real> out) { of_all(kernels::current()->sigmoid, in, out); }
void erf(std::span<const real> in, std::span<real> out) { of_all(kernels::current()->erf, in, out); }

}  // namespace hans
