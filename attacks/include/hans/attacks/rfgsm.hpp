// The fast gradient sign method from a random start.
#pragma once

#include <hans/attacks/driver.hpp>

namespace hans::attacks {

/// Where the step begins: every feature moved by the same amount in a random direction (sign), or by a random amount.
enum class Leap { sign, uniform };
constexpr std::array<std::string_view, 2> enum_names(Leap) { return {"sign", "uniform"}; }

/// One random step, then one step of alpha along the sign of the gradient, in the linf ball. start=sign is R+FGSM
/// (Tramer 2018): x' = x + (eps - alpha) * sign(n) with n normal. start=uniform is the fast attack of Wong 2020: x' is
/// uniform in the ball. Cost: one gradient.
struct RFgsm {
  Required<float> eps;
  std::optional<float> alpha = {};
  Leap start = Leap::sign;

  static constexpr std::string_view name = "r-fgsm";
  static constexpr std::string_view meaning = "a random step, then one along the sign of the gradient";
  static constexpr std::string_view paper = "Tramer 2018, arXiv:1705.07204; Wong 2020, arXiv:2001.03994";
  static constexpr std::string_view norms = "linf";
  static constexpr std::string_view example = "r-fgsm:eps=0.3";
  static constexpr auto fields() {
    return std::tuple(
        field("eps", &RFgsm::eps, at_least(0), "largest change of a feature, in data units"),
        field("alpha", &RFgsm::alpha, at_least(0), "size of the second step", "eps/2, for start=uniform 1.25*eps"),
        field("start", &RFgsm::start, "the first step"));
  }

  Task<Stop> search(GradientOracle& sample) const;
  RFgsm resolved(data::Box box) const;
};

}  // namespace hans::attacks
