// Checks proofs that every image near another is classified like it: computes the bounds again, in double precision.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hans::checker {

/// What a file claims of one image, in the terms of apps/manifest/FORMAT.md.
struct Proof {
  std::span<const float> image;  ///< of the data set; likewise `label`
  int label = 0, stated_label = 0;
  std::string stated_sha256 = {};  ///< of the image
  double bound = 0;
  std::span<const std::int32_t> ties = {}, tree = {}, slope_units = {};
};

struct Proofs {
  std::vector<Proof> all = {};
  std::span<const std::uint8_t> slopes = {};  ///< of all proofs, one after the other; likewise `multipliers`
  std::span<const float> multipliers = {};
  double eps = 0, low = 0, high = 1;  ///< the ball, in linf, and the box
};

struct Proved {
  std::string_view reason = {};  ///< of a rejection, as listed in FORMAT.md; empty: the proof is right
  /// For all images of ball and box, the label's logit is above each other one by at least `bound` in real arithmetic,
  /// and by at least `bound` - `rounding` in every float32 program. NaN if this was not found out.
  double bound = 0, rounding = 0;
};

/// Checks proofs for the model in the bytes of a .hans file (see Network), on `threads` threads, which do not change
/// the result. `where` names the bytes in errors. Throws Error if they cannot be used, for a layer through which bounds
/// do not pass, and for images and labels that do not fit.
std::vector<Proved> check_proofs(std::string_view model, std::string_view where, const Proofs& proofs,
                                 std::size_t threads);

}  // namespace hans::checker
