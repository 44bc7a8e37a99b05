// Backward pass differentiable approximation: a wrapper for attacks on models that are not differentiable.
#pragma once

#include <hans/attacks/attack.hpp>

namespace hans::attacks {

/// Wraps an attack: in the backward pass, steps without gradient are the identity (Athalye 2018, section 4.1.1). These
/// are layers that round or compare, and nn::Preprocessed. The logits do not change.
struct Bpda {
  Required<Attack> attack;

  static constexpr std::string_view name = "bpda";
  static constexpr std::string_view meaning = "an attack through steps without gradient, as if they did nothing";
  static constexpr std::string_view paper = "Athalye 2018, arXiv:1802.00420";
  static constexpr std::string_view norms = "that of the attack";
  static constexpr std::string_view example = "bpda:attack=[pgd:eps=0.3]";
  static constexpr auto fields() { return std::tuple(field("attack", &Bpda::attack, "the attack")); }

  Crafted operator()(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                     const CraftOptions& options = {}) const;
  Budget budget(const Shape& image, data::Box box) const { return attack.value().budget(image, box); }
  std::vector<Attack> parts() const { return {attack}; }
  Bpda with(std::vector<Attack> changed) const { return {changed[0]}; }
};

}  // namespace hans::attacks
