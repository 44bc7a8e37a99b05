// The type of every number the library computes with.
#pragma once

namespace hans {

/// `float` in the product. The same sources are compiled a second time with HANS_DOUBLE (see
/// `hans_f64` in CMakeLists.txt) where `real` is `double`, so that gradients can be checked against
/// finite differences far below single precision.
#ifdef HANS_DOUBLE
using real = double;
#else
using real = float;
#endif

}  // namespace hans
