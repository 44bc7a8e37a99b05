// How far an image is from its original.
#include <hans/attacks/distance.hpp>

#include <cmath>
#include <cstring>

#include <hans/core/error.hpp>

namespace hans::attacks {

double Distances::of(Norm norm) const {
  switch (norm) {
    case Norm::linf:
      return linf;
    case Norm::l2:
      return l2;
    case Norm::l1:
      return l1;
    case Norm::l0:
      break;
  }
  return static_cast<double>(l0);
}

Distances distances(std::span<const real> original, std::span<const real> image) {
  check(original.size() == image.size(), "an original of ", original.size(), " features does not fit an image of ",
        image.size());
  Distances found;
  double squares = 0;
  for (std::size_t i = 0; i < image.size(); ++i) {
    const double change = std::abs(static_cast<double>(image[i]) - static_cast<double>(original[i]));
    // Once NaN the distance stays NaN, which is inside no ball.
    found.linf = change <= found.linf || std::isnan(found.linf) ? found.linf : change;
    found.l1 += change;
    squares += change * change;
    found.l0 += std::memcmp(&original[i], &image[i], sizeof(real)) == 0 ? 0U : 1U;
  }
  found.l2 = std::sqrt(squares);
  return found;
}

}  // namespace hans::attacks
