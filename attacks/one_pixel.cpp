// The one-pixel attack.
#include <hans/attacks/one_pixel.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <hans/attacks/losses.hpp>
#include <hans/core/error.hpp>

namespace hans::attacks {
namespace {

/// For each pixel its row, column and channels, as fractions of the image and the box.
using Candidate = std::vector<real>;

/// Paints the candidate's pixels onto the original, in order.
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

/// Uniform places; normal colours around the middle, with half of the box as deviation (127 of 255 in the paper).
std::vector<Candidate> first_candidates(const LabelOracle& sample, unsigned count, std::size_t pixels) {
  const std::size_t channels = sample.shape()[2];
  Stream stream = sample.random("one-pixel");
  std::vector<real> colours(channels);
  std::vector<Candidate> all(count);
  for (Candidate& one : all) {
    for (std::size_t p = 0; p < pixels; ++p) {
      one.push_back(stream.uniform());
      one.push_back(stream.uniform());
      stream.normals(colours);
      for (const real colour : colours) one.push_back(std::clamp((1 + colour) / 2, real{0}, real{1}));
    }
  }
  return all;
}

/// a + 0.5 * (b - c) of three random candidates other than k.
Candidate challenger(Stream& stream, const std::vector<Candidate>& all, std::uint32_t k) {
  std::array<std::uint32_t, 4> drawn{k, k, k, k};
  for (std::size_t d = 1; d < drawn.size(); ++d) {
    const auto before = drawn.begin() + static_cast<std::ptrdiff_t>(d);
    do {
      drawn[d] = stream.below(static_cast<std::uint32_t>(all.size()));
    } while (std::find(drawn.begin(), before, drawn[d]) != before);
  }
  Candidate made = all[drawn[1]];
  for (std::size_t i = 0; i < made.size(); ++i) {
    made[i] = std::clamp(made[i] + real{0.5F} * (all[drawn[2]][i] - all[drawn[3]][i]), real{0}, real{1});
  }
  return made;
}

}  // namespace

Budget OnePixel::budget(const Shape& image, data::Box box) const {
  check_usage(std::isfinite(box.lo) && std::isfinite(box.hi), name, " needs data whose features have a range");
  const std::size_t most = std::min<std::size_t>(std::size_t{pixels} * image[2], image.elements());
  return {Norm::l0, static_cast<double>(most), box, false};
}

Task<Stop> OnePixel::search(ScoreOracle& sample) const {
  const Climb climb(Loss::ce, sample);
  std::vector<Candidate> all = first_candidates(sample, population, pixels);
  std::vector<real> fitness(population, -std::numeric_limits<real>::infinity());
  for (unsigned round = 0; round <= rounds; ++round) {  // round 0 evaluates the first candidates
    Stream stream = sample.random("one-pixel", round);
    for (unsigned k = 0; k < population; ++k) {
      Candidate one = round == 0 ? all[k] : challenger(stream, all, k);
      paint(sample, one, sample.image());
      const std::span<const real> logits = co_await sample.scores(sample.image());
      const real found = climb.value(logits);
      if (found <= fitness[k]) continue;
      fitness[k] = found;
      all[k] = std::move(one);
    }
    sample.note().steps = round;
  }
  const auto best = std::max_element(fitness.begin(), fitness.end()) - fitness.begin();
  paint(sample, all[static_cast<std::size_t>(best)], sample.image());
  co_return Stop::finished;
}

}  // namespace hans::attacks
