// The maximal saliency map attack.
#pragma once

#include <hans/attacks/jsma.hpp>

namespace hans::attacks {

/// The saliency map attack without target or direction (Wiyatno and Xu 2018). Each step changes the pair of features,
/// up or down, that most raises any class (or lowers the label) while doing the reverse to all others. For a class with
/// output F: T = g_i + g_j with g its gradient, O the same of the sum of all others, score -(T * O). Among equals the
/// first counts, by class, then up before down, then by pair. A feature is never changed back. Cost: a forward pass and
/// a gradient for each class in every step.
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
