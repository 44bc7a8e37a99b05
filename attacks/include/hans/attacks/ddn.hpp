// Decoupled direction and norm.
#pragma once

#include <hans/attacks/driver.hpp>

namespace hans::attacks {

/// Minimum-norm attack in l2 (Rony 2019): steps up the cross entropy, whose length falls from 1 to 0.01 along half a
/// cosine, each projected onto a sphere around the original that shrinks by gamma while the goal is reached and grows
/// by gamma while it is not. Then `refine` forward passes look for a nearer image (see refine_best), which the paper
/// does not. A random direction replaces a gradient of zero. Cost: one gradient a step.
struct Ddn {
  unsigned steps = 100;
  float init_eps = 1;
  float gamma = 0.05F;
  unsigned refine = 10;

  static constexpr std::string_view name = "ddn";
  static constexpr std::string_view meaning = "nearest image in l2: direction and distance set apart";
  static constexpr std::string_view paper = "Rony 2019, arXiv:1811.09600";
  static constexpr std::string_view norms = "l2";
  static constexpr auto fields() {
    return std::tuple(field("steps", &Ddn::steps, at_least(1), "gradients"),
                      field("init_eps", &Ddn::init_eps, at_least(0), "radius of the first sphere"),
                      field("gamma", &Ddn::gamma, between(0, 1), "share by which the sphere shrinks or grows"),
                      field("refine", &Ddn::refine, "forward passes on the way back"));
  }

  Task<Stop> search(GradientOracle& sample) const;
};

}  // namespace hans::attacks
