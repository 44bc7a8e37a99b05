// What searches for proofs and counterexamples share.
#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <utility>

#include <hans/nn/sequential.hpp>

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

/// The class with the largest logit but for the label, and the label's logit minus that.
std::pair<std::size_t, real> closest_rival(std::span<const real> logits, int label);

/// Says of points and their logits in which direction of the logits each point is to go; true ends the way.
using Look = std::function<bool(const Tensor& points, const Tensor& logits, Tensor& direction)>;

/// Moves points by the signs of gradients, each step by less of the range from `low` to `high`, `steps` times.
void follow(const nn::Sequential& net, Tensor points, std::span<const real> low, std::span<const real> high,
            unsigned steps, const Look& look);

}  // namespace hans::defenses
