// Noise and other changes that ignore the model: a baseline for attacks.
#include <hans/attacks/noise.hpp>

#include <algorithm>

#include <hans/attacks/steps.hpp>

namespace hans::attacks {
namespace {

/// The mean of the 3 x 3 pixels around one, as far as they are inside the image.
real blurred(std::span<const real> image, const Shape& shape, std::size_t row, std::size_t column,
             std::size_t channel) {
  real total = 0;
  real count = 0;
  for (std::size_t r = row - std::min<std::size_t>(row, 1); r <= std::min(row + 1, shape[0] - 1); ++r) {
    for (std::size_t c = column - std::min<std::size_t>(column, 1); c <= std::min(column + 1, shape[1] - 1); ++c) {
      total += image[(r * shape[1] + c) * shape[2] + channel];
      count += 1;
    }
  }
  return total / count;
}

/// The changed image, before it is projected into the ball.
void change_to(const LabelOracle& sample, const Noise& how, unsigned repeat, std::span<real> image) {
  const std::span<const real> original = sample.original();
  const Shape& shape = sample.shape();
  const data::Box box = sample.budget().box;
  Stream stream = sample.random("noise", repeat);
  std::vector<real> normal(how.kind == NoiseKind::gaussian ? image.size() : 0);
  stream.normals(normal);
  for (std::size_t i = 0; i < image.size(); ++i) {
    const std::size_t pixel = i / shape[2];
    switch (how.kind) {
      case NoiseKind::uniform:
        image[i] = original[i] + sample.eps() * (2 * stream.uniform() - 1);
        break;
      case NoiseKind::gaussian:
        image[i] = original[i] + sample.eps() * normal[i];
        break;
      case NoiseKind::salt_pepper:
        image[i] = stream.below(2) == 0 ? box.lo : box.hi;
        break;
      case NoiseKind::contrast:
        image[i] = (box.lo + box.hi) / 2;
        break;
      case NoiseKind::blur:
        image[i] = blurred(original, shape, pixel / shape[1], pixel % shape[1], i % shape[2]);
        break;
      case NoiseKind::inversion:
        image[i] = box.hi - (original[i] - box.lo);
        break;
    }
  }
}

}  // namespace

Task<Stop> Noise::search(LabelOracle& sample) const {
  const bool random = kind == NoiseKind::uniform || kind == NoiseKind::gaussian || kind == NoiseKind::salt_pepper;
  for (unsigned repeat = 0; repeat < (random ? repeats : 1U); ++repeat) {
    change_to(sample, *this, repeat, sample.image());
    project_to(sample, sample.budget().size, sample.image());
    co_await sample.prediction(sample.image());
    ++sample.note().steps;
  }
  co_return Stop::finished;
}

}  // namespace hans::attacks
