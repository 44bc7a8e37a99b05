// The one-pixel attack.
#include <hans/attacks/one_pixel.hpp>

#include <algorithm>
#include <array>
#include <cmath>

#include <hans/attacks/ball.hpp>
#include <hans/attacks/losses.hpp>
#include <hans/core/error.hpp>

namespace hans::attacks {
namespace {

/// For each pixel of a candidate its row, column and channels, as fractions of the image and the box.
using Candidate = std::vector<real>;

/// What the candidate makes of the sample: the pixels one behind the other.
void paint(const LabelOracle& sample, const Candidate& candidate, std::span<real> image) {
  const Shape& shape = sample.shape();
  const data::Box box = sample.budget().box;
  const std::size_t channels = shape[2];
  const auto place = [](real fraction, std::size_t extent) {
    const real at = std::floor(fraction * static_cast<real>(extent));
    return std::min(static_cast<std::size_t>(std::max(at, real{0})), extent - 1);
  };
  std::ranges::copy(sample.original(), image.begin());
  for (std::size_t p = 0; p < candidate.size(); p += 2 + channels) {
    const std::size_t pixel = place(candidate[p], shape[0]) * shape[1] + place(candidate[p + 1], shape[1]);
    for (std::size_t c = 0; c < channels; ++c) {
      const real low = box.lo;
      image[pixel * channels + c] = low + candidate[p + 2 + c] * (real{box.hi} - low);
    }
  }
}

}  // namespace

Budget OnePixel::budget(const Shape& image, data::Box box) const {
  check_fields(*this);
  check_usage(std::isfinite(box.lo) && std::isfinite(box.hi), name, " needs data whose features have a range");
  const std::size_t most = std::min<std::size_t>(std::size_t{pixels} * image[2], image.elements());
  return {Norm::l0, static_cast<double>(most), box, false};
}

Task<Stop> OnePixel::search(ScoreOracle& sample) const {
  const Climb climb(Loss::ce, sample);
  const std::size_t each = 2 + sample.shape()[2];
  Stream begin = sample.random("one-pixel");
  std::vector<Candidate> all(population, Candidate(pixels * each));
  std::vector<real> fitness(population);
  std::vector<real> colours(each - 2);
  for (unsigned k = 0; k < population; ++k) {
    for (std::size_t p = 0; p < all[k].size(); p += each) {
      all[k][p] = begin.uniform();
      all[k][p + 1] = begin.uniform();
      begin.normals(colours);  // of standard deviation one half around the middle, as 127 of 255 around 128
      for (std::size_t c = 0; c < colours.size(); ++c) {
        all[k][p + 2 + c] = std::clamp((1 + colours[c]) / 2, real{0}, real{1});
      }
    }
    paint(sample, all[k], sample.image());
    const std::span<const real> logits = co_await sample.scores(sample.image());
    fitness[k] = climb.value(logits);
  }
  Candidate child;
  for (unsigned round = 1; round <= rounds; ++round) {
    Stream stream = sample.random("one-pixel", round);
    for (unsigned k = 0; k < population; ++k) {
      std::array<std::uint32_t, 3> others{};
      for (std::size_t o = 0; o < others.size(); ++o) {
        const auto taken = others.begin() + static_cast<std::ptrdiff_t>(o);
        do {
          others[o] = stream.below(population);
        } while (others[o] == k || std::find(others.begin(), taken, others[o]) != taken);
      }
      child = all[others[0]];
      for (std::size_t i = 0; i < child.size(); ++i) {
        const real moved = child[i] + real{0.5F} * (all[others[1]][i] - all[others[2]][i]);
        child[i] = std::clamp(moved, real{0}, real{1});
      }
      paint(sample, child, sample.image());
      const std::span<const real> logits = co_await sample.scores(sample.image());
      const real found = climb.value(logits);
      if (found <= fitness[k]) continue;
      fitness[k] = found;
      all[k] = child;
    }
    ++sample.note().steps;
  }
  const auto best = std::ranges::max_element(fitness) - fitness.begin();
  paint(sample, all[static_cast<std::size_t>(best)], sample.image());
  co_return Stop::finished;
}

Crafted OnePixel::operator()(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                             const CraftOptions& options) const {
  return craft(*this, model, samples, goal, options);
}

}  // namespace hans::attacks
