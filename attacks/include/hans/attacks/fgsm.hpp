// The fast gradient sign method.
#pragma once

#include <hans/attacks/driver.hpp>

namespace hans::attacks {

/// x' = clip(x + eps * sign(gradient of the loss)): one step of steepest ascent in linf (Goodfellow 2014; eq. 1 of the
/// cleverhans v1.0.0 report lacks the sign, its code has it). In l2 the step is eps * g / |g|; in l1 all of eps goes to
/// the first feature with the largest |g|. Targeted, the step goes down the target's loss. The result is exactly inside
/// the ball: where float rounding would leave it, the next number inwards is taken. Cost: one gradient.
struct Fgsm {
  Required<float> eps;
  Norm norm = Norm::linf;
  std::optional<float> clip_min = {}, clip_max = {};
  std::optional<Label> label = {};

  static constexpr std::string_view name = "fgsm";
  static constexpr std::string_view meaning = "one step along the sign of the gradient";
  static constexpr std::string_view paper = "Goodfellow 2014, arXiv:1412.6572";
  static constexpr std::string_view example = "fgsm:eps=0.3";
  static constexpr bool to_the_end = true;  // also steps from images that are misclassified already
  static constexpr auto fields() {
    return std::tuple(
        field("eps", &Fgsm::eps, at_least(0), "size of the step, in data units"),
        field("norm", &Fgsm::norm, up_to(Norm::l1), "in which eps is measured"),
        field("clip_min", &Fgsm::clip_min, any_number.or_infinite(), "least value of a feature", "the data's"),
        field("clip_max", &Fgsm::clip_max, any_number.or_infinite(), "largest value of a feature", "the data's"),
        field("label", &Fgsm::label, "what an untargeted attack moves away from", "data; model in training"));
  }

  Task<Stop> search(GradientOracle& sample) const;
  Fgsm resolved(data::Box box) const;
};

/// attacks.fgsm of cleverhans v1.0.0, faults included: it always moves away from the model's own prediction (tied
/// logits share it), clips only if both ends are given, and may leave the ball by float rounding. Judged by the
/// prediction alone.
struct FgsmCleverhans100 {
  Required<float> eps;
  std::optional<float> clip_min = {}, clip_max = {};

  static constexpr std::string_view name = "fgsm";
  static constexpr std::string_view version = "cleverhans-1.0.0";
  static constexpr std::string_view meaning = "FGSM as cleverhans v1.0.0 computed it, faults included";
  static constexpr std::string_view paper = "cleverhans v1.0.0 (2016), arXiv:1610.00768";
  static constexpr std::string_view norms = "linf";
  static constexpr std::string_view example = "fgsm@cleverhans-1.0.0:eps=0.3";
  static constexpr bool takes_targets = false;
  static constexpr bool to_the_end = true;  // also steps from images that are misclassified already
  static constexpr auto fields() {
    return std::tuple(field("eps", &FgsmCleverhans100::eps, at_least(0), "size of the step, in data units"),
                      field("clip_min", &FgsmCleverhans100::clip_min, any_number,
                            "least value, ignored without clip_max", "no clipping"),
                      field("clip_max", &FgsmCleverhans100::clip_max, any_number,
                            "largest value, ignored without clip_min", "no clipping"));
  }

  Task<Stop> search(GradientOracle& sample) const;
  Budget budget(const Shape& image, data::Box box) const;
};

}  // namespace hans::attacks
