// Measurements on a few samples, from which one can tell whether a number of a benchmark can be believed.
#include <hans/attacks/probe.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>

#include <hans/attacks/ball.hpp>
#include <hans/attacks/fgsm.hpp>
#include <hans/attacks/noise.hpp>
#include <hans/attacks/pgd.hpp>
#include <hans/attacks/square.hpp>
#include <hans/core/error.hpp>
#include <hans/core/rng.hpp>
#include <hans/nn/evaluate.hpp>

namespace hans::attacks {
namespace {

using Flags = std::vector<bool>;

/// By how much the label is ahead of the best other class.
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
  return model.asked(tape.constant(images), {draw, false}).value();
}

/// What the probed samples are asked.
class Prober {
 public:
  Prober(const nn::Classifier& model, data::Samples samples, const Budget& budget, const ProbeOptions& options)
      : model_(model), samples_(std::move(samples)), budget_(budget), options_(options), found_(samples_.size()) {}

  std::vector<Probe> run() {
    ask_model();
    measure_roughness();
    find_gradients();
    if (probes_ball(budget_)) {
      search_ball();
      transfer();
    }
    unconstrained();
    return std::move(found_);
  }

 private:
  /// One flag for all samples.
  void set(bool Probe::*flag, const Flags& values) {
    for (std::size_t k = 0; k < found_.size(); ++k) found_[k].*flag = values[k];
  }

  float range() const { return samples_.box.hi - samples_.box.lo; }
  float eps() const { return static_cast<float>(budget_.size); }

  void ask_model() {
    constexpr std::uint32_t times = 5;
    const Tensor together = asked_logits(model_, samples_.images, 0);
    for (std::size_t k = 0; k < found_.size(); ++k) {
      const auto logits = together.rows(k, 1);
      found_[k].probabilities = are_probabilities(logits.values());
      const Tensor image = samples_.images.rows(k, 1), alone = asked_logits(model_, image, 0);
      // Of a model that varies by itself one cannot tell what it depends on.
      for (std::uint32_t draw = 1; draw < times; ++draw) {
        const Tensor again = asked_logits(model_, image, draw);
        found_[k].varies = found_[k].varies || !same_bits(alone.values(), again.values());
      }
      found_[k].depends_on_others = !found_[k].varies && !same_bits(alone.values(), logits.values());
    }
  }

  void measure_roughness() {
    constexpr std::size_t points = 20;
    const std::size_t features = model_.input().elements(), classes = model_.classes();
    const float reach = range() * 4 / 255;
    for (std::size_t k = 0; k < found_.size(); ++k) {
      Tensor images(model_.input().with_front(points + 1));
      const auto original = samples_.images.values().subspan(k * features, features);
      std::ranges::copy(original, images.mutable_data());
      Stream random = Rng(options_.seed).stream("probe roughness", samples_.index[k]);
      real* out = images.mutable_data() + features;
      for (std::size_t p = 0; p < points; ++p) {
        for (const real value : original) {
          const real moved = value + static_cast<real>(reach) * (2 * random.uniform() - 1);
          *out++ = std::clamp(moved, static_cast<real>(samples_.box.lo), static_cast<real>(samples_.box.hi));
        }
      }
      const Tensor logits = nn::logits(model_, images);
      const double at_image = label_margin(logits.values().first(classes), samples_.labels[k]);
      double sum = 0;
      for (std::size_t p = 1; p <= points; ++p) {
        const double margin = label_margin(logits.values().subspan(p * classes, classes), samples_.labels[k]);
        const double change = std::abs(margin - at_image) / std::abs(at_image);
        sum += change < 1 ? change : 1;  // also where it is no number
      }
      found_[k].roughness = sum / static_cast<double>(points);
    }
  }

