// The probes of a model at single samples, and how an attack is tried on them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <hans/attacks/attack.hpp>
#include <hans/attacks/model_probe.hpp>

namespace hans::attacks {

/// Which of these samples an attack fools, each within a radius of its own: `eps`, one for each of `samples`. An attack
/// that looks for the nearest image is not told it. false for samples that are not among `which`. Where the model gives
/// no number for one sample, the others get what they get alone. Of `how` seed and tape count.
std::vector<bool> fooled_by(const Attack& attack, const nn::Classifier& model, const data::Samples& samples,
                            std::span<const float> eps, const std::vector<std::size_t>& which, const CraftOptions& how,
                            bool straight_through = false);

struct ProbedModel {
  std::vector<ModelProbe> probes;          ///< one for each sample
  std::vector<std::size_t> with_gradient;  ///< samples whose gradient can be asked for, though it may be zero
};

/// Measures the model at samples, in their box.
ProbedModel probe_model(const nn::Classifier& model, const data::Samples& samples, const CraftOptions& how);

/// The radius of a ball that holds the whole box: as a float, none larger. 0 for a box without ends.
float largest_radius(Norm norm, data::Box box, std::size_t features);

}  // namespace hans::attacks
