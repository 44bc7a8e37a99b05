// The geometry of pooling windows; private to the operations with windows.
#pragma once

#include <hans/autodiff/ops.hpp>

namespace hans {

/// The kernel's description of a pooling of images of shape `in`. Throws Error that begins with `name` if the windows
/// do not fit.
kernels::Pooling planned_pooling(const char* name, const Shape& in, const PoolWindow& window);

}  // namespace hans
