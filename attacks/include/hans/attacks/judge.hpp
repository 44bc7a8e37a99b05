// Decides from the images alone what an attack achieved.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include <hans/attacks/attack.hpp>
#include <hans/attacks/distance.hpp>

namespace hans::attacks {

/// Why an image is a success, or is not.
enum class Reason { success, unchanged_prediction, other_class, outside_ball, outside_box, not_a_number };
constexpr std::array<std::string_view, 6> enum_names(Reason) {
  return {"success", "unchanged_prediction", "other_class", "outside_ball", "outside_box", "not_a_number"};
}

/// The judge's decision on one image.
struct Finding {
  int prediction = -1;   ///< on the image; nn::no_prediction if a logit is NaN
  bool allowed = false;  ///< inside ball and box, with no tolerance
  bool success = false;  ///< allowed, and the prediction reaches the goal
  bool evades = false;   ///< allowed, and the prediction is not the label: the sample is not robust
  /// A success by a margin (of the two deciding logits) of at most 2^-16 of the largest absolute logit: the rounding of
  /// another program may undo it.
  bool narrow = false;
  Reason reason = Reason::unchanged_prediction;
  Distances distance;
};

/// The judge's decisions on a set of images.
struct Outcome {
  std::vector<Finding> findings;  ///< one per sample
  std::size_t successes() const;
};

/// Throws Error if a label is not one of 0 to classes - 1; it names the first such label and its sample.
void check_labels(const data::Samples& samples, std::size_t classes);

/// Judges `images`, made from `samples`. Uses only images, labels, goal and budget, nothing that an attack reports. An
/// image equal to its original bit for bit is inside every ball. `eps`, if given, replaces the budget's radius for each
/// sample. `tape`: as in nn::predict. Throws Error if shapes or counts differ.
Outcome judge(const nn::Classifier& model, const data::Samples& samples, const Tensor& images, const Goal& goal,
              const Budget& budget, std::span<const float> eps = {}, Tape* tape = nullptr);

}  // namespace hans::attacks
