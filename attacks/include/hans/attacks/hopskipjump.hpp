// HopSkipJump.
#pragma once

#include <hans/attacks/driver.hpp>

namespace hans::attacks {

/// Decision-based minimum-norm attack (Chen 2020). From a noise image that reaches the goal, moved back to the
/// boundary, each step estimates the boundary's normal from the classes of `evals` * sqrt(step) random images around
/// (at most `most_evals`), jumps along it as far as the goal stays reached, and moves back to the boundary. Cost: those
/// forward passes and up to 34 more a step, and up to `tries` to begin.
struct HopSkipJump {
  Norm norm = Norm::l2;
  unsigned steps = 50;
  unsigned evals = 100;
  unsigned most_evals = 10000;
  unsigned tries = 100;

  static constexpr std::string_view name = "hopskipjump";
  static constexpr std::string_view meaning = "nearest image from classes alone, by guessing the boundary's normal";
  static constexpr std::string_view paper = "Chen 2020, arXiv:1904.02144";
  static constexpr auto fields() {
    return std::tuple(field("norm", &HopSkipJump::norm, up_to(Norm::l2), "of the distance"),
                      field("steps", &HopSkipJump::steps, at_least(1), "jumps"),
                      field("evals", &HopSkipJump::evals, at_least(1), "images for the first guess of a normal"),
                      field("most_evals", &HopSkipJump::most_evals, at_least(1), "images for any"),
                      field("tries", &HopSkipJump::tries, at_least(1), "images of noise to begin from"));
  }

  Task<Stop> search(LabelOracle& sample) const;
};

}  // namespace hans::attacks
