// Random changes of training images (data augmentation).
#include <hans/nn/augment.hpp>

#include <algorithm>
#include <array>

#include <hans/core/error.hpp>
#include "../../core/text/detail/registry.hpp"

namespace hans::nn {
namespace {

/// The pixels of one image.
struct Picture {
  real* pixels;
  std::ptrdiff_t height, width, channels;

  real* at(std::ptrdiff_t row, std::ptrdiff_t column) const { return pixels + (row * width + column) * channels; }

  void mirror() const {
    for (std::ptrdiff_t row = 0; row < height; ++row) {
      for (std::ptrdiff_t column = 0; column < width / 2; ++column) {
        std::swap_ranges(at(row, column), at(row, column + 1), at(row, width - 1 - column));
      }
    }
  }

  void move(std::ptrdiff_t down, std::ptrdiff_t right) const {
    real* const end = at(height, 0);
    const std::ptrdiff_t by = at(down, right) - pixels;  // a single move; wrapped pixels become black below
    if (by > 0) std::copy_backward(pixels, end - by, end);
    if (by < 0) std::copy(pixels - by, end, pixels);
    for (std::ptrdiff_t row = 0; row < height; ++row) {
      const bool outside = row < down || row - down >= height;
      const std::ptrdiff_t first = outside ? width : std::max<std::ptrdiff_t>(right, 0);
      const std::ptrdiff_t last = outside ? width : width + std::min<std::ptrdiff_t>(right, 0);
      std::fill(at(row, 0), at(row, first), real{0});
      std::fill(at(row, last), at(row, width), real{0});
    }
  }
};

}  // namespace

Augment Augment::from_spec(const Spec& spec) {
  static const std::array<std::string, 1> known{std::string(name)};
  if (spec.name != name || !spec.version.empty()) refuse_kind("augmentation", spec, known);
  return hans::from_spec<Augment>(spec);
}

void Augment::apply(data::Samples& batch, Rng rng, std::uint32_t step) const {
  const Shape shape = batch.images.shape();
  check_usage(shift < std::min(shape[1], shape[2]), "augment: images of ", shape[1], "x", shape[2],
              " pixels move by fewer than that, not by ", shift);
  Picture picture{batch.images.mutable_data(), static_cast<std::ptrdiff_t>(shape[1]),
                  static_cast<std::ptrdiff_t>(shape[2]), static_cast<std::ptrdiff_t>(shape[3])};
  const auto way = [&](Stream& stream) {
    return static_cast<std::ptrdiff_t>(stream.below(2 * shift + 1)) - static_cast<std::ptrdiff_t>(shift);
  };
  for (const std::uint32_t sample : batch.index) {
    Stream stream = rng.stream(name, sample, step);
    const std::ptrdiff_t down = way(stream);
    const std::ptrdiff_t right = way(stream);
    if (flip && stream.below(2) == 1) picture.mirror();
    picture.move(down, right);
    picture.pixels = picture.at(picture.height, 0);
  }
}

}  // namespace hans::nn
