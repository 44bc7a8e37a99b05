// The probes of a model at single samples, and how the probes run attacks.
#include "detail/model_probe.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include <hans/attacks/fgsm.hpp>
#include <hans/attacks/judge.hpp>
#include <hans/attacks/pgd.hpp>
#include <hans/core/error.hpp>
#include <hans/core/rng.hpp>
#include <hans/nn/evaluate.hpp>

namespace hans::attacks {
namespace {

/// The logit of the label minus the largest other.
double label_margin(std::span<const real> logits, int label) {
  double best = -HUGE_VAL;
  for (std::size_t c = 0; c < logits.size(); ++c) {
    if (c != static_cast<std::size_t>(label)) best = std::max(best, static_cast<double>(logits[c]));
  }
  return static_cast<double>(logits[static_cast<std::size_t>(label)]) - best;
}

bool are_probabilities(std::span<const real> logits) {
  constexpr double tolerance = 1e-5;
  double sum = 0;
  for (const real value : logits) {
    if (!(value >= -tolerance && value <= 1 + tolerance)) return false;
    sum += static_cast<double>(value);
  }
  return std::abs(sum - 1) <= tolerance;
}

bool same_bits(std::span<const real> one, std::span<const real> other) {
  return std::memcmp(one.data(), other.data(), one.size_bytes()) == 0;
}

Tensor asked_logits(const nn::Classifier& model, const Tensor& images, std::uint32_t draw) {
  Tape tape;
  return model.logits_for(tape.constant(images), {draw, false}).value();
}

double roughness(const nn::Classifier& model, const data::Samples& samples, std::size_t k, std::uint64_t seed) {
  constexpr std::size_t points = 20;
  const std::size_t features = model.input().elements(), classes = model.classes();
  const float reach = (samples.box.hi - samples.box.lo) * 4 / 255;
  Tensor images(model.input().with_front(points + 1));
  const auto original = samples.images.values().subspan(k * features, features);
  std::ranges::copy(original, images.mutable_data());
  Stream random = Rng(seed).stream("probe roughness", samples.index[k]);
  real* out = images.mutable_data() + features;
  for (std::size_t p = 0; p < points; ++p) {
    for (const real value : original) {
      const real moved = value + static_cast<real>(reach) * (2 * random.uniform() - 1);
      *out++ = std::clamp(moved, static_cast<real>(samples.box.lo), static_cast<real>(samples.box.hi));
    }
  }
  const Tensor logits = nn::logits(model, images);
  const double at_image = label_margin(logits.values().first(classes), samples.labels[k]);
  double sum = 0;
  for (std::size_t p = 1; p <= points; ++p) {
    const double margin = label_margin(logits.values().subspan(p * classes, classes), samples.labels[k]);
    const double change = std::abs(margin - at_image) / std::abs(at_image);
    sum += change < 1 ? change : 1;  // a NaN counts as 1
  }
  return sum / static_cast<double>(points);
}

/// `in_batch`: the sample's logits within a batch.
void ask(const nn::Classifier& model, const Tensor& image, std::span<const real> in_batch, ModelProbe& probe) {
  constexpr std::uint32_t times = 5;
  probe.probabilities = are_probabilities(in_batch);
  const Tensor alone = asked_logits(model, image, 0);
  for (std::uint32_t draw = 1; draw < times; ++draw) {
    const Tensor again = asked_logits(model, image, draw);
    probe.varies = probe.varies || !same_bits(alone.values(), again.values());
  }
  // If the model varies by itself, nothing can be said about what it depends on.
  probe.depends_on_others = !probe.varies && !same_bits(alone.values(), in_batch);
}

/// Whether the gradient of the cross entropy is zero everywhere at an image; empty if it cannot be computed.
std::optional<bool> zero_gradient(const nn::Classifier& model, const data::Samples& one, const CraftOptions& how) {
  try {
    const Attack step = Fgsm{.eps = (one.box.hi - one.box.lo) / 255};
    return step(model, one, away_from(one.labels), how).notes[0].gradient_norm == 0;
  } catch (const MemoryError&) {
    throw;
  } catch (const Error&) {
    return {};  // not differentiable, or NaN: gradient attacks refuse it with their own message
  }
}

std::vector<bool> fooled_together(const Attack& attack, const nn::Classifier& model, const data::Samples& samples,
                                  std::span<const float> eps, const CraftOptions& how, bool straight_through) {
  const Goal goal = away_from(samples.labels);
  const Budget budget = attack.budget(model.input(), samples.box);
  CraftOptions options = how;
  if (std::isfinite(budget.size)) options.eps = eps;
  options.straight_through = straight_through;
  options.draws = straight_through && model.random() ? 10 : 1;
  const Crafted crafted = attack(model, samples, goal, options);
  std::vector<bool> fooled;
  for (const Finding& finding : judge(model, samples, crafted.images, goal, budget, eps, how.tape).findings) {
    fooled.push_back(finding.evades);
  }
  return fooled;
}

}  // namespace

std::vector<bool> fooled_by(const Attack& attack, const nn::Classifier& model, const data::Samples& samples,
                            std::span<const float> eps, const std::vector<std::size_t>& which, const CraftOptions& how,
                            bool straight_through) {
  std::vector<bool> all(samples.size());
  if (which.empty()) return all;
  std::vector<float> own;
  for (const std::size_t k : which) own.push_back(eps[k]);
  const data::Samples some = samples.select(which);
  std::vector<bool> fooled(which.size());
  try {
    fooled = fooled_together(attack, model, some, own, how, straight_through);
  } catch (const MemoryError&) {
    throw;
  } catch (const Error&) {
    // The model returned NaN for one sample; the results of the others must not depend on that.
    for (std::size_t k = 0; k < which.size() && which.size() > 1; ++k) {
      fooled[k] = fooled_by(attack, model, some, own, {k}, how, straight_through)[k];
    }
  }
  for (std::size_t k = 0; k < which.size(); ++k) all[which[k]] = fooled[k];
  return all;
}

ProbedModel probe_model(const nn::Classifier& model, const data::Samples& samples, const CraftOptions& how) {
  ProbedModel probed;
  probed.probes.resize(samples.size());
  if (samples.size() == 0) return probed;
  const Tensor together = asked_logits(model, samples.images, 0);
  for (std::size_t k = 0; k < samples.size(); ++k) {
    ModelProbe& probe = probed.probes[k];
    ask(model, samples.images.rows(k, 1), together.rows(k, 1).values(), probe);
    probe.roughness = roughness(model, samples, k, how.seed);
    const std::optional<bool> zero = zero_gradient(model, samples.rows(k, 1), how);
    probe.zero_gradient = zero.value_or(true);
    if (zero) probed.with_gradient.push_back(k);
  }
  const float range = largest_radius(Norm::linf, samples.box, model.input().elements());
  const std::vector<float> eps(samples.size(), range);
  const std::vector<bool> fooled =
      fooled_by(Pgd{.eps = range, .steps = 20}, model, samples, eps, probed.with_gradient, how);
  for (std::size_t k = 0; k < samples.size(); ++k) probed.probes[k].unconstrained = fooled[k];
  return probed;
}

float largest_radius(Norm norm, data::Box box, std::size_t features) {
  const double most = diameter(norm, box, features);
  if (!std::isfinite(most)) return 0;
  const auto radius = static_cast<float>(most);
  return static_cast<double>(radius) > most ? std::nextafter(radius, 0.0F) : radius;
}

}  // namespace hans::attacks
