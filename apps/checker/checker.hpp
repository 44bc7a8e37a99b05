// Verifies adversarial images independently, in double precision: the one part that has to be trusted.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hans::checker {

enum class Norm { linf, l2, l1, l0 };

/// Where an image may be. `slack` is added to eps and box, for tools whose rounding leaves the ball.
struct Rules {
  Norm norm = Norm::linf;
  double eps = 0;  ///< infinity: anywhere in the box
  double low = 0, high = 1;
  double slack = 0;
};

/// A file's claim that an image is an adversarial example.
struct Claim {
  std::span<const float> image;
  std::span<const float> original, stated_original;  ///< from the data set, and from the file
  int label = 0, stated_label = 0;                   ///< likewise
  int target = -1;                                   ///< the class the model is said to predict; -1: any but the label
  std::size_t sample = 0, attack = 0;                ///< these and target identify the claim
  Rules rules;
  /// The library's logits, in float.
  std::span<const float> image_logits, original_logits;
};

/// confirmed: in double, the model predicts the label for the original and another class (or the target) for the image.
/// within_rounding: one of these margins is below twice the largest difference between float and double.
enum class Finding { confirmed, within_rounding, rejected };

struct Checked {
  Finding finding = Finding::rejected;
  std::string reason = {};  ///< of a rejection: one of `reasons`
  int prediction = -1;      ///< on the image, in double
  double margin = 0;        ///< of the image's logits in favour of the claim; infinite if there are none
  /// If not rejected: whether the claim also holds after every feature is rounded to the nearest of 256 levels from low
  /// to high; with in_8_bit_and_ball only if that image is still inside the ball.
  bool in_8_bit = false, in_8_bit_and_ball = false;
};

/// The reasons for rejections, in the order in which they are checked.
inline constexpr std::string_view reasons[] = {"stated before",
                                               "other label",
                                               "target is the label",
                                               "other original",
                                               "not a number",
                                               "outside the box",
                                               "outside the ball",
                                               "clean image",
                                               "model is wrong on the original",
                                               "still the label",
                                               "another class than the target"};

struct Report {
  std::vector<Checked> claims;
  double largest_difference = 0;  ///< between a logit in float and in double, over all claims
};

/// Checks claims against the model in the bytes of a .hans file (see Network), on `threads` threads, which do not
/// change the result. `where` names the bytes in errors. Throws Error if they cannot be used or sizes do not fit.
Report check_claims(std::string_view model, std::string_view where, std::span<const Claim> claims, std::size_t threads);

}  // namespace hans::checker
