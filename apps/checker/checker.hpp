// The one part that has to be trusted: whether images are adversarial examples, found out again by other means.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hans::checker {

enum class Norm { linf, l2, l1, l0 };

/// Where an image may be. `slack` is added to eps and to the box, for tools that leave their ball by rounding.
struct Rules {
  Norm norm = Norm::linf;
  double eps = 0;  ///< infinity: anywhere in the box
  double low = 0, high = 1;
  double slack = 0;
};

/// That an image is an adversarial example, as a file says it.
struct Claim {
  std::span<const float> image;
  std::span<const float> original, stated_original;  ///< of the data set, and as the file has it
  int label = 0, stated_label = 0;                   ///< the same
  int target = -1;                                   ///< the class it claims to be taken for; -1: any but the label
  std::size_t sample = 0, attack = 0;                ///< one claim for each of these, and target
  Rules rules;
  /// What the library in float makes of image and original.
  std::span<const float> image_logits, original_logits;
};

/// confirmed: in double, the model takes the original for its label and the image for something else (or the target).
/// within_rounding: one of the two is nearer than twice the largest difference between float and double.
enum class Finding { confirmed, within_rounding, rejected };

struct Checked {
  Finding finding = Finding::rejected;
  std::string reason = {};  ///< why it is rejected: one of `reasons`
  int prediction = -1;      ///< on the image, in double
  double margin = 0;        ///< by how much the image's logits are on the claimed side; infinite where there are none
  /// Of one that is not rejected: it also holds when every feature is the nearest of 256 levels from low to high,
  /// wherever that image lies, or only if that image is still inside the ball.
  bool in_8_bit = false, in_8_bit_and_ball = false;
};

/// In the order in which they are looked for.
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

/// Checks claims against the model that the bytes of a .hans file hold (see Network::read), on that many threads, which
/// change nothing else. `where` names the bytes in errors. Throws Error if they cannot be used or sizes do not fit.
Report check_claims(std::string_view model, std::string_view where, std::span<const Claim> claims, std::size_t threads);

}  // namespace hans::checker
