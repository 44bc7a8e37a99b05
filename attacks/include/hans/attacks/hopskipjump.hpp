// HopSkipJump.
#pragma once

#include <hans/attacks/driver.hpp>

namespace hans::attacks {

/// Looks for the nearest image and sees nothing but classes (Chen 2020): from an image of noise that reaches the goal,
/// brought back to the boundary, it guesses the boundary's normal from the classes of `evals` * sqrt(step) random
/// images around, jumps along it as far as the goal stays reached, and comes back to the boundary. Cost: that many
/// forward passes a step, about 30 more for the ways back, and up to `tries` to begin.
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
