// Differentiable operations on arrays of any rank: rearranging, reducing along axes, matrix products.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include <hans/autodiff/tape.hpp>

namespace hans {

// --- rearranging (arrays.cpp) ----------------------------------------------------------------------

/// Permutes the axes: axis k of the result is axis order[k] of x. `order` names every axis once. Copies nothing if only
/// axes of extent 1 move.
Var transpose(const Var& x, std::span<const std::size_t> order);

/// transpose() of a plain tensor, without a gradient.
Tensor transposed(const Tensor& x, std::span<const std::size_t> order);

/// The index for which take() inserts `fill`.
inline constexpr std::size_t nothing = ~std::size_t{0};

/// Selects along `axis`: element j of the result is element indices[j] of x, or `fill` if indices[j] is `nothing`.
/// Implements slices, gathers, flips, all kinds of padding, tiling and nearest-neighbour scaling. If an element is
/// taken more than once, its gradients are added from +0 in rising j. Fastest if the indices rise by one.
Var take(const Var& x, std::size_t axis, std::span<const std::size_t> indices, real fill = 0);

/// Concatenates one or more arrays along `axis`. Their other extents must be equal.
Var concat(std::span<const Var> parts, std::size_t axis);

/// x repeated to `shape`, along its axes of extent 1 and along new axes in front.
Var broadcast_to(const Var& x, const Shape& shape);

// --- reducing (reductions.cpp) ---------------------------------------------------------------------

enum class Reduction { sum, mean, max, min, l2 };
constexpr std::array<std::string_view, 5> enum_names(Reduction) { return {"sum", "mean", "max", "min", "l2"}; }

/// Reduces over the given axes, each named at most once; with `keep` they stay with an extent of 1. Without axes, every
/// element is reduced alone: l2 gives sqrt(x^2), the others give the element.
///
/// A sum takes the elements in row-major order of the reduced axes, with sum()'s 16 partial sums; mean = sum / count;
/// l2 = sqrt(sum of x^2), with gradient x / l2, or 0 where l2 is 0. For max and min, the first index of the extreme
/// value receives the gradient; a NaN anywhere gives NaN. Without elements, sum and l2 give 0, and the others throw
/// Error. Fastest if the reduced axes are neighbours; otherwise x is copied first.
Var reduce(const Var& x, Reduction kind, std::span<const std::size_t> axes, bool keep);

// --- products (matmul.cpp) -------------------------------------------------------------------------

/// The product of matrices, which are the last two axes: ... x m x k times ... x k x n. The other axes are broadcast.
/// Every output is one chain of multiply-adds in rising k, as in linear().
Var matmul(const Var& a, const Var& b);

}  // namespace hans
