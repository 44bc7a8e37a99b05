// Noise and other changes that ignore the model: a baseline for attacks.
#pragma once

#include <hans/attacks/driver.hpp>

namespace hans::attacks {

/// The kinds of change; see Noise.
enum class NoiseKind { uniform, gaussian, salt_pepper, contrast, blur, inversion };
constexpr std::array<std::string_view, 6> enum_names(NoiseKind) {
  return {"uniform", "gaussian", "salt_pepper", "contrast", "blur", "inversion"};
}

/// Changes an image without looking at the model: a baseline for attacks. uniform, gaussian and salt_pepper (every
/// feature to a random end of the box) are drawn `repeats` times; contrast moves to the middle of the box, blur to the
/// mean of 3 x 3 pixels, inversion to the other end of the box. Every change is projected into the ball. Cost:
/// `repeats` forward passes, or one.
struct Noise {
  Required<float> eps;
  Norm norm = Norm::linf;
  NoiseKind kind = NoiseKind::uniform;
  unsigned repeats = 10;

  static constexpr std::string_view name = "noise";
  static constexpr std::string_view meaning = "noise and other changes that are not aimed: what an attack must beat";
  static constexpr std::string_view paper = "Rauber 2017, arXiv:1707.04131";
  static constexpr std::string_view example = "noise:eps=0.3,kind=gaussian";
  static constexpr bool takes_targets = true;
  static constexpr auto fields() {
    return std::tuple(field("eps", &Noise::eps, at_least(0), "radius of the ball, in data units"),
                      field("norm", &Noise::norm, up_to(Norm::l1), "of the ball"),
                      field("kind", &Noise::kind, "of change"),
                      field("repeats", &Noise::repeats, at_least(1), "how often noise is drawn"));
  }

  Task<Stop> search(LabelOracle& sample) const;
};

}  // namespace hans::attacks
