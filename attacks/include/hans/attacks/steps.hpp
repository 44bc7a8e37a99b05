// Starts, steps and projections of attacks that stay in a ball.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <hans/attacks/ball.hpp>
#include <hans/attacks/oracle.hpp>

namespace hans::attacks {

/// A random direction: for linf uniform in [-1, 1) in each element, else normal.
std::vector<real> random_direction(Stream& stream, Norm norm, std::size_t features);

/// Moves the sample's image to a random point of ball and box: in linf every feature uniform; in l2 and l1 along a
/// normal direction, by a length uniform up to eps.
void start_in_ball(const LabelOracle& sample, std::string_view purpose, std::uint32_t restart);

/// Moves all features of the sample's image by the same amount, up (`way` = 1) or down (-1): as far as the ball allows,
/// then into the box.
void start_at_extreme(const LabelOracle& sample, real way);

/// Adds to the image a step of length `size` along the steepest ascent of `gradient` in the norm of the sample's
/// budget, and projects it into ball and box. linf: the sign of each element; l2: g / |g|; l1: an equal share for the
/// 5 % of the features with the largest |g| that the box lets move, then project_l1(). A zero gradient moves nothing.
void step_up(const LabelOracle& sample, std::span<const real> gradient, real size, std::span<real> image);

/// Projects an image, in l2, onto the l1 ball of radius eps around the original within the ranges low to high (Condat
/// 2016; with a box Croce and Hein 2021). Computed in double, exact up to rounding. Cost: a sort.
void project_l1(std::span<const real> original, std::span<const real> low, std::span<const real> high, double eps,
                std::span<real> image);

/// Projects an image into the box, then into the ball of radius `size` around the original, in the norm of the sample's
/// budget: linf clamps every change, l2 scales all, l1 does both at once (project_l1), l0 keeps the `size` largest (the
/// first among equals). Clipping first leaves the whole radius to the changes that the box allows.
void project_to(const LabelOracle& sample, double size, std::span<real> image);

/// Searches for an image nearer than the best so far: projects that into smaller balls (project_to) with a binary
/// search over the radius; in l0 undoes one change after the other, smallest first. Does nothing if none reached the
/// goal yet. Cost: at most `steps` forward passes.
Task<Stop> refine_best(const LabelOracle& sample, unsigned steps);

/// factor * value, with the factor rounded to real first. If that overflows, as one over the length of denormal
/// gradients does, the product is taken in double: 0 stays 0, and no infinity arises.
real scaled(double factor, real value);

/// From `first` to `last` along half a cosine as k goes from 0 to n (Loshchilov 2017).
real cosine(real first, real last, unsigned k, unsigned n);

/// Norms of a vector, in double, summed in index order.
double length_linf(std::span<const real> values);
double length_l1(std::span<const real> values);
double length_l2(std::span<const real> values);
double length(Norm norm, std::span<const real> values);  ///< throws Error for l0

/// The dual norm: l1 for linf, linf for l1, l2 for l2. The distance to a plane is its value over the dual norm of its
/// gradient.
double dual_length(Norm norm, std::span<const real> values);

}  // namespace hans::attacks
