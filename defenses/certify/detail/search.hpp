// What searches for proofs and counterexamples share.
#pragma once

#include <chrono>
#include <span>

#include <hans/core/tensor.hpp>

namespace hans::defenses {

/// The time that a search may take, from now on.
class TimeLimit {
 public:
  /// 0 seconds: no limit.
  explicit TimeLimit(double seconds) : seconds_(seconds) {}

  bool is_over() const {
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begun_;
    return seconds_ > 0 && spent.count() > seconds_;
  }

 private:
  double seconds_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

/// Moves the numbers of each row into their range from `low` to `high`.
void clamp_rows(Tensor& rows, std::span<const real> low, std::span<const real> high);

/// Points as the rows of a batch of images of this shape, moved into their range.
Tensor clamped_points(std::span<const Tensor> points, const Shape& image, std::span<const real> low,
                      std::span<const real> high);

}  // namespace hans::defenses
