// Indicators of failure and verdicts: can a robustness number be believed?
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <hans/attacks/probe.hpp>

namespace hans::attacks {

/// From best to worst. UNCHECKED: nothing was measured that could have contradicted the number. SUSPECT: the model may
/// be less robust than it says. UNRELIABLE: the attack or the model was in no state in which the number could mean
/// anything else.
enum class Trust { reliable, unchecked, suspect, unreliable };
constexpr std::array<std::string_view, 4> enum_names(Trust) {
  return {"RELIABLE", "UNCHECKED", "SUSPECT", "UNRELIABLE"};
}

/// Rules of verdicts; raised whenever probes, indicators or rules change. Written into manifests.
inline constexpr int verdict_rules = 2;

/// Of which numbers an indicator speaks.
enum class Speaks {
  always,
  above_zero,  ///< of robust accuracies above 0 in a ball: they claim that nothing is to be found
  gradients,   ///< of those above 0 of attacks that see gradients
  nearest      ///< of the distances of an attack that looks for the nearest image, without a radius
};
constexpr std::array<std::string_view, 4> enum_names(Speaks) {
  return {"always", "above_zero", "gradients", "nearest"};
}

/// What the lists and the docs say of an indicator.
struct IndicatorInfo {
  std::string_view name, meaning;
  Speaks speaks;
  std::string_view suspect, unreliable;  ///< the rules
  std::string_view source;
  /// The attack to try next, as a SPEC in which EPS and NORM are the number's; empty: none.
  std::string_view next;
  /// The same in the threat model of a ball (an infinite one asks for the nearest image), where the data have the box
  /// `data`; null where `next` is empty.
  Attack (*advise)(const Budget& ball, data::Box data);
};

/// All of them, in the order of the reports.
std::span<const IndicatorInfo> list_indicators();

struct Indicator {
  const IndicatorInfo* info;
  Trust trust = Trust::reliable;  ///< reliable where it has nothing against the number, or does not speak of it
  std::string reason = {};        ///< with the values; empty where it has nothing against the number
};

/// A robust accuracy: of one attack, or the worst case of several in one ball.
struct Number {
  std::vector<std::size_t> attacks;  ///< places among the evaluation's
  Budget ball;                       ///< infinite size: the nearest image
  std::optional<float> radius = {};  ///< where it is one of `radii`
};

/// What is to be said of one number.
struct Reliability {
  Number number;
  Share robust;  ///< the number itself
  Trust trust = Trust::unchecked;
  std::size_t probed = 0;             ///< samples probed in its ball
  bool opposed = false;               ///< probes in its ball tried to contradict it
  std::string why_unchecked = {};     ///< "3 images are right, 20 are needed", "nothing was probed: ..."; else empty
  std::vector<Indicator> indicators;  ///< all, in the order of list_indicators()
  std::vector<Attack> next;           ///< to try next, in the number's own threat model; each once
};

/// What is to be said of a whole evaluation.
struct Judgement {
  Probes probes;
  std::vector<std::vector<Reliability>> attacks;  ///< for each attack: one for each radius, or one
  std::vector<Reliability> together;              ///< worst case of the attacks of a ball, for each that has several
  /// The worst verdict over all balls; a ball with several attacks counts by their worst case.
  Trust trust = Trust::unchecked;

  Trust of_attack(std::size_t attack) const;  ///< the worst over its radii
};

/// Judges a summed-up evaluation with the probes made of it (all parts joined). Fewer than 20 right images leave a
/// number UNCHECKED. Else the worst that an indicator says stands. If none speaks, the number is RELIABLE where it was
/// probed or nothing is left to be found, and UNCHECKED elsewhere: another attack of the evaluation speaks against a
/// number, never for it. Only what survived counts where a number is compared with other attacks. Deterministic; asks
/// no model. Throws Error for probes that are not of this evaluation and these radii.
Judgement judge_numbers(const Evaluation& evaluation, std::span<const float> radii, Probes probes);

}  // namespace hans::attacks
