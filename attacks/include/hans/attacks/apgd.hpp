// Auto-PGD: projected gradient descent that sets its own step size.
#pragma once

#include <hans/attacks/driver.hpp>
#include <hans/attacks/losses.hpp>

namespace hans::attacks {

/// Auto-PGD (Croce and Hein 2020, algorithm 1) as in its authors' code. Steps have size 2 eps at first, and each move
/// is 3/4 of the new step plus 1/4 of the last move. At checkpoints the size is halved, and the search returns to the
/// best image, if the loss rose in at most a share `rho` of the steps, or if the best loss has not improved since the
/// last checkpoint and that did not halve. In l1 (Croce and Hein 2021) steps begin at eps, shrink by 1.5 at
/// checkpoints, have no momentum, and are shared among a number of features that follows how many the best image
/// changes. With large_eps the search begins in balls of 3 and 2 eps, for 30 % of the steps each. Where clip_min or
/// clip_max is left open, it stays open in the resolved SPEC and means the data's box. Cost: steps + 1 gradients for
/// each restart; loss=kl: one more forward pass.
struct Apgd {
  Required<float> eps;
  Norm norm = Norm::linf;
  unsigned steps = 100;
  unsigned restarts = 1;
  Loss loss = Loss::ce;
  float rho = 0.75F;
  bool large_eps = false;
  std::optional<float> clip_min = {}, clip_max = {};

  static constexpr std::string_view name = "apgd";
  static constexpr std::string_view meaning = "PGD that sets its own step size";
  static constexpr std::string_view paper = "Croce 2020, arXiv:2003.01690; l1: Croce 2021, arXiv:2103.01208";
  static constexpr std::string_view example = "apgd:eps=0.3";
  static constexpr auto fields() {
    return std::tuple(
        field("eps", &Apgd::eps, at_least(0), "radius of the ball, in data units"),
        field("norm", &Apgd::norm, up_to(Norm::l1), "of the ball"),
        field("steps", &Apgd::steps, at_least(1), "steps for each start"),
        field("restarts", &Apgd::restarts, at_least(1), "how often to begin anew"),
        field("loss", &Apgd::loss, "what to climb"),
        field("rho", &Apgd::rho, between(0, 1), "share of steps that must raise the loss"),
        field("large_eps", &Apgd::large_eps, "l1: begin in larger balls"),
        field("clip_min", &Apgd::clip_min, any_number.or_infinite(), "least value of a feature", "the data's"),
        field("clip_max", &Apgd::clip_max, any_number.or_infinite(), "largest value of a feature", "the data's"));
  }
  void validate() const;

  void check_goal(const Goal& goal, std::size_t class_count) const;
  Task<Stop> search(GradientOracle& sample) const;
};

/// Auto-PGD on the targeted DLR loss, towards one class after the other: the likeliest ones on the original, without
/// the first (Croce and Hein 2020, section 5). The attack itself is untargeted: any class will do. Cost: one forward
/// pass, and steps + 1 gradients for each class and restart.
struct ApgdT {
  Required<float> eps;
  Norm norm = Norm::linf;
  unsigned steps = 100;
  unsigned restarts = 1;
  unsigned classes = 9;
  float rho = 0.75F;
  bool large_eps = false;

  static constexpr std::string_view name = "apgd-t";
  static constexpr std::string_view meaning = "Auto-PGD towards the likeliest other classes in turn";
  static constexpr std::string_view paper = "Croce 2020, arXiv:2003.01690";
  static constexpr std::string_view example = "apgd-t:eps=0.3";
  static constexpr bool takes_targets = false;
  static constexpr auto fields() {
    return std::tuple(field("eps", &ApgdT::eps, at_least(0), "radius of the ball, in data units"),
                      field("norm", &ApgdT::norm, up_to(Norm::l1), "of the ball"),
                      field("steps", &ApgdT::steps, at_least(1), "steps for each start"),
                      field("restarts", &ApgdT::restarts, at_least(1), "how often to begin anew for each class"),
                      field("classes", &ApgdT::classes, at_least(1), "how many to aim at, the likeliest first"),
                      field("rho", &ApgdT::rho, between(0, 1), "share of steps that must raise the loss"),
                      field("large_eps", &ApgdT::large_eps, "l1: begin in larger balls"));
  }
  void validate() const;

  void check_goal(const Goal& goal, std::size_t class_count) const;
  Task<Stop> search(GradientOracle& sample) const;
};

}  // namespace hans::attacks
