// The maximal saliency map attack.
#include <hans/attacks/jsma_maximal.hpp>

#include <algorithm>

#include "tools/detail/saliency.hpp"

namespace hans::attacks {
namespace {

/// The output of one class, as weights of the logits.
struct Output {
  Of of;
  std::size_t number;
  real operator()(std::span<const real> logits, std::span<real> weights) const {
    weights[number] = 1;
    if (of == Of::probabilities) through_softmax(logits, weights);
    return logits[number];
  }
};

/// The gradients of all outputs at the sample's image, followed by that of their sum.
Task<std::vector<std::vector<real>>> jacobian(GradientOracle& sample, Of of) {
  const std::size_t classes = sample.classes();
  std::vector<std::vector<real>> all;
  const Output first{of, 0};
  const Slope slope = co_await sample.slope(sample.image(), first);
  const std::vector<real> logits(slope.logits.begin(), slope.logits.end());
  all.emplace_back(slope.gradient.begin(), slope.gradient.end());
  for (std::size_t k = 1; k < classes; ++k) {
    std::vector<real> weights(classes);
    Output{of, k}(logits, weights);
    const std::span<const real> found = co_await sample.gradient(weights);
    all.emplace_back(found.begin(), found.end());
  }
  std::vector<real> sum(sample.image().size());
  for (const std::vector<real>& one : all) {
    for (std::size_t i = 0; i < sum.size() && of == Of::logits; ++i) sum[i] += one[i];  // 0 for probabilities
  }
  all.push_back(std::move(sum));
  co_return all;
}

struct Change {
  Pick pick;
  real score = 0;
  int way = 0;  ///< 1: up
};

}  // namespace

Budget JsmaMaximal::budget(const Shape& image, data::Box box) const {
  const std::size_t pairs = std::min(saliency_steps(gamma, image.elements(), 2), image.elements() / 2);
  return {Norm::l0, static_cast<double>(2 * pairs), box, false};
}

Task<Stop> JsmaMaximal::search(GradientOracle& sample) const {
  const std::span<real> image = sample.image();
  const std::size_t n = image.size();
  std::vector<int> moved(n);  // the direction in which each feature moved
  const std::size_t most = saliency_steps(gamma, n, 2);
  for (unsigned& steps = sample.note().steps; steps < most; ++steps) {
    const Task<std::vector<std::vector<real>>> asked = jacobian(sample, of);
    const std::vector<std::vector<real>> outputs = co_await asked;
    Change best;
    for (std::size_t k = 0; k < sample.classes(); ++k) {
      for (const int way : {1, -1}) {
        std::vector<std::size_t> domain;
        for (std::size_t i = 0; i < n; ++i) {
          const bool room = way > 0 ? image[i] < sample.high()[i] : image[i] > sample.low()[i];
          if (room && moved[i] != -way) domain.push_back(i);
        }
        // Raise the class, but lower the label.
        const int sense = k == static_cast<std::size_t>(sample.goal()) ? -way : way;
        std::vector<real> a(n);
        std::vector<real> b(n);
        for (std::size_t i = 0; i < n; ++i) {
          a[i] = static_cast<real>(sense) * outputs[k][i];
          b[i] = static_cast<real>(sense) * outputs.back()[i] - a[i];
        }
        const Pick pick = of == Of::logits ? pick_by_jacobian(a, b, domain, true) : pick_by_gradient(a, domain, true);
        const real score = pick.found ? -((a[pick.first] + a[pick.second]) * (b[pick.first] + b[pick.second])) : 0;
        if (score > best.score) best = {pick, score, way};
      }
    }
    if (best.way == 0) co_return Stop::no_admissible_pair;
    for (const std::size_t feature : {best.pick.first, best.pick.second}) {
      image[feature] += static_cast<real>(best.way) * real{theta};
      moved[feature] = best.way;
    }
    sample.project(image);
  }
  co_await sample.prediction(image);
  co_return Stop::limit;
}

}  // namespace hans::attacks
