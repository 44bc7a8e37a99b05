// The Jacobian-based saliency map attack.
#pragma once

#include <hans/attacks/driver.hpp>

namespace hans::attacks {

/// The outputs whose gradients rank the features.
enum class Of { probabilities, logits };
constexpr std::array<std::string_view, 2> enum_names(Of) { return {"probabilities", "logits"}; }

/// How many features a step changes: two, or one.
enum class Select { pairs, single };
constexpr std::array<std::string_view, 2> enum_names(Select) { return {"pairs", "single"}; }

/// When a feature may not change again: after one change, or at the end of its range.
enum class Retire { once, saturated };
constexpr std::array<std::string_view, 2> enum_names(Retire) { return {"once", "saturated"}; }

/// Weights of the other classes in the saliency of a feature, see Jsma.
enum class Map { weighted, taylor };
constexpr std::array<std::string_view, 2> enum_names(Map) { return {"weighted", "taylor"}; }

/// Changes few features, by a lot: in each step the two features (or one) whose change raises the target class most and
/// lowers the others (Papernot 2016, eq. 2 of the cleverhans v1.0.0 report). Stops for the first of these reasons:
/// target_reached, limit, domain_exhausted, no_admissible_pair. The scores of a pair (i, j):
/// - of=probabilities: with g the gradient of log p_target and T = g_i + g_j, the score is |T|, admissible if T > 0
///   (theta < 0: T < 0).
/// - of=logits: with a the gradient of the target's logit and b that of the sum of all others, T = a_i + a_j and O =
///   b_i + b_j, the score is -(T * O), admissible if T > 0 and O < 0 (theta < 0: both reversed).
/// - map=weighted (WJSMA, Combey 2020, arXiv:2007.06032): as of=logits, but each other output is weighted by its
///   probability, so that the largest fall first.
/// - map=taylor (TJSMA there): as map=weighted, with each feature also weighted by how far it can still move.
/// Among equals the lexicographically smallest pair wins. theta > 0 and theta < 0 are JSMA+F and JSMA-F of Wiyatno and
/// Xu 2018. Cost: one forward and one (of=logits, map: two) backward passes per step.
struct Jsma {
  std::optional<float> gamma = {};
  std::optional<unsigned> max_features = {};
  float theta = 1;
  Of of = Of::probabilities;
  Select select = Select::pairs;
  Retire retire = Retire::once;
  std::optional<Map> map = {};
  std::optional<float> clip_min = {}, clip_max = {};

  static constexpr std::string_view name = "jsma";
  static constexpr std::string_view meaning = "changes the few most salient features";
  static constexpr std::string_view paper = "Papernot 2016, arXiv:1511.07528";
  static constexpr std::string_view norms = "l0";
  static constexpr std::string_view example = "jsma:gamma=0.145";
  static constexpr bool targets_by_default = true;
  static constexpr auto fields() {
    return std::tuple(
        field("gamma", &Jsma::gamma, between(0, 1), "largest share of the features that may change",
              "none; give this or max_features"),
        field("max_features", &Jsma::max_features, "largest number of features that may change",
              "none; give this or gamma"),
        field("theta", &Jsma::theta, any_number, "change of a feature in one step, in data units; not 0"),
        field("of", &Jsma::of, "what the saliency is of"),
        field("select", &Jsma::select, "features changed in one step"),
        field("retire", &Jsma::retire, "when a feature may not be changed again"),
        field("map", &Jsma::map, "how much each of the other classes counts", "the same"),
        field("clip_min", &Jsma::clip_min, any_number.or_infinite(), "least value of a feature", "the data's"),
        field("clip_max", &Jsma::clip_max, any_number.or_infinite(), "largest value of a feature", "the data's"));
  }
  void validate() const;

  /// The goal must be targeted.
  Task<Stop> search(GradientOracle& sample) const;
  Budget budget(const Shape& image, data::Box box) const;
  Jsma resolved(data::Box box) const;
};

/// attacks.jsma of cleverhans v1.0.0, faults included: it ranks by the Jacobian of the probabilities (or logits)
/// themselves, and takes the lowest pair left if none is admissible. Judged by the prediction alone.
struct JsmaCleverhans100 {
  Required<float> theta;
  float gamma = std::numeric_limits<float>::infinity();
  bool increase = true;
  Of of = Of::probabilities;
  float clip_min = 0;
  float clip_max = 1;

  static constexpr std::string_view name = "jsma";
  static constexpr std::string_view version = "cleverhans-1.0.0";
  static constexpr std::string_view meaning = "JSMA as cleverhans v1.0.0 computed it, faults included";
  static constexpr std::string_view paper = "cleverhans v1.0.0 (2016), arXiv:1610.00768";
  static constexpr std::string_view norms = "l0";
  static constexpr std::string_view example = "jsma@cleverhans-1.0.0:theta=1,gamma=0.145";
  static constexpr bool targets_by_default = true;
  static constexpr auto fields() {
    return std::tuple(
        field("theta", &JsmaCleverhans100::theta, at_least(0), "change of a feature in one step, in data units"),
        field("gamma", &JsmaCleverhans100::gamma, at_least(0).or_infinite(), "largest share of the features"),
        field("increase", &JsmaCleverhans100::increase, "add theta, else subtract it"),
        field("of", &JsmaCleverhans100::of, "what the saliency is of"),
        field("clip_min", &JsmaCleverhans100::clip_min, any_number, "least value of a feature"),
        field("clip_max", &JsmaCleverhans100::clip_max, any_number, "largest value of a feature"));
  }

  Task<Stop> search(GradientOracle& sample) const;
  Budget budget(const Shape& image, data::Box box) const;
};

}  // namespace hans::attacks
