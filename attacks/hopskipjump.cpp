// HopSkipJump.
#include <hans/attacks/hopskipjump.hpp>

#include <algorithm>
#include <cmath>

#include <hans/attacks/decisions.hpp>
#include <hans/attacks/steps.hpp>

namespace hans::attacks {
namespace {

/// Estimates the boundary's normal: the direction in which most random images around reach the goal. A unit vector, or
/// signs for linf.
Task<std::vector<real>> guess_normal(LabelOracle& sample, const Norm norm, const unsigned evals, const double delta,
                                     const unsigned step) {
  const std::span<const real> image = sample.image();
  const std::size_t n = image.size();
  std::vector<real> probe(n);
  std::vector<double> all(n);
  std::vector<double> reaching(n);
  unsigned reached = 0;
  for (unsigned k = 0; k < evals; ++k) {
    Stream stream = sample.random("hopskipjump", (step << 16U) + k);
    const std::vector<real> way = random_direction(stream, norm, n);
    const real scale = static_cast<real>(delta / std::max(length_l2(way), 1e-12));
    for (std::size_t i = 0; i < n; ++i) probe[i] = image[i] + scale * way[i];
    const int prediction = co_await sample.prediction(probe);
    const bool there = sample.reached(prediction);
    reached += there ? 1U : 0U;
    // The change that is left after projection.
    for (std::size_t i = 0; i < n; ++i) {
      const double change = (static_cast<double>(probe[i]) - static_cast<double>(image[i])) / delta;
      all[i] += change;
      reaching[i] += there ? change : -change;
    }
  }
  const double mean = 2.0 * reached / evals - 1;  // +1 for each that reaches the goal, else -1
  std::vector<real> normal(n);
  for (std::size_t i = 0; i < n; ++i) {
    const bool mixed = reached > 0 && reached < evals;
    normal[i] = static_cast<real>((mixed ? reaching[i] - mean * all[i] : mean * all[i]) / evals);
  }
  const double length = std::max(length_l2(normal), 1e-12);
  for (real& v : normal) {
    if (norm == Norm::l2) {
      v = static_cast<real>(static_cast<double>(v) / length);
    } else {
      v = sign(v);
    }
  }
  co_return normal;
}

}  // namespace

Task<Stop> HopSkipJump::search(LabelOracle& sample) const {
  const std::span<real> image = sample.image();
  const std::size_t n = image.size();
  unsigned tried = 0;
  const Task<bool> begin = find_start(sample, tries, tried);
  const bool begun = co_await begin;
  if (!begun) co_return Stop::limit;
  const Task<Stop> to_boundary = move_to_boundary(sample, image);
  co_await to_boundary;
  std::vector<real> next(n);
  for (unsigned step = 0; step < steps; ++step) {
    const double distance = distances(sample.original(), image).of(norm);
    if (distance == 0) break;
    const double delta = step == 0 ? 0.1 * static_cast<double>(sample.budget().box.hi - sample.budget().box.lo)
                                   : distance / static_cast<double>(n);
    const unsigned count = std::min(
        static_cast<unsigned>(static_cast<double>(evals) * std::sqrt(static_cast<double>(step + 1))), most_evals);
    const Task<std::vector<real>> guess = guess_normal(sample, norm, count, delta, step);
    const std::vector<real> normal = co_await guess;
    // Halve the jump until the goal is reached; if it never is, the image stays.
    double far = distance / std::sqrt(static_cast<double>(step + 1));
    bool there = false;
    for (unsigned k = 0; k < 20 && !there; ++k, far /= 2) {
      for (std::size_t i = 0; i < n; ++i) next[i] = image[i] + static_cast<real>(far) * normal[i];
      const int prediction = co_await sample.prediction(next);
      there = sample.reached(prediction);
    }
    ++sample.note().steps;
    if (!there) continue;
    const Task<Stop> back = move_to_boundary(sample, next);
    co_await back;
    std::ranges::copy(next, image.begin());
  }
  co_return Stop::finished;
}

}  // namespace hans::attacks
