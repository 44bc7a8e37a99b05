// The best of several attacks.
#pragma once

#include <hans/attacks/attack.hpp>

namespace hans::attacks {

/// The best of several attacks that share norm, budget and range of features. In a ball they run in stages, each on the
/// samples that withstood those before it. Minimum-norm attacks all run on every sample, and the nearest image is
/// taken, the first among equals.
struct Composite {
  Required<Attacks> attacks;

  static constexpr std::string_view name = "composite";
  static constexpr std::string_view meaning = "the best of several attacks, sample by sample";
  static constexpr std::string_view paper = "Croce 2020, arXiv:2003.01690, section 5";
  static constexpr std::string_view norms = "that of the attacks";
  static constexpr std::string_view example = "composite:attacks=[fgsm:eps=0.3]/[square:eps=0.3,queries=1000]";
  static constexpr auto fields() { return std::tuple(field("attacks", &Composite::attacks, "the attacks, in order")); }

  Crafted operator()(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                     const CraftOptions& options = {}) const;
  Budget budget(const Shape& image, data::Box box) const;
  std::vector<Attack> parts() const { return attacks.value().all; }
  Composite with(std::vector<Attack> changed) const { return {Attacks{std::move(changed)}}; }
};

}  // namespace hans::attacks
