// Expectation over transformation: a wrapper for attacks on random models.
#pragma once

#include <hans/attacks/attack.hpp>

namespace hans::attacks {

/// Wraps an attack on a random model (Classifier::random): each answer it gets (logits, loss, gradient) is the mean of
/// `draws` answers (Athalye 2018). Each draw counts and costs a forward pass and a gradient. On other models it is the
/// attack itself. Success is decided by the judge's single draw, which the attack never sees.
struct Eot {
  Required<Attack> attack;
  unsigned draws = 20;

  static constexpr std::string_view name = "eot";
  static constexpr std::string_view meaning = "an attack on a random model: every answer is the mean of several";
  static constexpr std::string_view paper = "Athalye 2018, arXiv:1707.07397";
  static constexpr std::string_view norms = "that of the attack";
  static constexpr std::string_view example = "eot:attack=[pgd:eps=0.3],draws=10";
  static constexpr auto fields() {
    return std::tuple(field("attack", &Eot::attack, "the attack"),
                      field("draws", &Eot::draws, at_least(1), "answers behind each mean"));
  }

  Crafted operator()(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                     const CraftOptions& options = {}) const;
  Budget budget(const Shape& image, data::Box box) const;
  bool for_random_models() const { return true; }
  std::vector<Attack> parts() const { return {attack}; }
  Eot with(std::vector<Attack> changed) const { return {changed[0], draws}; }
};

}  // namespace hans::attacks
