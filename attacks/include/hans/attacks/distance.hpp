// How far an image is from its original.
#pragma once

#include <cstddef>
#include <span>

#include <hans/attacks/budget.hpp>
#include <hans/core/real.hpp>

namespace hans::attacks {

/// Distances of an image from its original, NaN (but l0) if a feature is NaN. Differences are exact (taken in double);
/// sums run in index order.
struct Distances {
  double linf = 0, l2 = 0, l1 = 0;
  std::size_t l0 = 0;  ///< features whose bits differ
  double of(Norm norm) const;
};

/// The distances of `image` from `original`. Throws Error if their sizes differ.
Distances distances(std::span<const real> original, std::span<const real> image);

}  // namespace hans::attacks
