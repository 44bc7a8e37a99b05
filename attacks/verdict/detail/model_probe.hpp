// The probes of a model at single samples, and how the probes run attacks.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <hans/attacks/attack.hpp>
#include <hans/attacks/model_probe.hpp>

namespace hans::attacks {

/// Which samples an attack fools, each within its own radius `eps`. A minimum-norm attack is not told the radius. false
/// for samples that are not in `which`. If the model returns NaN for one sample, the others get the results they get
/// alone. Only seed and tape of `how` are used.
std::vector<bool> fooled_by(const Attack& attack, const nn::Classifier& model, const data::Samples& samples,
                            std::span<const float> eps, const std::vector<std::size_t>& which, const CraftOptions& how,
                            bool straight_through = false);

struct ProbedModel {
  std::vector<ModelProbe> probes;          ///< one for each sample
  std::vector<std::size_t> with_gradient;  ///< samples whose gradient can be computed, even if it is zero
};

/// Probes the model at the samples, in their box.
ProbedModel probe_model(const nn::Classifier& model, const data::Samples& samples, const CraftOptions& how);

/// The radius, as a float, of the ball that holds the whole box; never above the box's diameter. 0 for a box without
/// ends.
float largest_radius(Norm norm, data::Box box, std::size_t features);

}  // namespace hans::attacks