  /// Which samples have a gradient that an attack can follow; the others are not asked for one again.
  void find_gradients() {
    const Fgsm step{.eps = range() / 255};
    for (std::size_t k = 0; k < found_.size(); ++k) {
      found_[k].zero_gradient = true;
      try {
        const data::Samples one = samples_.rows(k, 1);
        const Crafted made = step(model_, one, away_from(one.labels), {.seed = options_.seed});
        found_[k].zero_gradient = made.notes[0].gradient_norm == 0;
        with_gradient_.push_back(k);
      } catch (const Error&) {
        // Not differentiable, or not a number: an attack with gradients refuses it in its own words.
      }
    }
  }

  /// Which samples an attack fools, inside the attack's own ball.
  Flags fooled(const Attack& attack, std::span<const std::size_t> which, bool straight_through = false) const {
    Flags all(found_.size());
    if (which.empty()) return all;
    try {
      attack_together(attack, which, straight_through, all);
    } catch (const MemoryError&) {
      throw;
    } catch (const Error&) {
      // The model gave one sample something that is no number: what the others give is not to depend on that.
      for (std::size_t k = 0; k < which.size() && which.size() > 1; ++k) {
        const Flags one = fooled(attack, which.subspan(k, 1), straight_through);
        all[which[k]] = one[which[k]];
      }
    }
    return all;
  }

  void attack_together(const Attack& attack, std::span<const std::size_t> which, bool straight_through,
                       Flags& all) const {
    const data::Samples samples = samples_.select(which);
    const Goal goal = away_from(samples.labels);
    CraftOptions options{.seed = options_.seed};
    options.straight_through = straight_through;
    options.draws = straight_through && model_.random() ? 10 : 1;
    const Crafted made = attack(model_, samples, goal, options);
    const Verdict verdict = judge(model_, samples, made.images, goal, attack.budget(model_.input(), samples_.box));
    for (std::size_t k = 0; k < which.size(); ++k) all[which[k]] = verdict.findings[k].evades;
  }

  std::vector<std::size_t> everyone() const {
    std::vector<std::size_t> all(found_.size());
    for (std::size_t k = 0; k < all.size(); ++k) all[k] = k;
    return all;
  }

  void search_ball() {
    const float size = eps();
    const Norm norm = budget_.norm;
    const auto most = static_cast<float>(diameter(norm, samples_.box, model_.input().elements()));
    const auto pgd = [&](float radius, unsigned steps, Loss loss, Start start = Start::random) {
      return Pgd{.eps = radius, .norm = norm, .steps = steps, .loss = loss, .start = start};
    };
    set(&Probe::single_step, fooled(Fgsm{.eps = size, .norm = norm}, with_gradient_));
    set(&Probe::iterative, fooled(pgd(size, 40, Loss::ce), with_gradient_));
    set(&Probe::other_loss, fooled(pgd(size, 40, Loss::margin), with_gradient_));
    const Flags bright = fooled(pgd(size, 20, Loss::margin, Start::bright), with_gradient_);
    const Flags dark = fooled(pgd(size, 20, Loss::margin, Start::dark), with_gradient_);
    for (std::size_t k = 0; k < found_.size(); ++k) found_[k].other_start = bright[k] || dark[k];
    set(&Probe::half_eps, fooled(pgd(size / 2, 20, Loss::ce), with_gradient_));
    set(&Probe::double_eps, fooled(pgd(std::min(size * 2, most), 20, Loss::ce), with_gradient_));
    set(&Probe::straight_through, fooled(pgd(size, 20, Loss::margin), with_gradient_, true));
    set(&Probe::black_box, fooled(Square{.eps = size, .norm = norm, .queries = 300}, everyone()));
    set(&Probe::noise, fooled(Noise{.eps = size, .norm = norm, .repeats = 20}, everyone()));
  }

  void unconstrained() { set(&Probe::unconstrained, fooled(Pgd{.eps = range(), .steps = 20}, with_gradient_)); }

