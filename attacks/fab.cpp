// Fast adaptive boundary attack.
#include <hans/attacks/fab.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include <hans/attacks/losses.hpp>
#include <hans/attacks/planes.hpp>
#include <hans/attacks/steps.hpp>
#include <hans/core/error.hpp>

namespace hans::attacks {
namespace {

/// One step: moves the image towards the boundary, biased towards the original. `there` becomes the change that takes
/// the original to the boundary.
void walk_step(const LabelOracle& sample, const Fab& how, const Boundary& boundary, std::span<real> image,
               std::span<real> there) {
  const std::span<const real> original = sample.original();
  const std::size_t n = image.size();
  std::vector<real> here(n);
  double back = 0;  // how much the boundary's function falls from the image to the original
  for (std::size_t i = 0; i < n; ++i) {
    back +=
        static_cast<double>(boundary.gradient[i]) * (static_cast<double>(image[i]) - static_cast<double>(original[i]));
  }
  step_to_plane(image, boundary.gradient, boundary.missing, sample.low(), sample.high(), how.norm, here);
  step_to_plane(original, boundary.gradient, boundary.missing + static_cast<real>(back), sample.low(), sample.high(),
                how.norm, there);
  const double from_here = std::max(length(how.norm, here), 1e-8);
  const double from_there = std::max(length(how.norm, there), 1e-8);
  const real alpha = std::min(static_cast<real>(from_here / (from_here + from_there)), how.alpha_max);
  for (std::size_t i = 0; i < n; ++i) {
    image[i] = (image[i] + how.eta * here[i]) * (1 - alpha) + (original[i] + how.eta * there[i]) * alpha;
  }
}

void begin_near(const LabelOracle& sample, const Fab& how, std::uint32_t restart) {
  const std::span<real> image = sample.image();
  Stream stream = sample.random("fab", restart);
  const std::vector<real> way = random_direction(stream, how.norm, image.size());
  const real scale = static_cast<real>(0.5 * sample.budget().size / length(how.norm, way));
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = sample.original()[i] + scale * way[i];
}

/// One run from the sample's image, towards the nearest of the boundaries to `classes`.
Task<Stop> walk(GradientOracle& sample, const Fab& how, const std::vector<int> classes) {
  const std::span<real> image = sample.image();
  const Difference first{classes[0], sample.goal()};
  Slope slope = co_await sample.slope(image, first);
  std::vector<real> straight(image.size());
  for (unsigned k = 0; k < how.steps; ++k) {
    const Task<Boundary> search = nearest_boundary(sample, how.norm, slope, classes);
    const Boundary boundary = co_await search;
    walk_step(sample, how, boundary, image, straight);
    ++sample.note().steps;
    if (k + 1 == how.steps) break;
    slope = co_await sample.slope(image, first, true);
    if (slope.gradient.empty()) {  // across the boundary: move back
      for (std::size_t i = 0; i < image.size(); ++i) {
        image[i] = sample.original()[i] + (image[i] - sample.original()[i]) * how.beta;
      }
      slope = co_await sample.slope(image, first);
    }
  }
  co_await sample.prediction(image);
  if (!how.eps && how.refine > 0) {  // a last step: from the original just across the boundary
    for (std::size_t i = 0; i < image.size(); ++i) image[i] = sample.original()[i] + 1.0001F * straight[i];
    co_await sample.prediction(image);
  }
  co_return Stop::finished;
}

}  // namespace

void Fab::validate() const {
  check_usage(restarts == 1 || eps, "fab: restarts begin at half of eps from the original, so they need an eps");
}

Task<Stop> Fab::search(GradientOracle& sample) const {
  sample.set_radius(std::numeric_limits<double>::infinity());
  const std::span<const real> logits = co_await sample.scores(sample.image());
  std::vector<int> others = falling(logits);
  std::erase(others, sample.goal());
  std::vector<std::vector<int>> aims{others};
  if (classes > 0) {
    aims.clear();
    for (const int other : others) {
      if (aims.size() < classes) aims.push_back({other});
    }
  }
  std::uint32_t begun = 0;
  for (const std::vector<int>& aim : aims) {
    for (unsigned restart = 0; restart < restarts; ++restart, ++begun) {
      std::ranges::copy(sample.original(), sample.image().begin());
      if (restart > 0) begin_near(sample, *this, begun);
      const Task<Stop> one = walk(sample, *this, aim);
      co_await one;
    }
  }
  const Task<Stop> back = refine_best(sample, eps ? 0 : refine);
  co_return co_await back;
}

}  // namespace hans::attacks
