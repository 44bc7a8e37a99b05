// The Jacobian-based saliency map attack.
#include <hans/attacks/jsma.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include <hans/attacks/losses.hpp>
#include <hans/attacks/saliency.hpp>
#include <hans/core/error.hpp>
#include <hans/core/reduce.hpp>

namespace hans::attacks {
namespace {

// What both versions of the attack are made of.
struct Saliency {
  real theta;   // signed change of a feature
  real lo, hi;  // range of the features
  Of of;
  bool pairs;
  bool retire_once;
  bool cleverhans;  // Jacobian of the probabilities themselves; the lowest pair when none qualifies
  std::size_t max_steps;
};

bool may_change(real value, const Saliency& how) { return how.theta > 0 ? value < how.hi : value > how.lo; }

// Turns weights of the probabilities into those of the logits: w_j = p_j * (w_j - sum of w_k * p_k).
void through_softmax(std::span<const real> logits, std::span<real> weights) {
  std::vector<real> p(logits.size());
  std::vector<real> shares(logits.size());
  softmax(logits.data(), p.data(), 1, logits.size());
  for (std::size_t j = 0; j < p.size(); ++j) shares[j] = weights[j] * p[j];
  const real total = sum(shares);
  for (std::size_t j = 0; j < p.size(); ++j) weights[j] = p[j] * (weights[j] - total);
}

// What is to grow: log p_target, whose gradient ranks like that of p_target but does not underflow, or the target's
// output alone.
real wanted(const Saliency& how, const LabelOracle& sample, std::span<const real> logits, std::span<real> weights) {
  if (how.of == Of::probabilities && !how.cleverhans) return Climb(Loss::ce, sample)(logits, weights);
  const auto target = static_cast<std::size_t>(sample.goal());
  weights[target] = 1;
  if (how.of == Of::probabilities) through_softmax(logits, weights);
  return logits[target];
}

// What is to shrink meanwhile: the sum of all other outputs.
std::vector<real> unwanted(const Saliency& how, const LabelOracle& sample, std::span<const real> logits) {
  std::vector<real> weights(logits.size(), 1);
  weights[static_cast<std::size_t>(sample.goal())] = 0;
  if (how.of == Of::probabilities) through_softmax(logits, weights);
  return weights;
}

Pick pick(const Saliency& how, std::vector<real>& a, std::vector<real>& b, const std::vector<std::size_t>& domain) {
  if (how.theta < 0) {  // going down turns both signs round
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
    if (!log_probability) {
      const real most = sample.note().gradient_norm;
      const std::vector<real> weights = unwanted(how, sample, slope.logits);
      const std::span<const real> found = co_await sample.gradient(weights);
      b.assign(found.begin(), found.end());
      sample.note().gradient_norm = std::max(most, sample.note().gradient_norm);
    }
    Pick best = pick(how, a, b, domain);
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

// The float's shortest decimal read in double, so that gamma=0.145 of 1000 features is 145 and not 144.
double decimal(float value) {
  double exact = 0;
  check(read_number(text(value), exact), "the number ", value, " has no decimal");
  return exact;
}

// floor(gamma * features / per_step) steps, but no more than could ever be made.
std::size_t steps_for(float gamma, std::size_t features, std::size_t per_step) {
  const double steps = std::floor(decimal(gamma) * static_cast<double>(features) / static_cast<double>(per_step));
  return steps < 1e9 ? static_cast<std::size_t>(steps) : std::numeric_limits<std::size_t>::max();
}

std::size_t max_steps(const Jsma& attack, std::size_t features) {
  const std::size_t per_step = attack.select == Select::pairs ? 2 : 1;
  if (attack.gamma) return steps_for(*attack.gamma, features, per_step);
  return *attack.max_features / per_step;
}

void check_targeted(const Goal& goal, std::string_view name) {
  check_usage(goal.targeted, name, " needs a target: changing features towards a class is what it does");
}

}  // namespace

void Jsma::validate() const {
  check_usage(gamma.has_value() != max_features.has_value(),
              "jsma needs gamma (share of the features) or max_features (their number), and not both");
  check_usage(theta != 0, "jsma with theta=0 changes nothing; take theta=1 to raise features, theta=-1 to lower them");
}

Budget Jsma::budget(const Shape& image, data::Box box) const {
  check_fields(*this);
  const std::size_t per_step = select == Select::pairs ? 2 : 1;
  const std::size_t limit = std::min(max_steps(*this, image.elements()), image.elements());
  return {Norm::l0, static_cast<double>(limit * per_step), clip_box(clip_min, clip_max, box), false};
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
  return follow({theta, clip.lo, clip.hi, of, select == Select::pairs, retire == Retire::once, false,
                 max_steps(*this, sample.original().size())},
                sample);
}

Crafted Jsma::operator()(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                         const CraftOptions& options) const {
  check_targeted(goal, name);
  return craft(*this, model, samples, goal, options);
}

Budget JsmaCleverhans100::budget(const Shape& image, data::Box) const {
  check_fields(*this);
  return {Norm::l0, static_cast<double>(image.elements()), {clip_min, clip_max}, true};
}

Task<Stop> JsmaCleverhans100::search(GradientOracle& sample) const {
  return follow({increase ? theta.value() : -theta.value(), clip_min, clip_max, of, true, true, true,
                 steps_for(gamma, sample.original().size(), 2)},
                sample);
}

Crafted JsmaCleverhans100::operator()(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                                      const CraftOptions& options) const {
  check_targeted(goal, "jsma@cleverhans-1.0.0");
  return craft(*this, model, samples, goal, options);
}

}  // namespace hans::attacks
