// Projected gradient descent.
#pragma once

#include <hans/attacks/driver.hpp>
#include <hans/attacks/losses.hpp>

namespace hans::attacks {

/// bright, dark: where every feature is as far up, or down, as all together can be in ball and box. A layer that is
/// flat for dark features, say, has gradients there. gaussian: the original + 0.001 N(0, 1), as far as box and ball
/// allow.
enum class Start { random, original, bright, dark, gaussian };
constexpr std::array<std::string_view, 5> enum_names(Start) {
  return {"random", "original", "bright", "dark", "gaussian"};
}

/// Many small steps up the loss, back into the ball after each (Madry 2018). In linf a step changes each feature by
/// alpha along the sign of the gradient; in l2 it is alpha * g / |g|; in l1 alpha is shared out equally among the 5 %
/// of the features with the largest |g| that can still move that way, as by Tramer and Boneh 2019, and the projection
/// is the true one on ball and box. A random start is uniform in the linf ball, and in l2 and l1 on a random direction
/// at a random distance up to eps. clip_min and clip_max, where left open, stay so in the resolved SPEC, which then
/// means the data's box. Ends with the first image that reaches the goal. loss=kl takes the probabilities of the
/// original first, and is flat there: with start=original the attack stays where it is and stops for zero_gradient.
/// Cost: `steps` gradients and one more forward pass for each restart; kl: another forward pass.
struct Pgd {
  Required<float> eps;
  Norm norm = Norm::linf;
  unsigned steps = 40;
  std::optional<float> alpha = {};
  unsigned restarts = 1;
  Loss loss = Loss::ce;
  Start start = Start::random;
  std::optional<float> clip_min = {}, clip_max = {};

  static constexpr std::string_view name = "pgd";
  static constexpr std::string_view meaning = "many small steps along the gradient, back into the ball after each";
  static constexpr std::string_view paper = "Madry 2018, arXiv:1706.06083";
  static constexpr std::string_view example = "pgd:eps=0.3";
  static constexpr auto fields() {
    return std::tuple(
        field("eps", &Pgd::eps, at_least(0), "radius of the ball, in data units"),
        field("norm", &Pgd::norm, up_to(Norm::l1), "of the ball"),
        field("steps", &Pgd::steps, at_least(1), "gradients for each start"),
        field("alpha", &Pgd::alpha, at_least(0), "size of a step, in data units", "2.5*eps/steps"),
        field("restarts", &Pgd::restarts, at_least(1), "how often to begin anew"),
        field("loss", &Pgd::loss, "what to climb"),
        field("start", &Pgd::start,
              "where to begin: in the ball, at or beside the original, or with all features raised or lowered"),
        field("clip_min", &Pgd::clip_min, any_number.or_infinite(), "least value of a feature", "the data's"),
        field("clip_max", &Pgd::clip_max, any_number.or_infinite(), "largest value of a feature", "the data's"));
  }

  void check_goal(const Goal& goal, std::size_t class_count) const;
  Task<Stop> search(GradientOracle& sample) const;
  Pgd resolved(data::Box box) const;
};

}  // namespace hans::attacks
