// The one-pixel attack.
#pragma once

#include <hans/attacks/driver.hpp>

namespace hans::attacks {

/// Changes a few pixels, found by differential evolution (Su 2017). Each of `population` candidates is a set of places
/// and colours. In each round a + 0.5 * (b - c), of three others, challenges every candidate and replaces it if the
/// label's probability is lower (targeted: the target's is higher). No crossover. Places begin uniform, colours normal
/// around the middle of the box. Cost: population * (rounds + 1) forward passes.
struct OnePixel {
  Required<unsigned> pixels;
  unsigned population = 400;
  unsigned rounds = 100;

  static constexpr std::string_view name = "one-pixel";
  static constexpr std::string_view meaning = "one pixel or a few, by differential evolution";
  static constexpr std::string_view paper = "Su 2017, arXiv:1710.08864";
  static constexpr std::string_view norms = "l0";
  static constexpr std::string_view example = "one-pixel:pixels=3";
  static constexpr auto fields() {
    return std::tuple(field("pixels", &OnePixel::pixels, between(1, 1 << 20), "how many may change"),
                      field("population", &OnePixel::population, between(4, 1 << 20), "candidates"),
                      field("rounds", &OnePixel::rounds, "in which each is challenged once"));
  }

  Task<Stop> search(ScoreOracle& sample) const;
  Budget budget(const Shape& image, data::Box box) const;
};

}  // namespace hans::attacks
