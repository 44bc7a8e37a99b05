// Matrix products; private to the convolution kernels.
#pragma once

#include <hans/core/kernels.hpp>

namespace hans::kernels {

/// out (rows x columns) = in (rows x depth) * weights (depth x columns). One chain per output, in rising depth.
struct Dense {
  std::size_t rows, depth, columns;
  const real* in;
  Weights weights;
  bool transposed;  ///< unpacked weights are columns x depth
  const real* bias;
  bool relu;
  const real* gate;  ///< one number per output, may be null
  real* out;
};

void dense(Dense product);

}  // namespace hans::kernels
