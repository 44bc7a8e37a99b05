// Fast minimum norm.
#pragma once

#include <hans/attacks/driver.hpp>

namespace hans::attacks {

/// Minimum-norm attack in any norm (Pintor 2021): steps of `alpha` up the margin, in l2, each projected onto a ball
/// around the original. Until the goal is reached first, the ball extends to where the boundary would be if the model
/// were linear; then it shrinks by gamma while the goal is reached and grows by gamma while it is not. alpha falls to a
/// hundredth and gamma to 0.001 along half a cosine. Then `refine` forward passes look for a nearer image (see
/// refine_best), which the paper does not. Cost: one gradient a step.
struct Fmn {
  Norm norm = Norm::l2;
  unsigned steps = 100;
  float alpha = 1;
  float gamma = 0.05F;
  unsigned refine = 10;

  static constexpr std::string_view name = "fmn";
  static constexpr std::string_view meaning = "nearest image in any norm: a ball that shrinks around the original";
  static constexpr std::string_view paper = "Pintor 2021, arXiv:2102.12827";
  static constexpr auto fields() {
    return std::tuple(field("norm", &Fmn::norm, "of the distance"),
                      field("steps", &Fmn::steps, at_least(1), "gradients"),
                      field("alpha", &Fmn::alpha, at_least(0), "length of the first step"),
                      field("gamma", &Fmn::gamma, between(0, 1), "share by which the ball shrinks or grows at first"),
                      field("refine", &Fmn::refine, "forward passes on the way back"));
  }

  Task<Stop> search(GradientOracle& sample) const;
};

}  // namespace hans::attacks
