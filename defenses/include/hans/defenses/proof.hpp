// Proofs of certificates.
#pragma once

#include <cstdint>
#include <vector>

namespace hans::defenses {

/// A proof that someone else can check; see FORMAT.md, Proofs. All numbers are of one image.
struct Proof {
  double bound = 0;                       ///< no margin is smaller, in real arithmetic
  std::vector<std::int32_t> ties = {};    ///< 2 * unit + slope: root slopes that rounding may decide otherwise
  std::vector<std::int32_t> tree = {};    ///< per other class, in preorder: a split's unit, -1 or -2: a leaf
  std::vector<std::int32_t> units = {};   ///< that `slopes` are for
  std::vector<std::uint8_t> slopes = {};  ///< per leaf -2: one for each unit, in 1/255
  std::vector<float> multipliers = {};    ///< per leaf: one for each split above it
};

}  // namespace hans::defenses
