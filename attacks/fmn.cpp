// Fast minimum norm.
#include <hans/attacks/fmn.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include <hans/attacks/judge.hpp>
#include <hans/attacks/losses.hpp>
#include <hans/attacks/steps.hpp>
#include <hans/core/reduce.hpp>

namespace hans::attacks {
namespace {

/// The radius of the next ball.
double next_radius(const LabelOracle& sample, double eps, double gamma, bool reached, const Slope& slope) {
  const Norm norm = sample.budget().norm;
  const double smaller = eps * (1 - gamma);
  const double larger = eps * (1 + gamma);
  const double best = sample.kept().empty() ? std::numeric_limits<double>::infinity()
                                            : distances(sample.original(), sample.kept()).of(norm);
  if (norm == Norm::l0) {
    if (reached) return std::max(std::min({eps - 1, std::floor(smaller), best}), 1.0);
    return std::max(eps + 1, std::floor(larger));
  }
  if (reached) return std::min(smaller, best);
  if (!sample.kept().empty()) return larger;
  const double missing = std::abs(static_cast<double>(slope.loss)) / std::max(dual_length(norm, slope.gradient), 1e-12);
  return distances(sample.original(), sample.image()).of(norm) + missing;
}

}  // namespace

Task<Stop> Fmn::search(GradientOracle& sample) const {
  const std::span<real> image = sample.image();
  const Climb climb(Loss::margin, sample);
  double eps = norm == Norm::l0 ? 1 : std::numeric_limits<double>::infinity();
  for (unsigned k = 0; k < steps; ++k) {
    const Slope slope = co_await sample.slope(image, climb);
    ++sample.note().steps;
    const bool reached = sample.reached(static_cast<int>(argmax(slope.logits)));
    eps = next_radius(sample, eps, static_cast<double>(cosine(gamma, 0.001F, k, steps)), reached, slope);
    const double length = length_l2(slope.gradient);
    if (length > 0) {
      const double scale = static_cast<double>(cosine(alpha, alpha / 100, k, steps)) / length;
      for (std::size_t i = 0; i < image.size(); ++i) image[i] += scaled(scale, slope.gradient[i]);
    }
    project_to(sample, eps, image);
  }
  co_await sample.prediction(image);
  const Task<Stop> back = refine_best(sample, refine);
  co_return co_await back;
}

}  // namespace hans::attacks
