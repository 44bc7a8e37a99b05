// Projected gradient descent.
#pragma once

#include <hans/attacks/driver.hpp>
#include <hans/attacks/losses.hpp>

namespace hans::attacks {

/// bright and dark: all features raised, or lowered, by the same amount, as far as ball and box allow; a layer that is
/// flat for dark features, say, has gradients at the bright start. gaussian: the original + 0.001 N(0, 1), within box
/// and ball.
enum class Start { random, original, bright, dark, gaussian };
constexpr std::array<std::string_view, 5> enum_names(Start) {
  return {"random", "original", "bright", "dark", "gaussian"};
}

/// Many small steps up the loss, each projected into the ball (Madry 2018). In linf a step moves each feature by alpha
/// along the sign of the gradient; in l2 it is alpha * g / |g|; in l1 alpha is shared equally among the 5 % of the
/// features with the largest |g| that can still move (Tramer and Boneh 2019), and the projection onto ball and box is
/// exact. A random start is uniform in the linf ball; in l2 and l1 it lies in a random direction, at a distance uniform
/// up to eps. Where clip_min or clip_max is left open, it stays open in the resolved SPEC and means the data's box. The
/// attack ends at the first image that reaches the goal. loss=kl asks for the probabilities of the original first and
/// has no gradient there: with start=original the attack never moves (zero_gradient). Cost: `steps` gradients and one
/// forward pass for each restart; kl: one more forward pass.
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
