// Who decides: finds out from the images alone what an attack achieved.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include <hans/attacks/attack.hpp>
#include <hans/attacks/distance.hpp>

namespace hans::attacks {

/// Why an image is a success or not.
enum class Reason { success, unchanged_prediction, other_class, outside_ball, outside_box, not_a_number };
constexpr std::array<std::string_view, 6> enum_names(Reason) {
  return {"success", "unchanged_prediction", "other_class", "outside_ball", "outside_box", "not_a_number"};
}

/// What the judge found about one image.
struct Finding {
  int prediction = -1;   ///< on the image; nn::no_prediction if a logit is NaN
  bool allowed = false;  ///< inside ball and box, without tolerance
  bool success = false;  ///< allowed, and the prediction is the goal's
  bool evades = false;   ///< allowed, and the prediction is a class other than the label: breaks robustness
  /// A success whose margin (the logits' difference that decides) is at most 2^-16 of the largest absolute logit:
  /// another program's rounding may undo it.
  bool narrow = false;
  Reason reason = Reason::unchanged_prediction;
  Distances distance;
};

struct Verdict {
  std::vector<Finding> findings;  ///< one per sample
  std::size_t successes() const;
};

/// Throws Error naming the first label that is none of the classes 0 to classes - 1, and its sample.
void check_labels(const data::Samples& samples, std::size_t classes);

/// Judges `images` made from `samples`. Reads nothing but images, labels, goal and budget. An image equal to its
/// original bit for bit is inside every ball. `eps`, where given, is each sample's in place of the budget's. `tape`: as
/// in nn::predict. Throws Error if shapes or counts differ.
Verdict judge(const nn::Classifier& model, const data::Samples& samples, const Tensor& images, const Goal& goal,
              const Budget& budget, std::span<const float> eps = {}, Tape* tape = nullptr);

}  // namespace hans::attacks
