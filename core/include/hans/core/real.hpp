// The floating-point type of all computations.
#pragma once

namespace hans {

/// `float` in the product. With HANS_DOUBLE (see `hans_f64` in CMakeLists.txt) the same sources are compiled again with
/// `double`, so that tests can compare gradients with finite differences far below single precision.
#ifdef HANS_DOUBLE
using real = double;
#else
using real = float;
#endif

}  // namespace hans
