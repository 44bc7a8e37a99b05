// Steps and projections that stay exactly inside a ball and a box.
#pragma once

#include <cstddef>
#include <span>

#include <hans/attacks/attack.hpp>

namespace hans::attacks {

/// image = clip(original + eps * steepest ascent of `gradient` in `norm`). linf: the sign of each element; l2: g / |g|;
/// l1: the sign of the first element with the largest |g|. A zero gradient gives the original. If rounding would leave
/// the ball, the largest change inside it is taken, so the judge's exact test holds. All spans have the same length.
/// Throws Error for l0, and in l2 for an infinite gradient.
void step_in_ball(std::span<const real> original, std::span<const real> gradient, Norm norm, real eps, data::Box clip,
                  std::span<real> image);

/// The range of each feature: the box and, for linf, the ball, exactly. A feature whose original lies outside may also
/// keep its value. A prediction_only budget has infinite ranges.
void bounds(std::span<const real> original, const Budget& budget, std::span<real> low, std::span<real> high);

/// Brings an image that is exactly farther than `size` from the original into the ball: in l2 and l1 straight towards
/// the original, in l0 by keep_largest(). Does nothing in linf, where bounds() suffices.
void shrink(std::span<const real> original, Norm norm, double size, std::span<real> image);

/// Undoes all changes but the `count` largest; among equals the first are kept.
void keep_largest(std::span<const real> original, double count, std::span<real> image);

/// 1, 0 or -1.
inline real sign(real g) { return static_cast<real>(static_cast<int>(g > 0) - static_cast<int>(g < 0)); }

/// The number nearest to `value` whose exact distance from `original` is at most eps. Takes constant time.
real within(real original, real value, double eps);

}  // namespace hans::attacks
