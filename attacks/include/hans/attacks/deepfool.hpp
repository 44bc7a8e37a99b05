// DeepFool.
#pragma once

#include <hans/attacks/driver.hpp>

namespace hans::attacks {

/// Takes the model to be linear around the current image and moves to the nearest class boundary, until the class
/// changes (Moosavi-Dezfooli 2016); the sum of all steps is lengthened by `overshoot`. Only the `candidates` likeliest
/// classes on the original count. Each step goes 1e-4 beyond the boundary, and is clipped to the box. Then `refine`
/// forward passes look for a nearer image (see refine_best), which the paper does not. Cost a step: a gradient for each
/// candidate but the first.
struct DeepFool {
  Norm norm = Norm::l2;
  unsigned steps = 50;
  unsigned candidates = 10;
  float overshoot = 0.02F;
  unsigned refine = 10;

  static constexpr std::string_view name = "deepfool";
  static constexpr std::string_view meaning = "straight to the nearest boundary, as if the model were linear";
  static constexpr std::string_view paper = "Moosavi-Dezfooli 2016, arXiv:1511.04599";
  static constexpr bool takes_targets = false;
  static constexpr auto fields() {
    return std::tuple(
        field("norm", &DeepFool::norm, up_to(Norm::l1), "of the distance"),
        field("steps", &DeepFool::steps, at_least(1), "at most"),
        field("candidates", &DeepFool::candidates, at_least(2), "classes looked at, the label's included"),
        field("overshoot", &DeepFool::overshoot, at_least(0), "how much too far to go"),
        field("refine", &DeepFool::refine, "forward passes on the way back"));
  }

  void check_goal(const Goal& goal, std::size_t class_count) const;
  Task<Stop> search(GradientOracle& sample) const;
};

}  // namespace hans::attacks
