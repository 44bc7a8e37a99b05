// Adam on one image.
#include <hans/attacks/descent.hpp>

namespace hans::attacks {

void Descent::step(std::span<const real> gradient, std::span<real> values) {
  first_ *= real{0.9F};
  second_ *= real{0.999F};
  for (std::size_t i = 0; i < values.size(); ++i) {
    mean_[i] = real{0.9F} * mean_[i] + real{0.1F} * gradient[i];
    square_[i] = real{0.999F} * square_[i] + real{0.001F} * (gradient[i] * gradient[i]);
    values[i] -= rate_ * (mean_[i] / (1 - first_)) / (std::sqrt(square_[i] / (1 - second_)) + real{1e-8F});
  }
}

}  // namespace hans::attacks
