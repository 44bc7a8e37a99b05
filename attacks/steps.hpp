// Steps of attacks that stay in a ball, and where they begin.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <hans/attacks/ball.hpp>
#include <hans/attacks/oracle.hpp>

namespace hans::attacks {

/// Puts the sample's image at a random place of its ball and box: in linf every feature uniform; in l2 and l1 a normal
/// direction, of a length that is uniform up to eps.
void start_in_ball(const LabelOracle& sample, std::string_view purpose, std::uint32_t restart);

/// image += the steepest ascent of `gradient` of length `size` in the norm of the sample's budget, and back into ball
/// and box. linf: the sign of each element; l2: g / |g|; l1: an equal share for the 5 % of the features with the
/// largest |g| that the box lets move, then the nearest image of ball and box. A zero gradient moves nothing.
void step_up(const LabelOracle& sample, std::span<const real> gradient, real size, std::span<real> image);

/// The nearest image, in l2, of the l1 ball of radius eps around the original, and the ranges low to high (Condat 2016;
/// with a box Croce and Hein 2021). Exact but for rounding, in double. Cost: a sort.
void project_l1(std::span<const real> original, std::span<const real> low, std::span<const real> high, double eps,
                std::span<real> image);

/// Lengths in double, elements in rising order.
double length_l1(std::span<const real> values);
double length_l2(std::span<const real> values);

}  // namespace hans::attacks
