// Interval bound propagation: training on the worst that intervals allow.
#pragma once

#include <hans/defenses/interval_training.hpp>

namespace hans::defenses {

/// The robust loss CE(u, y), where u_j is the upper bound of z_j - z_y that intervals give for the whole ball; the last
/// layer elided (Gowal 2018, eq. 8 to 12). A network that is right on u is certified by `hans certify --method ibp`.
/// Cost of a step: three times that of plain training.
struct Ibp : IntervalTraining {
  static constexpr std::string_view name = "ibp";
  static constexpr std::string_view meaning = "learn what intervals can prove in the whole ball";
  static constexpr std::string_view paper = "Gowal 2018, arXiv:1810.12715";
  static constexpr auto fields() { return fields_with(); }
  void validate() const;
  Ibp resolved() const;
  Var loss(const nn::TrainStep& step) const;
};

}  // namespace hans::defenses
