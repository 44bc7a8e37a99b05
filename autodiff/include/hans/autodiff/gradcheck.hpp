// Gradients against finite differences.
#pragma once

#include <functional>
#include <span>

#include <hans/autodiff/tape.hpp>

namespace hans {

/// The largest disagreement, over all elements of all inputs, between the gradient of sum(f(xs) * weights), with fixed
/// random weights, and its central four-point difference quotient, relative to max(1, |gradient|). Meant for the
/// double build, where it is below 1e-7 for a right gradient; inputs must stay `step * 2` clear of kinks.
real gradcheck(const std::function<Var(std::span<const Var>)>& f, std::span<const Tensor> xs, real step);

}  // namespace hans
