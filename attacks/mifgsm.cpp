// The momentum iterative fast gradient sign method.
#include <hans/attacks/mifgsm.hpp>

#include <algorithm>
#include <limits>

#include <hans/attacks/steps.hpp>

namespace hans::attacks {
namespace {

/// For each feature of the resized version of an image, the feature it shows; `nothing` for the padding.
std::vector<std::size_t> resized(const Shape& shape, Stream& stream) {
  constexpr std::size_t nothing = ~std::size_t{0};
  const auto draw = [&](std::size_t n) -> std::size_t { return stream.below(static_cast<std::uint32_t>(n)); };
  const std::size_t least = shape[0] - shape[0] / 10;
  const std::size_t height = least + draw(shape[0] - least + 1);
  const std::size_t width = std::max<std::size_t>(shape[1] * height / shape[0], 1);
  const std::size_t top = draw(shape[0] - height + 1);
  const std::size_t left = draw(shape[1] - width + 1);
  std::vector<std::size_t> from(shape.elements(), nothing);
  for (std::size_t row = 0; row < height; ++row) {
    for (std::size_t column = 0; column < width; ++column) {
      const std::size_t pixel = row * shape[0] / height * shape[1] + column * shape[1] / width;
      for (std::size_t channel = 0; channel < shape[2]; ++channel) {
        from[((top + row) * shape[1] + left + column) * shape[2] + channel] = pixel * shape[2] + channel;
      }
    }
  }
  return from;
}

}  // namespace

MiFgsm MiFgsm::resolved(data::Box) const {
  MiFgsm copy = *this;
  if (!copy.alpha) copy.alpha = eps / static_cast<float>(steps);
  return copy;
}

Task<Stop> MiFgsm::search(GradientOracle& sample) const {
  const std::span<real> image = sample.image();
  const std::size_t n = image.size();
  const Climb climb(loss, sample);
  const real step = alpha.value_or(sample.eps() / static_cast<float>(steps));
  Stream stream = sample.random(name);
  std::vector<real> mean(n);
  std::vector<real> seen(n);
  std::vector<real> gradient(n);
  for (unsigned k = 0; k < steps; ++k) {
    const real ahead = nesterov ? step * decay : real{0};
    for (std::size_t i = 0; i < n; ++i) seen[i] = image[i] + ahead * mean[i];
    if (diversity > 0 && stream.uniform() < diversity) {
      const std::vector<std::size_t> from = resized(sample.shape(), stream);
      const std::vector<real> whole = seen;
      for (std::size_t i = 0; i < n; ++i) seen[i] = from[i] < n ? whole[from[i]] : real{0};
      sample.set_radius(std::numeric_limits<double>::infinity());  // the resized image may leave the ball
      const Slope slope = co_await sample.slope(seen, climb);
      sample.set_radius(sample.budget().size);
      std::ranges::fill(gradient, real{0});
      for (std::size_t i = 0; i < n; ++i) {
        if (from[i] < n) gradient[from[i]] += slope.gradient[i];
      }
    } else {
      const Slope slope = co_await sample.slope(seen, climb);
      std::ranges::copy(slope.gradient, gradient.begin());
    }
    const real length = static_cast<real>(std::max(length_l1(gradient), 1e-12));
    for (std::size_t i = 0; i < n; ++i) mean[i] = decay * mean[i] + gradient[i] / length;
    step_up(sample, mean, step, image);
    ++sample.note().steps;
  }
  co_await sample.prediction(image);
  co_return Stop::finished;
}

void MiFgsm::check_goal(const Goal& goal, std::size_t class_count) const {
  check_classes(name, loss, goal.targeted, class_count);
}

}  // namespace hans::attacks
