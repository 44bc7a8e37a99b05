// Steps that stay inside a ball and a box, exactly.
#pragma once

#include <cstddef>
#include <span>

#include <hans/attacks/attack.hpp>

namespace hans::attacks {

/// image = clip(original + eps * steepest ascent of `gradient` in `norm`). linf: the sign of each element;
/// l2: g / |g|; l1: the sign of the first element with the largest |g|. A zero gradient leaves the original. Where
/// rounding would leave the ball, the largest change that stays inside is made, so the judge's exact test holds. All
/// spans have one length; norm is not l0.
void step_in_ball(std::span<const real> original, std::span<const real> gradient, Norm norm, real eps, data::Box clip,
                  std::span<real> image);

/// The least and largest value of each feature: the box and, for linf, what the ball leaves of it, exactly. A feature
/// whose original lies outside may also stay where it is. A budget of prediction_only bounds nothing.
void bounds(std::span<const real> original, const Budget& budget, std::span<real> low, std::span<real> high);

/// Brings an image whose exact distance from the original is more than `size` into the ball: in l2 and l1 straight
/// towards the original, in l0 by keep_largest(). Does nothing in linf, which bounds() sees to.
void shrink(std::span<const real> original, Norm norm, double size, std::span<real> image);

/// Takes back all changes but the `count` largest; of equals the first stay.
void keep_largest(std::span<const real> original, double count, std::span<real> image);

/// 1, 0 or -1.
inline real sign(real g) { return static_cast<real>(static_cast<int>(g > 0) - static_cast<int>(g < 0)); }

/// The number nearest to `value` whose exact distance from `original` is at most eps. Constant time.
real within(real original, real value, double eps);

}  // namespace hans::attacks
