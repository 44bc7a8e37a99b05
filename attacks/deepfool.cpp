// DeepFool.
#include <hans/attacks/deepfool.hpp>

#include <algorithm>
#include <limits>

#include <hans/attacks/planes.hpp>
#include <hans/attacks/steps.hpp>

namespace hans::attacks {

Task<Stop> DeepFool::search(GradientOracle& sample) const {
  const std::span<real> image = sample.image();
  const std::span<const real> original = sample.original();
  const std::span<const real> logits = co_await sample.scores(image);
  std::vector<int> others = falling(logits);
  std::erase(others, sample.goal());
  if (others.size() >= candidates) others.resize(candidates - 1);
  const Difference first{others[0], sample.goal()};
  std::vector<real> total(image.size());
  std::vector<real> step(image.size());
  const std::vector<real> lowest(image.size(), -std::numeric_limits<real>::infinity());
  const std::vector<real> highest(image.size(), std::numeric_limits<real>::infinity());
  for (unsigned k = 0; k < steps; ++k) {
    const Slope slope = co_await sample.slope(image, first, true);
    if (slope.gradient.empty()) break;  // the class has changed
    const Task<Boundary> search = nearest_boundary(sample, norm, slope, others);
    const Boundary boundary = co_await search;
    // A little farther: a step that the box clips could stop just before the boundary.
    const real beyond = 1e-4F * static_cast<real>(dual_length(norm, boundary.gradient));
    step_to_plane(image, boundary.gradient, boundary.missing + beyond, lowest, highest, norm, step);
    for (std::size_t i = 0; i < image.size(); ++i) {
      total[i] += step[i];
      image[i] = original[i] + (1 + overshoot) * total[i];
    }
    ++sample.note().steps;
  }
  co_await sample.prediction(image);
  const Task<Stop> back = refine_best(sample, refine);
  co_return co_await back;
}

void DeepFool::check_goal(const Goal&, std::size_t class_count) const {
  check_classes(name, Loss::margin, false, class_count);
}

}  // namespace hans::attacks
