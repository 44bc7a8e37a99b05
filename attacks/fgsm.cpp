// The fast gradient sign method.
#include <hans/attacks/fgsm.hpp>

#include <algorithm>

#include <hans/attacks/ball.hpp>
#include <hans/attacks/driver.hpp>
#include <hans/attacks/losses.hpp>
#include <hans/core/reduce.hpp>

namespace hans::attacks {
Fgsm Fgsm::resolved(data::Box box) const {
  const data::Box clip = clip_box(clip_min, clip_max, box);
  return {eps, norm, clip.lo, clip.hi, label.value_or(Label::data)};
}

Task<Stop> Fgsm::search(GradientOracle& sample) const {
  Climb climb(Loss::ce, sample);
  const auto loss = [&](std::span<const real> logits, std::span<real> seed) {
    if (label == Label::model && !sample.targeted()) climb.label = static_cast<int>(argmax(logits));
    return climb(logits, seed);
  };
  const Slope slope = co_await sample.slope(sample.image(), loss);
  sample.note().steps = 1;
  step_in_ball(sample.original(), slope.gradient, norm, sample.eps(), sample.budget().box, sample.image());
  co_return Stop::finished;
}

Budget FgsmCleverhans100::budget(const Shape&, data::Box box) const { return {Norm::linf, eps, box, true}; }

Task<Stop> FgsmCleverhans100::search(GradientOracle& sample) const {
  // Cross entropy with the target spread equally over all classes that have the largest logit.
  const auto loss = [](std::span<const real> logits, std::span<real> seed) {
    const real most = *std::ranges::max_element(logits);
    const auto tied = static_cast<real>(std::ranges::count(logits, most));
    std::vector<real> targets(logits.size());
    for (std::size_t j = 0; j < logits.size(); ++j) targets[j] = logits[j] == most ? 1 / tied : 0;
    real found = 0;
    const real one = 1;
    cross_entropy(logits.data(), targets.data(), &found, 1, logits.size());
    cross_entropy_gradient(logits.data(), targets.data(), &one, seed.data(), 1, logits.size());
    return found;
  };
  const Slope slope = co_await sample.slope(sample.image(), loss);
  sample.note().steps = 1;
  const real step = eps.value();
  for (std::size_t k = 0; k < sample.image().size(); ++k) {
    real& pixel = sample.image()[k];
    const real g = slope.gradient[k];
    pixel += g > 0 ? step : g < 0 ? -step : real{0};
    if (clip_min && clip_max) pixel = std::min(std::max(pixel, real{*clip_min}), real{*clip_max});
  }
  co_return Stop::finished;
}

}  // namespace hans::attacks
