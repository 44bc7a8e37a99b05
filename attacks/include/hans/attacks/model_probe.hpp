// What is measured of a model at single samples.
#pragma once

#include <array>
#include <string_view>
#include <utility>

namespace hans::attacks {

/// What was measured of the model at one sample, in the data's box.
struct ModelProbe {
  bool zero_gradient = false;      ///< of the cross entropy: zero everywhere, or none to be had
  bool varies = false;             ///< asked five times it gave different logits
  bool depends_on_others = false;  ///< alone in a batch it has other logits than among others
  bool probabilities = false;      ///< the outputs are in [0, 1] and their sum is 1, both up to 1e-5
  bool unconstrained = false;      ///< pgd with 20 steps anywhere in the box fools it
  /// Mean change of the margin between label and next class within 4/255 of the box, as a share of itself; at most 1
  /// for each of 20 points.
  double roughness = 0;

  friend bool operator==(const ModelProbe&, const ModelProbe&) = default;
};

/// The yes and no of a ModelProbe, by name: for files and comparisons.
constexpr auto model_flags() {
  using Flag = std::pair<std::string_view, bool ModelProbe::*>;
  return std::array{Flag{"zero_gradient", &ModelProbe::zero_gradient}, Flag{"varies", &ModelProbe::varies},
                    Flag{"depends_on_others", &ModelProbe::depends_on_others},
                    Flag{"probabilities", &ModelProbe::probabilities},
                    Flag{"unconstrained", &ModelProbe::unconstrained}};
}

}  // namespace hans::attacks
