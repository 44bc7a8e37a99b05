// Differentiable operations on arrays of any rank: rearranging, reducing along axes, products of matrices.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include <hans/autodiff/tape.hpp>

namespace hans {

// --- rearranging (arrays.cpp) ----------------------------------------------------------------------

/// Axis k of the result is axis order[k] of x; every axis of x is named once. No copy where only extents of 1 move.
Var transpose(const Var& x, std::span<const std::size_t> order);

/// The same of numbers that nobody differentiates.
Tensor transposed(const Tensor& x, std::span<const std::size_t> order);

/// The index that take() puts `fill` for.
inline constexpr std::size_t nothing = ~std::size_t{0};

/// Along `axis`, element j of the result is element indices[j] of x; where indices[j] is `nothing` it is `fill`.
/// Slices, gathers, flips, paddings of every kind, tilings and nearest-neighbour scaling are all this. The gradient
/// of an element taken more than once adds up from +0 in rising j. Fastest where indices rise by one.
Var take(const Var& x, std::size_t axis, std::span<const std::size_t> indices, real fill = 0);

/// One behind the other along `axis`, at least one. Their shapes are equal but for that axis.
Var concat(std::span<const Var> parts, std::size_t axis);

/// x repeated along its axes of extent 1, and along new ones in front, to `shape`.
Var broadcast_to(const Var& x, const Shape& shape);

// --- reducing (reductions.cpp) ---------------------------------------------------------------------

enum class Reduction { sum, mean, max, min, l2 };
constexpr std::array<std::string_view, 5> enum_names(Reduction) { return {"sum", "mean", "max", "min", "l2"}; }

/// Over the given axes, each named at most once; with `keep` they stay, with an extent of 1. Without axes every element
/// is reduced alone: l2 makes it sqrt(x^2), the others leave it as it is.
/// A sum takes the elements in row-major order of the reduced axes by sum()'s 16 partials; mean = sum / count; l2 =
/// sqrt(sum of x^2), with gradient x / l2, or 0 where l2 is 0. max and min are those of the first index that has them,
/// which gets the gradient; a NaN anywhere gives NaN. Of no elements the sum and l2 are 0, the others refused.
/// Fastest where the reduced axes are neighbours; otherwise they are brought together by a copy first.
Var reduce(const Var& x, Reduction kind, std::span<const std::size_t> axes, bool keep);

// --- products (matmul.cpp) -------------------------------------------------------------------------

/// Of matrices, which the last two axes are: ... x m x k times ... x k x n. The axes before them are broadcast. Every
/// output is one chain of multiply-adds in rising k, as in linear().
Var matmul(const Var& a, const Var& b);

}  // namespace hans
