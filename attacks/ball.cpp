// Steps that stay inside a ball and a box, exactly.
#include <hans/attacks/ball.hpp>

#include <algorithm>
#include <cmath>

#include <hans/attacks/judge.hpp>
#include <hans/core/error.hpp>

namespace hans::attacks {
namespace {

real clipped(real value, data::Box clip) {
  return std::min(std::max(value, static_cast<real>(clip.lo)), static_cast<real>(clip.hi));
}

real sign(real g) { return g > 0 ? real{1} : g < 0 ? real{-1} : real{0}; }

}  // namespace

real within(real original, real value, real eps) {
  while (std::abs(static_cast<double>(value) - static_cast<double>(original)) > static_cast<double>(eps)) {
    value = std::nextafter(value, original);
  }
  return value;
}

void step_in_ball(std::span<const real> original, std::span<const real> gradient, Norm norm, real eps, bool descend,
                  data::Box clip, std::span<real> image) {
  const real way = descend ? real{-1} : real{1};
  if (norm == Norm::linf) {
    for (std::size_t i = 0; i < image.size(); ++i) {
      const real moved = clipped(original[i] + way * (eps * sign(gradient[i])), clip);
      image[i] = within(original[i], moved, eps);
    }
    return;
  }
  std::ranges::copy(original, image.begin());
  if (norm == Norm::l1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i < image.size(); ++i) {
      if (std::abs(gradient[i]) > std::abs(gradient[best])) best = i;
    }
    const real moved = clipped(original[best] + way * (eps * sign(gradient[best])), clip);
    image[best] = within(original[best], moved, eps);
    return;
  }
  check(norm == Norm::l2, "a step in l0 has no size");
  double squares = 0;
  for (const real g : gradient) squares += static_cast<double>(g) * static_cast<double>(g);
  if (squares == 0) return;
  // Rounding of the pixels can leave the ball by a little; a slightly shorter step does not. Only an original outside the
  // box never gets inside both: the judge will say so.
  double length = static_cast<double>(eps) / std::sqrt(squares);
  for (int tries = 0; tries < 100; ++tries, length *= 1 - 1e-7) {
    for (std::size_t i = 0; i < image.size(); ++i) {
      image[i] = clipped(static_cast<real>(static_cast<double>(original[i]) +
                                           static_cast<double>(way) * length * static_cast<double>(gradient[i])),
                         clip);
    }
    if (distances(original, image).l2 <= static_cast<double>(eps)) return;
  }
}

}  // namespace hans::attacks
