// What searches for proofs and counterexamples share.
#include "detail/search.hpp"

#include <algorithm>

namespace hans::defenses {

void clamp_rows(Tensor& rows, std::span<const real> low, std::span<const real> high) {
  real* const x = rows.mutable_data();
  for (std::size_t i = 0; i < rows.size(); ++i) x[i] = std::clamp(x[i], low[i % low.size()], high[i % low.size()]);
}

Tensor clamped_points(std::span<const Tensor> points, const Shape& image, std::span<const real> low,
                      std::span<const real> high) {
  const std::size_t size = image.elements();
  Tensor rows = Tensor::uninitialised(image.with_front(points.size()));
  for (std::size_t k = 0; k < points.size(); ++k) {
    std::copy_n(points[k].data(), size, rows.mutable_data() + k * size);
  }
  clamp_rows(rows, low, high);
  return rows;
}

std::pair<std::size_t, real> closest_rival(std::span<const real> logits, int label) {
  const std::size_t right = static_cast<std::size_t>(label);
  std::size_t best = right == 0 ? 1 : 0;
  for (std::size_t j = best + 1; j < logits.size(); ++j) {
    if (j != right && logits[j] > logits[best]) best = j;
  }
  return {best, logits[right] - logits[best]};
}

void follow(const nn::Sequential& net, Tensor points, std::span<const real> low, std::span<const real> high,
            unsigned steps, const Look& look) {
  Tape tape;
  real rate = real{0.25F};
  for (unsigned step = 0; step <= steps; ++step, rate *= real{0.85F}) {
    clamp_rows(points, low, high);
    tape.rewind();
    const Var input = tape.watch(points), output = net.logits(input);
    Tensor direction(output.shape()), slope;
    if (look(points, output.value(), direction) || step == steps) return;
    tape.gradients(output, direction, {&input, 1}, {&slope, 1});
    real* const x = points.mutable_data();
    for (std::size_t i = 0; i < points.size(); ++i) {
      const real far = rate * (high[i % low.size()] - low[i % low.size()]);
      if (slope.data()[i] > 0) x[i] += far;
      if (slope.data()[i] < 0) x[i] -= far;
    }
  }
}

}  // namespace hans::defenses
