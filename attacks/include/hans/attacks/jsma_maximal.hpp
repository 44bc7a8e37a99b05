// The maximal saliency map attack.
#pragma once

#include <hans/attacks/jsma.hpp>

namespace hans::attacks {

/// The saliency map attack without a target or a direction (Wiyatno and Xu 2018): in every step the pair of features
/// whose change, up or down, raises any class, or lowers the label, most while it does the reverse to all others. Of a
/// class with outputs F: T = g_i + g_j of F, O = that of the sum of all others, score -(T * O); the first of equals in
/// the order of classes, up before down, then pairs. A feature is never changed back. Cost: a forward pass and a
/// gradient for each class in every step.
struct JsmaMaximal {
  Required<float> gamma;
  float theta = 1;
  Of of = Of::probabilities;

  static constexpr std::string_view name = "m-jsma";
  static constexpr std::string_view meaning = "the most salient features whatever the class and direction";
  static constexpr std::string_view paper = "Wiyatno 2018, arXiv:1808.07945";
  static constexpr std::string_view norms = "l0";
  static constexpr std::string_view example = "m-jsma:gamma=0.145";
  static constexpr bool takes_targets = false;
  static constexpr auto fields() {
    return std::tuple(
        field("gamma", &JsmaMaximal::gamma, between(0, 1), "largest share of the features that may change"),
        field("theta", &JsmaMaximal::theta, above(0), "change of a feature in one step, in data units"),
        field("of", &JsmaMaximal::of, "what the saliency is of"));
  }

  Task<Stop> search(GradientOracle& sample) const;
  Budget budget(const Shape& image, data::Box box) const;
};

}  // namespace hans::attacks
