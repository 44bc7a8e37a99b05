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

}  // namespace hans::defenses
