// Indicators of failure: can a robustness number be believed?
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <hans/attacks/evaluate.hpp>

namespace hans::attacks {

/// What an indicator, or all of them together, say of a number. suspect: the model may be less robust than it says.
/// unreliable: the attacks or the model were not in a state in which the number could have meant anything else.
enum class Trust { reliable, suspect, unreliable };
constexpr std::array<std::string_view, 3> enum_names(Trust) { return {"RELIABLE", "SUSPECT", "UNRELIABLE"}; }

/// What the lists and the docs say of an indicator.
struct IndicatorInfo {
  std::string_view name, meaning;
  std::string_view suspect, unreliable;  ///< the rules
  std::string_view source;
  std::string_view next;  ///< the attack to try next, as a SPEC in which EPS and NORM are the benchmark's; empty: none
};

/// All of them, in the order of the reports.
std::span<const IndicatorInfo> list_indicators();

struct Indicator {
  const IndicatorInfo* info;
  Trust trust = Trust::reliable;
  std::string reason = {};  ///< with the values; empty where it has nothing against the number
};

struct Reliability {
  Trust trust = Trust::reliable;
  std::size_t probed = 0;  ///< samples that were measured; of none, most indicators say nothing
  bool ball = false;       ///< whether other attacks were tried inside the benchmark's ball
  std::vector<Indicator> indicators;

  /// The attacks to try next, for what speaks against the number: each once, in the order of the indicators.
  std::vector<Attack> next(const Budget& budget) const;
};

/// Reads them off an evaluation whose samples were probed. An image that is not fooled any more cannot be counted
/// wrongly: only what survived counts against a number, where an indicator compares the benchmark with other attacks.
Reliability reliability(const Evaluation& evaluation);

/// The same for one attack of the evaluation alone, with probes made in its ball.
Reliability reliability(const Evaluation& evaluation, std::size_t attack, std::span<const Probe> probes);

}  // namespace hans::attacks
