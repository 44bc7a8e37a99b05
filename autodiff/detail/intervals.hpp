// What the operations on points and intervals check; private to them.
#pragma once

#include <hans/autodiff/intervals.hpp>
#include <hans/core/error.hpp>

namespace hans {

/// Throws Error unless x has at least as many samples as centres and radii of `boxes` intervals.
inline void check_boxes(const char* name, const Var& x, std::size_t boxes) {
  check(x.shape().rank() > 0 && x.shape()[0] / 2 >= boxes, name, ": ", boxes,
        " intervals need twice as many samples, not ", x.shape());
}

}  // namespace hans
