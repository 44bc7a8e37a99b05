// Products by OpenBLAS, where the build has it: private to the drivers.
#pragma once

#include <hans/core/kernels.hpp>

namespace hans::kernels::blas {

/// Whether OpenBLAS computes this convolution: the build has it, and it is one product of matrices. Of `simple`, what
/// simplified() gives. Always false in a build without OpenBLAS; then nothing below is called.
bool takes(const Conv& simple);

/// Copies the weights, which OpenBLAS arranges itself in every call.
void pack(const Conv& simple, const real* weights, real* packed);

// As the functions of kernels.hpp, but sums are in whatever order OpenBLAS chooses for this shape and machine.
void forward(const Conv& simple, const real* images, Weights weights, const real* bias, Activation activation,
             real* out);
void input_gradient(const Conv& simple, const real* gradient, Weights weights, const real* gate, real* out);
void weight_gradient(const Conv& simple, const real* images, const real* gradient, real* out, real* bias_gradient);

}  // namespace hans::kernels::blas
