// Measurements on a few samples that show whether a number of an evaluation can be believed.
#include <hans/attacks/probe.hpp>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include <hans/attacks/apgd.hpp>
#include <hans/attacks/fab.hpp>
#include <hans/attacks/fgsm.hpp>
#include <hans/attacks/fmn.hpp>
#include <hans/attacks/noise.hpp>
#include <hans/attacks/pgd.hpp>
#include <hans/attacks/sigma_zero.hpp>
#include <hans/attacks/square.hpp>
#include <hans/core/error.hpp>
#include "detail/model_probe.hpp"

namespace hans::attacks {
namespace {

using Flags = std::vector<bool>;
using Places = std::vector<std::size_t>;
using Means = std::vector<std::vector<double>>;

/// The mean image of each class; empty for a class without images.
Means class_means(const data::Samples& samples, std::size_t classes) {
  check_labels(samples, classes);
  Means sums(classes);
  std::vector<double> counts(classes);
  const std::size_t features = samples.size() == 0 ? 0 : samples.images.size() / samples.size();
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto label = static_cast<std::size_t>(samples.labels[i]);
    sums[label].resize(features);
    counts[label] += 1;
    for (std::size_t f = 0; f < features; ++f) {
      sums[label][f] += static_cast<double>(samples.images.values()[i * features + f]);
    }
  }
  for (std::size_t c = 0; c < classes; ++c) {
    for (double& value : sums[c]) value /= counts[c];
  }
  return sums;
}

/// Searches the balls around the probed samples.
class BallProber {
 public:
  BallProber(const nn::Classifier& model, const data::Samples& samples, Norm norm, std::vector<float> eps,
             const Places& with_gradient, const CraftOptions& how)
      : model_(model),
        samples_(samples),
        norm_(norm),
        eps_(std::move(eps)),
        with_gradient_(with_gradient),
        how_(how),
        found_(samples.size()) {}

  std::vector<BallProbe> run(const Means& means, bool other_radii) {
    if (norm_ == Norm::l0) {
      set(&BallProbe::iterative, fooled(SigmaZero{}, with_gradient_));
      set(&BallProbe::other_loss, fooled(Fmn{.norm = Norm::l0}, with_gradient_));
      return std::move(found_);
    }
    search();
    if (other_radii) search_other_radii();
    for (std::size_t k = 0; k < found_.size(); ++k) found_[k].transfer = transfers(k, means);
    return std::move(found_);
  }

 private:
  /// Sets one flag of all samples.
  void set(bool BallProbe::*flag, const Flags& values) {
    for (std::size_t k = 0; k < found_.size(); ++k) found_[k].*flag = found_[k].*flag || values[k];
  }

  float largest() const { return found_.empty() ? 0 : std::ranges::max(eps_); }

  Pgd pgd(std::span<const float> eps, unsigned steps, Loss loss, Start start = Start::random) const {
    return {
        .eps = eps.empty() ? 0 : std::ranges::max(eps), .norm = norm_, .steps = steps, .loss = loss, .start = start};
  }

  /// pgd; in l1, where pgd is weak, apgd from larger balls.
  Attack climb(std::span<const float> eps, unsigned steps, Loss loss) const {
    const Pgd steady = pgd(eps, steps, loss);
    if (norm_ != Norm::l1) return steady;
    return Apgd{.eps = steady.eps, .norm = norm_, .steps = steps, .loss = loss, .large_eps = true};
  }

  Flags fooled(const Attack& attack, const Places& which, bool straight_through = false) const {
    return fooled_by(attack, model_, samples_, eps_, which, how_, straight_through);
  }

