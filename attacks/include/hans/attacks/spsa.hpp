// Simultaneous perturbation stochastic approximation.
#pragma once

#include <hans/attacks/driver.hpp>
#include <hans/attacks/losses.hpp>

namespace hans::attacks {

/// Score-based PGD (Uesato 2018). The gradient is estimated as the mean of `pairs` differences of the loss between
/// steps of +delta and -delta in a random direction of +-1; Adam takes the steps. Cost: 2 * pairs + 1 forward passes a
/// step.
struct Spsa {
  Required<float> eps;
  Norm norm = Norm::linf;
  unsigned steps = 100;
  unsigned pairs = 64;
  float delta = 0.01F;
  float rate = 0.01F;
  Loss loss = Loss::margin;

  static constexpr std::string_view name = "spsa";
  static constexpr std::string_view meaning = "PGD on gradients guessed from scores";
  static constexpr std::string_view paper = "Uesato 2018, arXiv:1802.05666";
  static constexpr std::string_view example = "spsa:eps=0.3";
  static constexpr auto fields() {
    return std::tuple(field("eps", &Spsa::eps, at_least(0), "radius of the ball, in data units"),
                      field("norm", &Spsa::norm, up_to(Norm::l1), "of the ball"),
                      field("steps", &Spsa::steps, at_least(1), "of Adam"),
                      field("pairs", &Spsa::pairs, at_least(1), "directions for each gradient"),
                      field("delta", &Spsa::delta, at_least(0), "how far to look, in data units"),
                      field("rate", &Spsa::rate, at_least(0), "of Adam"),
                      field("loss", &Spsa::loss, up_to(Loss::cw), "what to climb"));
  }

  void check_goal(const Goal& goal, std::size_t class_count) const;
  Task<Stop> search(ScoreOracle& sample) const;
};

}  // namespace hans::attacks
