// Steps of attacks that stay in a ball, and where they begin.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <hans/attacks/ball.hpp>
#include <hans/attacks/oracle.hpp>

namespace hans::attacks {

/// A random direction: in linf every element uniform in [-1, 1), otherwise all normal.
std::vector<real> random_way(Stream& stream, Norm norm, std::size_t features);

/// Puts the sample's image at a random place of its ball and box: in linf every feature uniform; in l2 and l1 a normal
/// direction, of a length that is uniform up to eps.
void start_in_ball(const LabelOracle& sample, std::string_view purpose, std::uint32_t restart);

/// Moves all features of the sample's image by the same: `way`, 1 or -1, times what the ball allows, and into the box.
void start_at_end(const LabelOracle& sample, real way);

/// image += the steepest ascent of `gradient` of length `size` in the norm of the sample's budget, and back into ball
/// and box. linf: the sign of each element; l2: g / |g|; l1: an equal share for the 5 % of the features with the
/// largest |g| that the box lets move, then the nearest image of ball and box. A zero gradient moves nothing.
void step_up(const LabelOracle& sample, std::span<const real> gradient, real size, std::span<real> image);

/// The nearest image, in l2, of the l1 ball of radius eps around the original, and the ranges low to high (Condat 2016;
/// with a box Croce and Hein 2021). Exact but for rounding, in double. Cost: a sort.
void project_l1(std::span<const real> original, std::span<const real> low, std::span<const real> high, double eps,
                std::span<real> image);

/// The image nearest to this one, in l2, of box and ball of radius `size` around the original, in the norm of the
/// sample's budget: linf cuts every change off, l2 shrinks all, l1 does both (project_l1), l0 keeps the `size` largest
/// (of equals the first). The box comes first: what it cuts off is then not missing from what the ball allows.
void project_to(const LabelOracle& sample, double size, std::span<real> image);

/// Looks for an image nearer than the best so far: what becomes of that in smaller balls (project_to), by halving; in
/// l0 by taking back one changed feature after the other, the least changed first. Does nothing where none was found.
/// Cost: `steps` forward passes at most.
Task<Stop> refine_kept(const LabelOracle& sample, unsigned steps);

/// factor * value, the factor rounded first. One that is too large for a real, as the length of a gradient of denormal
/// numbers makes it, is not, so that 0 stays 0 and no infinity comes in.
real scaled(double factor, real value);

/// What falls from `first` to `last` along half a cosine while k goes from 0 to n (Loshchilov 2017).
real cosine(real first, real last, unsigned k, unsigned n);

/// The largest of |v|, and the lengths: in double, elements in rising order.
double length_linf(std::span<const real> values);
double length_l1(std::span<const real> values);
double length_l2(std::span<const real> values);
double length(Norm norm, std::span<const real> values);  ///< the one of the norm, not l0

/// The length that a gradient has so that the distance to a plane is its value over that: l1 for linf and the reverse.
double dual_length(Norm norm, std::span<const real> values);

}  // namespace hans::attacks