  void search() {
    const float size = largest();
    set(&BallProbe::single_step, fooled(Fgsm{.eps = size, .norm = norm_}, with_gradient_));
    set(&BallProbe::iterative, fooled(climb(eps_, 40, Loss::ce), with_gradient_));
    set(&BallProbe::other_loss, fooled(climb(eps_, 40, Loss::margin), with_gradient_));
    set(&BallProbe::boundary, fooled(Fab{.norm = norm_, .eps = size, .steps = 50, .classes = 3}, with_gradient_));
    Places standing = with_gradient_;
    std::erase_if(standing, [&](std::size_t k) { return found_[k].any(); });
    set(&BallProbe::other_classes,
        fooled(ApgdT{.eps = size, .norm = norm_, .steps = 50, .large_eps = norm_ == Norm::l1}, standing));
    set(&BallProbe::other_start, fooled(pgd(eps_, 20, Loss::margin, Start::bright), with_gradient_));
    set(&BallProbe::other_start, fooled(pgd(eps_, 20, Loss::margin, Start::dark), with_gradient_));
    set(&BallProbe::straight_through, fooled(pgd(eps_, 20, Loss::margin), with_gradient_, true));
    Places everyone(found_.size());
    for (std::size_t k = 0; k < everyone.size(); ++k) everyone[k] = k;
    set(&BallProbe::black_box, fooled(Square{.eps = size, .norm = norm_, .queries = 300}, everyone));
    set(&BallProbe::noise, fooled(Noise{.eps = size, .norm = norm_, .repeats = 20}, everyone));
  }

  void search_other_radii() {
    const float most = largest_radius(norm_, samples_.box, model_.input().elements());
    for (const bool twice : {false, true}) {
      std::vector<float> eps = eps_;
      for (float& one : eps) one = !twice ? one / 2 : most > 0 ? std::min(one * 2, most) : one * 2;
      set(twice ? &BallProbe::double_eps : &BallProbe::half_eps,
          fooled_by(climb(eps, 20, Loss::ce), model_, samples_, eps, with_gradient_, how_));
    }
  }

  /// Moves `image` along `direction` by eps in the ball's norm, then into the box.
  void step(std::span<const real> image, std::span<const double> direction, float eps, real* out) const {
    constexpr double inside = 1 - 1e-6;  // keeps rounding inside the ball
    double sum = 0, squares = 0;
    for (const double d : direction) {
      sum += std::abs(d);
      squares += d * d;
    }
    const double length = norm_ == Norm::l2 ? std::sqrt(squares) : sum;
    for (std::size_t f = 0; f < image.size(); ++f) {
      const double d = direction[f];
      const double sign = d > 0 ? 1 : d < 0 ? -1 : 0;
      const double move = norm_ == Norm::linf ? sign : length > 0 ? d / length : 0;
      const auto moved = static_cast<real>(static_cast<double>(image[f]) + inside * static_cast<double>(eps) * move);
      out[f] = std::clamp(moved, static_cast<real>(samples_.box.lo), static_cast<real>(samples_.box.hi));
    }
  }

  /// Whether a step from the label's class mean towards another class mean fools the model.
  bool transfers(std::size_t k, const Means& means) const {
    const std::size_t features = model_.input().elements();
    const std::vector<double>& own = means[static_cast<std::size_t>(samples_.labels[k])];
    if (own.empty()) return false;
    std::vector<real> images;
    for (const std::vector<double>& other : means) {
      if (&other == &own || other.empty()) continue;
      std::vector<double> direction(features);
      for (std::size_t f = 0; f < features; ++f) direction[f] = other[f] - own[f];
      images.resize(images.size() + features);
      step(samples_.images.values().subspan(k * features, features), direction, eps_[k],
           images.data() + images.size() - features);
    }
    const data::Samples same = samples_.select(Places(images.size() / features, k));
    const std::vector<float> eps(same.size(), eps_[k]);
    const Outcome outcome =
        judge(model_, same, Tensor(same.images.shape(), images), away_from(same.labels), {norm_, 0, samples_.box}, eps);
    return std::ranges::any_of(outcome.findings, [](const Finding& finding) { return finding.evades; });
  }

  const nn::Classifier& model_;
  const data::Samples& samples_;
  Norm norm_;
  std::vector<float> eps_;
  const Places& with_gradient_;
  const CraftOptions& how_;
  std::vector<BallProbe> found_;
};

/// The radius for each probed sample (`places` in the evaluation), at most that of the whole box.
std::vector<float> radii_of(const ProbedBall& probed, const Evaluation& evaluation, const Places& places,
                            std::size_t features) {
  const Budget& ball = probed.ball;
  const float whole = largest_radius(ball.norm, ball.box, features);
  const float most = std::isfinite(diameter(ball.norm, ball.box, features)) ? whole : std::numeric_limits<float>::max();
  if (!probed.attack) return std::vector<float>(places.size(), std::min(static_cast<float>(ball.size), most));
  std::vector<float> nearest(evaluation.size(), whole);
  for (const Attempt& attempt : evaluation.attacks[*probed.attack].attempts) {
    if (!attempt.finding.evades) continue;
    nearest[attempt.sample] = std::min(static_cast<float>(0.9 * attempt.finding.distance.of(ball.norm)), most);
  }
  std::vector<float> radii;
  for (const std::size_t place : places) radii.push_back(nearest[place]);
  return radii;
}

bool same_ball(const ProbedBall& one, const ProbedBall& other) {
  return one.ball == other.ball && one.attack == other.attack;
}

}  // namespace

