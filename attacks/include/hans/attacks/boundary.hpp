// The boundary attack.
#pragma once

#include <hans/attacks/driver.hpp>

namespace hans::attacks {

/// Decision-based minimum-norm attack in l2 (Brendel 2018). From the best of `starts` noise images that reach the goal,
/// each moved back to the boundary, it takes random steps along the sphere around the original and towards the
/// original, and keeps those that still reach the goal. Step lengths adapt to the share of steps that do. Cost: a
/// forward pass a step and one more every tenth; to begin, 14 for each start and up to `tries` in all.
struct BoundaryAttack {
  unsigned steps = 25000;
  float spherical_step = 0.01F;
  float source_step = 0.01F;
  float adaptation = 1.5F;
  unsigned starts = 10;
  unsigned tries = 100;

  static constexpr std::string_view name = "boundary";
  static constexpr std::string_view meaning = "nearest image in l2 from classes alone, by a walk along the boundary";
  static constexpr std::string_view paper = "Brendel 2018, arXiv:1712.04248";
  static constexpr std::string_view norms = "l2";
  static constexpr auto fields() {
    return std::tuple(
        field("steps", &BoundaryAttack::steps, at_least(1), "steps of the walk"),
        field("spherical_step", &BoundaryAttack::spherical_step, at_least(0),
              "first step along the sphere, in distances"),
        field("source_step", &BoundaryAttack::source_step, at_least(0), "first step to the original, in distances"),
        field("adaptation", &BoundaryAttack::adaptation, at_least(1), "how much longer or shorter steps become"),
        field("starts", &BoundaryAttack::starts, at_least(1), "images of noise, of which the best is taken"),
        field("tries", &BoundaryAttack::tries, at_least(1), "images of noise to begin from"));
  }

  Task<Stop> search(LabelOracle& sample) const;
};

}  // namespace hans::attacks
