// Comparison of gradients with finite differences.
#pragma once

#include <functional>
#include <span>

#include <hans/autodiff/tape.hpp>

namespace hans {

/// The largest error of the gradient of sum(f(xs) * weights), with fixed random weights, over all elements of all
/// inputs: its difference from a central four-point difference quotient, relative to max(1, |gradient|). Meant for the
/// double build, where a correct gradient gives less than 1e-7. Inputs must stay `step * 2` away from kinks.
real gradcheck(const std::function<Var(std::span<const Var>)>& f, std::span<const Tensor> xs, real step);

}  // namespace hans