bool BallProbe::any() const {
  return single_step || iterative || other_loss || boundary || other_classes || other_start || straight_through ||
         black_box || transfer || noise || half_eps;
}

std::uint32_t probe_every(std::size_t whole, std::size_t wanted) {
  if (wanted == 0) return 0;
  return static_cast<std::uint32_t>(std::max<std::size_t>(1, whole / wanted));
}

std::vector<std::size_t> probed_samples(const Evaluation& evaluation, std::uint32_t every) {
  Places places;
  for (std::size_t i = 0; every > 0 && i < evaluation.size(); ++i) {
    const bool right = evaluation.predictions[i] == evaluation.samples.labels[i];
    if (right && evaluation.samples.index[i] % every == 0) places.push_back(i);
  }
  return places;
}

std::vector<ProbedBall> balls_of(const Evaluation& evaluation, std::span<const float> radii) {
  std::vector<ProbedBall> balls;
  const auto add = [&](const ProbedBall& ball) {
    if (std::ranges::none_of(balls, [&](const ProbedBall& other) { return same_ball(ball, other); })) {
      balls.push_back(ball);
    }
  };
  for (std::size_t k = 0; k < evaluation.attacks.size(); ++k) {
    Budget ball = evaluation.attacks[k].budget;
    if (ball.prediction_only || is_targeted(evaluation.attacks[k].attack.info(), evaluation.targets)) continue;
    if (std::isfinite(ball.size)) {
      add({ball});
    } else if (radii.empty()) {
      add({ball, k});
    }
    if (std::isfinite(ball.size)) continue;
    for (const float radius : radii) {
      ball.size = static_cast<double>(radius);
      add({ball});
    }
  }
  return balls;
}

Probes probe(const nn::Classifier& model, const data::Samples& samples, const Evaluation& evaluation,
             std::span<const float> radii, const ProbeOptions& options) {
  check(samples.labels == evaluation.samples.labels && samples.index == evaluation.samples.index,
        "the samples to probe are not those of the evaluation");
  check_labels(samples, model.classes());
  Probes probes;
  probes.samples = probed_samples(evaluation, options.every);
  probes.balls = balls_of(evaluation, radii);
  if (probes.samples.empty()) return probes;
  data::Samples some = samples.select(probes.samples);
  const CraftOptions how{.seed = options.seed, .tape = options.tape};
  ProbedModel probed = probe_model(model, some, how);
  probes.model = std::move(probed.probes);
  const Means means = class_means(options.reference, model.classes());
  for (ProbedBall& ball : probes.balls) {
    some.box = ball.ball.box;
    BallProber inside(model, some, ball.ball.norm, radii_of(ball, evaluation, probes.samples, model.input().elements()),
                      probed.with_gradient, how);
    ball.probes = inside.run(means, !ball.attack);
  }
  return probes;
}

void extend(Probes& all, Probes part, std::size_t before) {
  if (all.balls.empty() && all.samples.empty()) {
    for (const ProbedBall& ball : part.balls) all.balls.push_back({ball.ball, ball.attack});
  }
  check(std::ranges::equal(all.balls, part.balls, same_ball), "the probes of ", part.balls.size(),
        " balls cannot extend those of ", all.balls.size(), " others");
  for (const std::size_t sample : part.samples) all.samples.push_back(before + sample);
  std::ranges::copy(part.model, std::back_inserter(all.model));
  for (std::size_t b = 0; b < all.balls.size(); ++b) {
    std::ranges::copy(part.balls[b].probes, std::back_inserter(all.balls[b].probes));
  }
}

}  // namespace hans::attacks
