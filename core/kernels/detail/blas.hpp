// Products by OpenBLAS, in builds that have it; private to the convolution kernels.
#pragma once

#include <hans/core/kernels.hpp>

namespace hans::kernels::blas {

/// Whether OpenBLAS computes this convolution: the build has OpenBLAS, and the convolution is a single matrix product.
/// `simple` is a result of simplified(). Always false in a build without OpenBLAS; the functions below are then never
/// called.
bool takes(const Conv& simple);

/// Copies the weights unchanged; OpenBLAS packs them itself in every call.
void pack(const Conv& simple, const real* weights, real* packed);

// Like the functions of kernels.hpp, except that OpenBLAS chooses the order of sums.
void forward(const Conv& simple, const real* images, Weights weights, const real* bias, Activation activation,
             real* out);
void input_gradient(const Conv& simple, const real* gradient, Weights weights, const real* gate, real* out);
void weight_gradient(const Conv& simple, const real* images, const real* gradient, real* out, real* bias_gradient);

}  // namespace hans::kernels::blas
