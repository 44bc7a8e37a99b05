// Adam on one image.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <hans/core/real.hpp>

namespace hans::attacks {

/// Minimizes a function with Adam (Kingma 2015; betas 0.9 and 0.999) on values that the caller holds.
class Descent {
 public:
  Descent(std::size_t size, real rate) : rate_(rate), mean_(size), square_(size) {}

  void step(std::span<const real> gradient, std::span<real> values);

 private:
  real rate_;
  std::vector<real> mean_, square_;
  real first_ = 1, second_ = 1;
};

}  // namespace hans::attacks
