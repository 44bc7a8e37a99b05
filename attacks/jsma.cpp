// The Jacobian-based saliency map attack.
#include <hans/attacks/jsma.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include <hans/attacks/losses.hpp>
#include <hans/core/error.hpp>
#include <hans/core/reduce.hpp>
#include "tools/detail/saliency.hpp"

namespace hans::attacks {
namespace {

// The settings of both versions of the attack.
struct Saliency {
  real theta;   // signed change of a feature
  real lo, hi;  // range of the features
  Of of;
  bool pairs;
  bool retire_once;
  std::optional<Map> map;
  bool cleverhans;  // Jacobian of the probabilities themselves; the lowest pair when none qualifies
  std::size_t max_steps;
};

bool may_change(real value, const Saliency& how) { return how.theta > 0 ? value < how.hi : value > how.lo; }

// The output to raise: log p_target, whose gradient ranks like that of p_target but does not underflow, or the target's
// output alone.
real wanted(const Saliency& how, const LabelOracle& sample, std::span<const real> logits, std::span<real> weights) {
  if (how.of == Of::probabilities && !how.cleverhans) return Climb(Loss::ce, sample)(logits, weights);
  const auto target = static_cast<std::size_t>(sample.goal());
  weights[target] = 1;
  if (how.of == Of::probabilities) through_softmax(logits, weights);
  return logits[target];
}

// The output to lower meanwhile: the sum of all others, with `map` each weighted by its probability.
std::vector<real> unwanted(const Saliency& how, const LabelOracle& sample, std::span<const real> logits) {
  std::vector<real> weights(logits.size(), 1);
  if (how.map) softmax(logits.data(), weights.data(), 1, logits.size());
  weights[static_cast<std::size_t>(sample.goal())] = 0;
  if (how.of == Of::probabilities) through_softmax(logits, weights);
  return weights;
}

Pick pick(const Saliency& how, std::span<const real> image, std::vector<real>& a, std::vector<real>& b,
          const std::vector<std::size_t>& domain) {
  if (how.map == Map::taylor) {  // weigh by how far a feature can still move
    for (std::size_t i = 0; i < image.size(); ++i) {
      const real room = how.theta > 0 ? how.hi - image[i] : image[i] - how.lo;
      a[i] *= room;
      b[i] *= room;
    }
  }
  if (how.theta < 0) {  // features move down, so both signs flip
    for (real& value : a) value = -value;
    for (real& value : b) value = -value;
  }
  return b.empty() ? pick_by_gradient(a, domain, how.pairs) : pick_by_jacobian(a, b, domain, how.pairs);
}

void change(const Saliency& how, std::span<real> image, std::size_t feature) {
  const real moved = image[feature] + how.theta;
  image[feature] = how.theta > 0 ? std::min(moved, how.hi) : std::max(moved, how.lo);
}

Task<Stop> follow(const Saliency how, GradientOracle& sample) {
  const std::span<real> image = sample.image();
  const bool log_probability = how.of == Of::probabilities && !how.cleverhans;
  const auto loss = [&](std::span<const real> logits, std::span<real> weights) {
    return wanted(how, sample, logits, weights);
  };
  std::vector<std::size_t> domain;  // features that may still change, rising
  for (std::size_t k = 0; k < image.size(); ++k) {
    if (may_change(image[k], how)) domain.push_back(k);
  }
  unsigned& steps = sample.note().steps;
  while (steps < how.max_steps && domain.size() >= (how.pairs ? 2 : 1)) {
    const Slope slope = co_await sample.slope(image, loss, true);
    if (slope.gradient.empty()) co_return Stop::target_reached;
    std::vector<real> a(slope.gradient.begin(), slope.gradient.end());
    std::vector<real> b;
    if (!log_probability || how.map) {
      const real most = sample.note().gradient_norm;
      const std::vector<real> weights = unwanted(how, sample, slope.logits);
      const std::span<const real> found = co_await sample.gradient(weights);
      b.assign(found.begin(), found.end());
      sample.note().gradient_norm = std::max(most, sample.note().gradient_norm);
    }
    Pick best = pick(how, image, a, b, domain);
    if (!best.found) {
      if (!how.cleverhans) co_return Stop::no_admissible_pair;
      best = {true, domain[0], domain[1]};
    }
    change(how, image, best.first);
    if (best.second != best.first) change(how, image, best.second);
    std::erase_if(domain, [&](std::size_t feature) {
      return (feature == best.first || feature == best.second) && (how.retire_once || !may_change(image[feature], how));
    });
    ++steps;
  }
  const int prediction = co_await sample.prediction(image);
  if (sample.reached(prediction)) co_return Stop::target_reached;
  co_return steps < how.max_steps ? Stop::domain_exhausted : Stop::limit;
}

std::size_t max_steps(const Jsma& attack, std::size_t features) {
  const std::size_t per_step = attack.select == Select::pairs ? 2 : 1;
  if (attack.gamma) return saliency_steps(*attack.gamma, features, per_step);
  return *attack.max_features / per_step;
}

}  // namespace

void Jsma::validate() const {
  check_usage(gamma.has_value() != max_features.has_value(),
              "jsma needs gamma (share of the features) or max_features (their number), and not both");
  check_usage(theta != 0, "jsma with theta=0 changes nothing; take theta=1 to raise features, theta=-1 to lower them");
}

Budget Jsma::budget(const Shape& image, data::Box box) const {
  const std::size_t per_step = select == Select::pairs ? 2 : 1;
  const std::size_t limit = std::min(max_steps(*this, image.elements()), image.elements());
  const data::Box clip = clip_box(clip_min, clip_max, box);
  check_usage(map != Map::taylor || (std::isfinite(clip.lo) && std::isfinite(clip.hi)),
              "jsma with map=taylor weighs features by how far they can go, so clip_min and clip_max must be finite");
  return {Norm::l0, static_cast<double>(limit * per_step), clip, false};
}

Jsma Jsma::resolved(data::Box box) const {
  Jsma copy = *this;
  const data::Box clip = clip_box(clip_min, clip_max, box);
  copy.clip_min = clip.lo;
  copy.clip_max = clip.hi;
  return copy;
}

Task<Stop> Jsma::search(GradientOracle& sample) const {
  const data::Box clip = sample.budget().box;
  return follow({theta, clip.lo, clip.hi, of, select == Select::pairs, retire == Retire::once, map, false,
                 max_steps(*this, sample.original().size())},
                sample);
}

Budget JsmaCleverhans100::budget(const Shape& image, data::Box) const {
  return {Norm::l0, static_cast<double>(image.elements()), {clip_min, clip_max}, true};
}

Task<Stop> JsmaCleverhans100::search(GradientOracle& sample) const {
  return follow({increase ? theta.value() : -theta.value(),
                 clip_min,
                 clip_max,
                 of,
                 true,
                 true,
                 {},
                 true,
                 saliency_steps(gamma, sample.original().size(), 2)},
                sample);
}

}  // namespace hans::attacks
