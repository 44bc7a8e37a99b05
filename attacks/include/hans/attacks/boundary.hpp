// The boundary attack.
#pragma once

#include <hans/attacks/driver.hpp>

namespace hans::attacks {

/// Looks for the nearest image in l2 and sees nothing but classes (Brendel 2018): from the best of `starts` images of
/// noise that reach the goal, each brought back to the boundary, it takes random steps along the sphere around the
/// original and towards it, and keeps those that still reach the goal. How long they are follows from how many did.
/// Cost: a forward pass a step, one more every tenth, and to begin 14 for each start and up to `tries` in all.
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
