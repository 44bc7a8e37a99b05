// Probes of a model at single samples.
#pragma once

#include <array>
#include <string_view>
#include <utility>

namespace hans::attacks {

/// Properties of the model at one sample, in the data's box.
struct ModelProbe {
  bool zero_gradient = false;      ///< the cross entropy's gradient is zero everywhere, or cannot be computed
  bool varies = false;             ///< five calls gave different logits
  bool depends_on_others = false;  ///< the logits alone differ from those within a batch
  bool probabilities = false;      ///< the outputs lie in [0, 1] and sum to 1, both up to 1e-5
  bool unconstrained = false;      ///< pgd with 20 steps in the whole box fools the model
  /// How much the margin between label and next class changes within 4/255 of the box: the mean over 20 points of the
  /// change relative to the margin, each at most 1.
  double roughness = 0;

  friend bool operator==(const ModelProbe&, const ModelProbe&) = default;
};

/// The flags of a ModelProbe, by name.
constexpr auto model_flags() {
  using Flag = std::pair<std::string_view, bool ModelProbe::*>;
  return std::array{Flag{"zero_gradient", &ModelProbe::zero_gradient}, Flag{"varies", &ModelProbe::varies},
                    Flag{"depends_on_others", &ModelProbe::depends_on_others},
                    Flag{"probabilities", &ModelProbe::probabilities},
                    Flag{"unconstrained", &ModelProbe::unconstrained}};
}

}  // namespace hans::attacks
