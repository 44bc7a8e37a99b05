// Fast adaptive boundary attack.
#pragma once

#include <hans/attacks/driver.hpp>

namespace hans::attacks {

/// Minimum-norm attack (Croce and Hein 2020). Each step takes the model to be linear around the current image and moves
/// `eta` times the way to the class boundary nearest in the norm, biased towards the original by a weight of at most
/// alpha_max. An image across the boundary moves back, keeping a share `beta` of its change. With `classes`, it aims at
/// the likeliest other classes in turn, `steps` for each, at the cost of one gradient a step instead of one for each
/// class. The first run begins at the original, restarts begin half of eps away from it. With eps it ends at the first
/// image inside that ball. Without, it returns the nearest image, after `refine` forward passes on the way back (see
/// refine_best) and a last step from the original; the paper has a similar end, the authors' later code has none. Cost
/// besides: up to two forward passes a step.
struct Fab {
  Norm norm = Norm::linf;
  std::optional<float> eps = {};
  unsigned steps = 100;
  unsigned restarts = 1;
  unsigned classes = 0;
  float alpha_max = 0.1F;
  float eta = 1.05F;
  float beta = 0.9F;
  unsigned refine = 10;

  static constexpr std::string_view name = "fab";
  static constexpr std::string_view meaning = "walks along the boundary to the nearest image of another class";
  static constexpr std::string_view paper = "Croce 2020, arXiv:1907.02044";
  static constexpr bool takes_targets = false;
  static constexpr auto fields() {
    return std::tuple(
        field("norm", &Fab::norm, up_to(Norm::l1), "of the distance"),
        field("eps", &Fab::eps, at_least(0), "end at the first image this near, in data units", "none"),
        field("steps", &Fab::steps, at_least(1), "steps for each start"),
        field("restarts", &Fab::restarts, at_least(1), "how often to begin anew"),
        field("classes", &Fab::classes, "how many to aim at in turn, the likeliest first; 0: all at once"),
        field("alpha_max", &Fab::alpha_max, between(0, 1), "largest bias towards the original"),
        field("eta", &Fab::eta, at_least(1), "how far to overshoot the boundary"),
        field("beta", &Fab::beta, between(0, 1), "share of the change that is kept behind it"),
        field("refine", &Fab::refine, "forward passes on the way back, without eps"));
  }
  void validate() const;

  Task<Stop> search(GradientOracle& sample) const;
};

}  // namespace hans::attacks
