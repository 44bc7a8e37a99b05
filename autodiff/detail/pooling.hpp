// How windows of a pooling layer lie: private to the sources of the operations with windows.
#pragma once

#include <hans/autodiff/ops.hpp>

namespace hans {

/// Of images of shape `in`. Throws Error that begins with `name` if the windows do not fit.
kernels::Pooling planned_pooling(const char* name, const Shape& in, const PoolWindow& window);

}  // namespace hans
