// The Square attack.
#include <hans/attacks/square.hpp>

#include <algorithm>
#include <cmath>

#include <hans/attacks/losses.hpp>
#include <hans/attacks/steps.hpp>

namespace hans::attacks {
namespace {

/// A square part of an image.
struct Patch {
  std::size_t row, column, side;
};

/// The features of one channel of a patch, row by row.
template <class Body>
void over_patch(const Shape& image, const Patch& patch, std::size_t channel, Body body) {
  std::size_t k = 0;
  for (std::size_t row = patch.row; row < patch.row + patch.side; ++row) {
    for (std::size_t column = patch.column; column < patch.column + patch.side; ++column) {
      body((row * image[1] + column) * image[2] + channel, k++);
    }
  }
}

real random_sign(Stream& stream) { return stream.below(2) == 0 ? real{-1} : real{1}; }

/// The share of the image that a square covers at this query.
double share_at(const Square& how, unsigned query) {
  if (how.rescale) {
    query = static_cast<unsigned>(static_cast<double>(query) / static_cast<double>(how.queries) * 10000);
  }
  double share = how.p_init;
  for (const unsigned end : {10U, 50U, 200U, 500U, 1000U, 2000U, 4000U, 6000U, 8000U}) share /= query > end ? 2 : 1;
  return share;
}

std::size_t side_at(const Square& how, const Shape& image, unsigned query) {
  const double pixels = static_cast<double>(image[0] * image[1]);
  auto side = static_cast<std::size_t>(std::nearbyint(std::sqrt(share_at(how, query) * pixels)));
  if (how.norm == Norm::linf) {
    side = std::max<std::size_t>(side, 1);
  } else {
    side = std::max<std::size_t>(side, 3);
    side += side % 2 == 0 ? 1U : 0U;
  }
  return std::min({side, image[0], image[1]});
}

/// A random place, never at the far end, as in the reference.
Patch random_patch(const Shape& image, std::size_t side, Stream& stream) {
  const auto place = [&](std::size_t extent) -> std::size_t {
    return extent > side ? stream.below(static_cast<std::uint32_t>(extent - side)) : 0;
  };
  const std::size_t row = place(image[0]);
  return {row, place(image[1]), side};
}

// --- linf ------------------------------------------------------------------------------------------

void stripes(const LabelOracle& sample, Stream& stream, std::span<real> image) {
  const Shape& shape = sample.shape();
  std::vector<real> signs(shape[1] * shape[2]);
  for (std::size_t channel = 0; channel < shape[2]; ++channel) {
    for (std::size_t column = 0; column < shape[1]; ++column) signs[column * shape[2] + channel] = random_sign(stream);
  }
  for (std::size_t i = 0; i < image.size(); ++i) {
    image[i] = sample.original()[i] + sample.eps() * signs[i % signs.size()];
  }
}

void change_square(const LabelOracle& sample, const Patch& patch, Stream& stream, std::span<real> image) {
  for (std::size_t channel = 0; channel < sample.shape()[2]; ++channel) {
    const real change = 2 * sample.eps() * random_sign(stream);
    over_patch(sample.shape(), patch, channel, [&](std::size_t i, std::size_t) { image[i] += change; });
  }
}

// --- l2 and l1 -------------------------------------------------------------------------------------

void scale_by(std::span<real> values, double factor) {
  for (real& value : values) value = static_cast<real>(static_cast<double>(value) * factor);
}

/// A rectangle that is high in the middle and falls off in steps.
std::vector<real> hill(Norm norm, std::size_t rows, std::size_t columns) {
  std::vector<real> made(rows * columns);
  auto top = static_cast<std::ptrdiff_t>(rows / 2);
  auto left = static_cast<std::ptrdiff_t>(columns / 2);
  const std::size_t rings = std::max(rows / 2 + 1, columns / 2 + 1);
  for (std::size_t ring = 0; ring < rings; ++ring, --top, --left) {
    const auto width = static_cast<std::ptrdiff_t>(2 * ring + 1);
    const double away = static_cast<double>(ring + 1);
    const real add = static_cast<real>(1 / (norm == Norm::l2 ? away * away : away * away * away * away));
    for (auto row = std::max<std::ptrdiff_t>(top, 0); row < std::min(top + width, static_cast<std::ptrdiff_t>(rows));
         ++row) {
      for (auto column = std::max<std::ptrdiff_t>(left, 0);
           column < std::min(left + width, static_cast<std::ptrdiff_t>(columns)); ++column) {
        made[static_cast<std::size_t>(row) * columns + static_cast<std::size_t>(column)] += add;
      }
    }
  }
  if (!made.empty()) scale_by(made, 1 / length(norm, made));
  return made;
}

/// A hill above its negative, of norm 1; transposed at random.
std::vector<real> pattern(Norm norm, std::size_t side, Stream& stream) {
  std::vector<real> made = hill(norm, side / 2, side);
  for (const real value : hill(norm, side - side / 2, side)) made.push_back(-value);
  scale_by(made, 1 / length(norm, made));
  if (stream.below(2) == 0) return made;
  std::vector<real> turned(made.size());
  for (std::size_t row = 0; row < side; ++row) {
    for (std::size_t column = 0; column < side; ++column) turned[column * side + row] = made[row * side + column];
  }
  return turned;
}

/// Sets the image to original + change, with the change scaled (l2) or projected (l1) to the whole budget.
void put_at(const LabelOracle& sample, std::span<const real> change, std::span<real> image) {
  const std::span<const real> original = sample.original();
  double factor = 1;
  if (sample.budget().norm == Norm::l2) factor = sample.budget().size / (length_l2(change) + 1e-12);
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = original[i] + static_cast<real>(factor) * change[i];
  if (sample.budget().norm == Norm::l1) {
    project_l1(original, sample.low(), sample.high(), sample.budget().size * (1 - 1e-6), image);
  }
}

void patches(const LabelOracle& sample, Stream& stream, std::span<real> image) {
  const Shape& shape = sample.shape();
  const std::size_t side = std::max<std::size_t>(shape[0] / 5, 1);
  std::vector<real> change(image.size());
  const std::size_t first = shape[0] > side * 5 ? (shape[0] - side * 5) / 2 : 0;
  for (std::size_t row = first; row + side <= shape[0] && (row - first) / side < shape[0] / side; row += side) {
    for (std::size_t column = first; column + side <= shape[1]; column += side) {
      const std::vector<real> one = pattern(sample.budget().norm, side, stream);
      for (std::size_t channel = 0; channel < shape[2]; ++channel) {
        const real sign = random_sign(stream);
        over_patch(shape, {row, column, side}, channel,
                   [&](std::size_t i, std::size_t k) { change[i] += sign * one[k]; });
      }
    }
  }
  put_at(sample, change, image);
}

/// Moves the budget that patch `from` holds, and any unused budget, into a new pattern in patch `to`.
void move_mass(const LabelOracle& sample, const Patch& to, const Patch& from, Stream& stream, std::span<real> image) {
  const Norm norm = sample.budget().norm;
  const Shape& shape = sample.shape();
  const std::size_t channels = shape[2];
  std::vector<real> change(image.size());
  for (std::size_t i = 0; i < image.size(); ++i) change[i] = image[i] - sample.original()[i];
  const double used = length(norm, change);
  const double eps = sample.budget().size;
  const double free = norm == Norm::l2 ? std::max(eps * eps - used * used, 0.0) : std::max(eps - used, 0.0);
  const std::vector<real> one = pattern(norm, to.side, stream);
  std::vector<std::vector<real>> made(channels);
  for (std::size_t channel = 0; channel < channels; ++channel) {
    std::vector<real> old(to.side * to.side);
    std::vector<real> both;
    over_patch(shape, to, channel, [&](std::size_t i, std::size_t k) { old[k] = change[i]; });
    both = old;
    over_patch(shape, from, channel, [&](std::size_t i, std::size_t) {
      const std::size_t pixel = i / channels;
      const std::size_t row = pixel / shape[1];
      const std::size_t column = pixel % shape[1];
      const bool shared =
          row >= to.row && row < to.row + to.side && column >= to.column && column < to.column + to.side;
      if (!shared) both.push_back(change[i]);
    });
    const double held = length(norm, both);
    scale_by(old, 1 / (1e-12 + length(norm, old)));
    const real sign = random_sign(stream);
    for (std::size_t k = 0; k < old.size(); ++k) old[k] += sign * one[k];
    const double parts = static_cast<double>(channels);
    const double wanted = norm == Norm::l2 ? std::sqrt(free / parts + held * held) : (free / parts + held) * parts;
    scale_by(old, wanted / (1e-12 + length(norm, old)));
    made[channel] = std::move(old);
  }
  for (std::size_t channel = 0; channel < channels; ++channel) {
    over_patch(shape, from, channel, [&](std::size_t i, std::size_t) { change[i] = 0; });
  }
  for (std::size_t channel = 0; channel < channels; ++channel) {
    over_patch(shape, to, channel, [&](std::size_t i, std::size_t k) { change[i] = made[channel][k]; });
  }
  put_at(sample, change, image);
}

}  // namespace

Task<Stop> Square::search(ScoreOracle& sample) const {
  const Shape& shape = sample.shape();
  const std::span<real> best = sample.image();
  const Climb climb(sample.targeted() ? Loss::ce : Loss::margin, sample);
  const bool linf = norm == Norm::linf;
  for (unsigned restart = 0; restart < restarts; ++restart) {
    Stream stream = sample.random(name, restart);
    if (linf) {
      stripes(sample, stream, best);
    } else {
      patches(sample, stream, best);
    }
    std::span<const real> logits = co_await sample.scores(best);
    real most = climb.value(logits);
    std::vector<real> next(best.begin(), best.end());
    for (unsigned query = 0; query < queries; ++query) {
      const std::size_t side = side_at(*this, shape, query);
      const Patch patch = random_patch(shape, side, stream);
      if (linf) {
        change_square(sample, patch, stream, next);
      } else {
        const Patch other = random_patch(shape, side, stream);
        move_mass(sample, patch, other, stream, next);
      }
      logits = co_await sample.scores(next);
      ++sample.note().steps;
      const real found = climb.value(logits);
      const bool better = found > most;
      most = better ? found : most;
      if (better) {
        std::ranges::copy(next, best.begin());
      } else {
        std::ranges::copy(best, next.begin());
      }
    }
  }
  co_return Stop::finished;
}

}  // namespace hans::attacks
