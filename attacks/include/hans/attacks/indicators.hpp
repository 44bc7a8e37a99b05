// Indicators of failure, and verdicts on whether a robustness number can be believed.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <hans/attacks/probe.hpp>

namespace hans::attacks {

/// Verdicts, from best to worst. EXACT: certificates prove that no attack can lower the number. UNCHECKED: nothing was
/// measured that could have contradicted the number. SUSPECT: the model may be less robust than the number says.
/// UNRELIABLE: the state of attack or model makes the number meaningless.
enum class Verdict { exact, reliable, unchecked, suspect, unreliable };
constexpr std::array<std::string_view, 5> enum_names(Verdict) {
  return {"EXACT", "RELIABLE", "UNCHECKED", "SUSPECT", "UNRELIABLE"};
}

/// The version of the rules of verdicts, in every manifest. Raise it when probes, indicators or rules change.
inline constexpr int verdict_rules = 2;

/// The numbers an indicator applies to.
enum class Speaks {
  always,
  above_zero,  ///< robust accuracies above 0 in a ball, which claim that nothing is to be found
  gradients,   ///< robust accuracies above 0 of attacks that see gradients
  nearest      ///< distances of a minimum-norm attack, without a radius
};
constexpr std::array<std::string_view, 4> enum_names(Speaks) {
  return {"always", "above_zero", "gradients", "nearest"};
}

/// What lists and documentation say about an indicator.
struct IndicatorInfo {
  std::string_view name, meaning;
  Speaks speaks;
  std::string_view suspect, unreliable;  ///< the rules, in words
  std::string_view source;
  /// The attack to try next, a SPEC in which EPS and NORM stand for the number's; empty: none.
  std::string_view next;
  /// That attack in the threat model of `ball` (infinite: for the nearest image), where the data have the box `data`;
  /// null if `next` is empty.
  Attack (*advise)(const Budget& ball, data::Box data);
};

/// All indicators, in the order of reports.
std::span<const IndicatorInfo> list_indicators();

/// The reason of the indicator clean_accuracy for this share of right images; empty if it has none.
std::string clean_accuracy_reason(Share right, std::size_t classes);

struct Indicator {
  const IndicatorInfo* info;
  Verdict verdict = Verdict::reliable;  ///< reliable if it found nothing or does not apply
  std::string reason = {};              ///< with the values; empty if it found nothing
};

/// One robustness number: of one attack, or the worst case of several attacks in one ball.
struct Number {
  std::vector<std::size_t> attacks;  ///< places in Evaluation::attacks
  Budget ball;                       ///< infinite size: distances to the nearest images
  std::optional<float> radius = {};  ///< if it is one of `radii`
};

/// What certificates say of the images of an evaluation in a ball.
struct Proved {
  double size = 0;            ///< of the ball
  std::size_t certified = 0;  ///< images that no attack can fool
  std::vector<bool> fooled;   ///< images that an attack, or the search for their proof, fooled
};

/// The verdict on one number, with its reasons.
struct Reliability {
  Number number;
  Share robust;  ///< the robust accuracy
  Verdict verdict = Verdict::unchecked;
  std::size_t probed = 0;             ///< samples probed in its ball
  bool opposed = false;               ///< probes in its ball tried to contradict the number
  std::string why_unchecked = {};     ///< "3 images are right, 20 are needed", "nothing was probed: ..."; else empty
  std::vector<Indicator> indicators;  ///< one for each, in the order of list_indicators()
  std::vector<Attack> next;           ///< attacks to try next, in the number's threat model, without repeats
};

/// The verdicts on a whole evaluation.
struct Judgement {
  Probes probes;
  std::vector<std::vector<Reliability>> attacks;  ///< for each attack: one per radius, or one
  std::vector<Reliability> together;              ///< worst cases, for each ball that has several attacks
  /// The worst verdict over all balls; a ball with several attacks counts by their worst case.
  Verdict verdict = Verdict::unchecked;

  Verdict of_attack(std::size_t attack) const;  ///< the worst over the attack's radii
};

/// Judges an evaluation after sum_up(), with its probes (all parts joined). A number with fewer than 20 correct images
/// is UNCHECKED. Otherwise the worst indicator decides, unless the number is the certified one of its ball: that is
/// EXACT, whatever the indicators say. If none applies, the number is RELIABLE if it was probed or
/// nothing is left to find, else UNCHECKED: another attack of the evaluation can speak against a number, never for it.
/// Comparisons with other attacks and with the search for proofs count only images that survived. Deterministic; runs
/// no model. Throws Error for probes that are not of this evaluation and these radii.
Judgement judge_numbers(const Evaluation& evaluation, std::span<const float> radii, Probes probes,
                        std::span<const Proved> proved = {});

}  // namespace hans::attacks