  /// The mean image of each class; empty for a class without images.
  std::vector<std::vector<double>> class_means() const {
    const std::size_t features = model_.input().elements();
    std::vector<std::vector<double>> sums(model_.classes());
    std::vector<double> counts(model_.classes());
    for (std::size_t i = 0; i < options_.reference.size(); ++i) {
      const auto label = static_cast<std::size_t>(options_.reference.labels[i]);
      sums[label].resize(features);
      counts[label] += 1;
      for (std::size_t f = 0; f < features; ++f) {
        sums[label][f] += static_cast<double>(options_.reference.images.values()[i * features + f]);
      }
    }
    for (std::size_t c = 0; c < sums.size(); ++c) {
      for (double& value : sums[c]) value /= counts[c];
    }
    return sums;
  }

  /// `image` moved along `direction` by eps in the ball's norm, into the box.
  void step(std::span<const real> image, std::span<const double> direction, real* out) const {
    constexpr double inside = 1 - 1e-6;  // rounding must not lead out of the ball
    double sum = 0, squares = 0;
    for (const double d : direction) {
      sum += std::abs(d);
      squares += d * d;
    }
    const double length = budget_.norm == Norm::l2 ? std::sqrt(squares) : sum;
    for (std::size_t f = 0; f < image.size(); ++f) {
      const double d = direction[f];
      const double sign = d > 0 ? 1 : d < 0 ? -1 : 0;
      const double move = budget_.norm == Norm::linf ? sign : length > 0 ? d / length : 0;
      const auto moved = static_cast<real>(static_cast<double>(image[f]) + inside * budget_.size * move);
      out[f] = std::clamp(moved, static_cast<real>(samples_.box.lo), static_cast<real>(samples_.box.hi));
    }
  }

  void transfer() {
    const std::vector<std::vector<double>> means = class_means();
    const std::size_t features = model_.input().elements();
    std::vector<std::size_t> which;
    std::vector<real> images(found_.size() * means.size() * features);
    for (std::size_t k = 0; k < found_.size(); ++k) {
      const std::vector<double>& own = means[static_cast<std::size_t>(samples_.labels[k])];
      for (std::size_t c = 0; c < means.size(); ++c) {
        if (static_cast<int>(c) == samples_.labels[k] || means[c].empty() || own.empty()) continue;
        std::vector<double> direction(features);
        for (std::size_t f = 0; f < features; ++f) direction[f] = means[c][f] - own[f];
        step(samples_.images.values().subspan(k * features, features), direction,
             images.data() + which.size() * features);
        which.push_back(k);
      }
    }
    if (which.empty()) return;
    images.resize(which.size() * features);
    const data::Samples samples = samples_.select(which);
    const Verdict verdict =
        judge(model_, samples, Tensor(samples.images.shape(), std::move(images)), away_from(samples.labels), budget_);
    for (std::size_t k = 0; k < which.size(); ++k) {
      Probe& probe = found_[which[k]];
      probe.transfer = probe.transfer || verdict.findings[k].evades;
    }
  }

  const nn::Classifier& model_;
  data::Samples samples_;
  const Budget& budget_;
  const ProbeOptions& options_;
  std::vector<Probe> found_;
  std::vector<std::size_t> with_gradient_;
};

}  // namespace

std::uint32_t probe_every(std::size_t whole) {
  constexpr std::size_t wanted = 32;
  return static_cast<std::uint32_t>(std::max<std::size_t>(1, whole / wanted));
}

bool probes_ball(const Budget& budget) {
  return budget.norm != Norm::l0 && budget.size > 0 && std::isfinite(budget.size) && !budget.prediction_only;
}

std::vector<Probe> probe(const nn::Classifier& model, const data::Samples& samples, std::span<const int> predictions,
                         const Budget& budget, const ProbeOptions& options) {
  check(predictions.size() == samples.size(), predictions.size(), " predictions do not fit ", samples.size(),
        " samples");
  check(options.every > 0, "every 0th sample cannot be probed");
  std::vector<std::size_t> which;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (samples.index[i] % options.every == 0 && predictions[i] == samples.labels[i]) which.push_back(i);
  }
  if (which.empty()) return {};
  std::vector<Probe> found = Prober(model, samples.select(which), budget, options).run();
  for (std::size_t k = 0; k < which.size(); ++k) found[k].sample = which[k];
  return found;
}

}  // namespace hans::attacks
