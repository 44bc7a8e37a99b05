// Reductions with a specified order of operations.
#pragma once

#include <cstddef>
#include <span>

#include <hans/core/real.hpp>

namespace hans {

/// The sum of a row in 16 partial sums: element i is added to partial i mod 16 in rising i, then a tree of 8, 4, 2, 1
/// adds the partials. The sum of an empty row is +0.
real sum(std::span<const real> row);

/// sum() of `count` elements that lie `stride` apart.
real sum_strided(const real* first, std::size_t count, std::size_t stride);

/// sum() of `runs` runs of `length` elements each, whose starts lie `step` apart, as one row.
real sum_runs(const real* first, std::size_t runs, std::size_t length, std::size_t step);

/// The first index of the largest value. Gives row.size() if the row is empty or contains a NaN.
std::size_t argmax(std::span<const real> row);

/// Whether every value is finite. Reads each value once.
bool all_finite(std::span<const real> values);

/// p_j = exp(x_j - max) / sum. Rows of `columns` values each; in and out may be the same array.
void softmax(const real* in, real* out, std::size_t rows, std::size_t columns);

/// x_j - (max + log sum).
void log_softmax(const real* in, real* out, std::size_t rows, std::size_t columns);

/// Per row: loss = sum of t_j * ((max + log sum) - x_j).
void cross_entropy(const real* logits, const real* targets, real* losses, std::size_t rows, std::size_t columns);

/// Per row, upstream gradient u: u * fma(1 - t_j, p_j, -(t_j * r_j)) with r_j the row sum of p with element j
/// as +0. The usual p - t cancels to 0 for a confident model and weakens every attack.
void cross_entropy_gradient(const real* logits, const real* targets, const real* upstream, real* gradient,
                            std::size_t rows, std::size_t columns);

}  // namespace hans
