// CROWN-IBP: interval bound propagation that starts from tighter bounds.
#pragma once

#include <hans/defenses/interval_training.hpp>

namespace hans::defenses {

/// The robust loss CE(b m + (1 - b) u, y), where u are the upper bounds of margins that ibp trains on, and m those of
/// linear bounds from the logits back over the same intervals (Zhang 2020; see nn::crown_margins). b goes
/// straight from 1 to 0 while eps rises, so the run ends as ibp does, with the same certificates. Cost of a step while
/// eps rises: that of ibp, and of plain training once for each class; then that of ibp.
struct CrownIbp : IntervalTraining {
  static constexpr std::string_view name = "crown-ibp";
  static constexpr std::string_view meaning = "learn what intervals can prove, and linear bounds before that";
  static constexpr std::string_view paper = "Zhang 2020, arXiv:1906.06316";
  static constexpr auto fields() { return fields_with(); }
  void validate() const;
  CrownIbp resolved() const;
  Var loss(const nn::TrainStep& step) const;
};

}  // namespace hans::defenses
