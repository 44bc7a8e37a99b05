// The saliency map attack against a plain search over all pairs.
#include <hans/attacks/jsma.hpp>
#include <hans/attacks/jsma_maximal.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include <hans/attacks/judge.hpp>
#include <hans/autodiff/grad.hpp>
#include <hans/core/reduce.hpp>
#include <hans/nn/evaluate.hpp>
#include <hans/nn/models.hpp>
#include "attacks_testing.hpp"

namespace hans::jsma_test {
namespace {

using namespace testing_attacks;
using attacks::Attack;
using attacks::Crafted;
using attacks::Jsma;
using attacks::Map;
using attacks::Of;
using attacks::Retire;
using attacks::Select;
using attacks::Stop;

// --- the attack once more, as plainly as its definition ------------------------------------------------------

struct Found {
  std::vector<real> image;
  Stop stop;
  unsigned steps = 0;
  real gradient_norm = 0;  // of the last gradient
};

/// Gradient of one row of logits, weighed by `seed`, with respect to the image.
std::vector<real> gradient(const nn::Classifier& model, const Tensor& image, const std::vector<real>& seed) {
  Tape tape;
  const Var input = tape.watch(image);
  const Var logits = model.logits(input);
  Tensor found;
  tape.gradients(logits, Tensor(logits.shape(), seed), {&input, 1}, {&found, 1});
  return {found.values().begin(), found.values().end()};
}

/// Gradient of log p_target.
std::vector<real> log_probability_gradient(const nn::Classifier& model, const Tensor& image, int target) {
  const Tensor found =
      hans::value_and_grad([&](const Var& x) { return cross_entropy(model.logits(x), std::vector<int>{target}); },
                           image)
          .gradient;
  std::vector<real> negative;
  for (const real g : found.values()) negative.push_back(-g);
  return negative;
}

std::vector<real> probabilities(std::span<const real> logits) {
  std::vector<real> p(logits.size());
  softmax(logits.data(), p.data(), 1, logits.size());
  return p;
}

Found by_definition(const Jsma& jsma, const nn::Classifier& model, const Tensor& original, int target, unsigned limit) {
  const real low = *jsma.clip_min;
  const real high = *jsma.clip_max;
  const bool up = jsma.theta > 0;
  const std::size_t n = original.size();
  std::vector<unsigned char> in_domain(n);
  Found found{{original.values().begin(), original.values().end()}, Stop::finished};
  const auto movable = [&](std::size_t i) { return up ? found.image[i] < high : found.image[i] > low; };
  for (std::size_t i = 0; i < n; ++i) in_domain[i] = movable(i);

  for (;; ++found.steps) {
    const Tensor image(original.shape(), found.image);
    Tape tape;
    const Tensor logits = model.logits(tape.constant(image)).value();
    const auto largest = std::ranges::max_element(logits.values()) - logits.values().begin();
    found.stop = Stop::target_reached;
    if (largest == target) return found;
    found.stop = Stop::limit;
    if (found.steps == limit) return found;
    found.stop = Stop::domain_exhausted;
    if (std::ranges::count(in_domain, 1) < (jsma.select == Select::pairs ? 2 : 1)) return found;

    std::vector<real> a;
    std::vector<real> b(n, 0);
    if (jsma.of == Of::probabilities) {
      a = log_probability_gradient(model, image, target);
    } else {
      std::vector<real> seed(model.classes(), 0);
      seed[static_cast<std::size_t>(target)] = 1;
      a = gradient(model, image, seed);
      for (real& s : seed) s = 1 - s;
      b = gradient(model, image, seed);
    }
    const bool two_sided = jsma.of == Of::logits || jsma.map.has_value();
    if (jsma.map) {
      const std::vector<real> p = probabilities(logits.values());
      std::vector<real> seed = p;
      seed[static_cast<std::size_t>(target)] = 0;
      if (jsma.of == Of::probabilities) {
        real total = 0;
        std::vector<real> shares;
        for (std::size_t j = 0; j < p.size(); ++j) shares.push_back(seed[j] * p[j]);
        total = sum(shares);
        for (std::size_t j = 0; j < p.size(); ++j) seed[j] = p[j] * (seed[j] - total);
      }
      b = gradient(model, image, seed);
    }
    found.gradient_norm = 0;
    for (std::size_t i = 0; i < n; ++i) {
      found.gradient_norm = std::max({found.gradient_norm, std::abs(a[i]), std::abs(b[i])});
    }
    if (jsma.map == Map::taylor) {
      for (std::size_t i = 0; i < n; ++i) {
        const real room = up ? high - found.image[i] : found.image[i] - low;
        a[i] *= room;
        b[i] *= room;
      }
    }
    bool any = false;
    real best = 0;
    std::size_t first = 0;
    std::size_t second = 0;
    const auto offer = [&](std::size_t i, std::size_t j, real t, real o) {
      const bool lowers = !two_sided || (up ? o < 0 : o > 0);
      const real score = two_sided ? -(t * o) : std::abs(t);
      if (!(up ? t > 0 : t < 0) || !lowers || (any && !(score > best))) return;
      any = true;
      best = score;
      first = i;
      second = j;
    };
    for (std::size_t i = 0; i < n; ++i) {
      if (!in_domain[i]) continue;
      if (jsma.select == Select::single) offer(i, i, a[i], b[i]);
      for (std::size_t j = i + 1; jsma.select == Select::pairs && j < n; ++j) {
        if (in_domain[j]) offer(i, j, a[i] + a[j], b[i] + b[j]);
      }
    }
    found.stop = Stop::no_admissible_pair;
    if (!any) return found;
    for (const std::size_t k : {first, second}) {
      const real moved = found.image[k] + jsma.theta;
      found.image[k] = up ? std::min(moved, high) : std::max(moved, low);
      if (first == second) break;
    }
    for (const std::size_t k : {first, second}) in_domain[k] = jsma.retire == Retire::saturated && movable(k);
  }
}

void expect_as_defined(const Jsma& jsma, const nn::Classifier& model, const data::Samples& samples,
                       const std::vector<int>& targets, unsigned limit) {
  const Crafted made = Attack(jsma)(model, samples, towards(targets));
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const Found expected = by_definition(jsma, model, samples.images.rows(i, 1), targets[i], limit);
    ASSERT_TRUE(identical(made.images.rows(i, 1), Tensor(model.input().with_front(1), expected.image))) << i;
    EXPECT_EQ(made.notes[i].stop, expected.stop) << i;
    EXPECT_EQ(made.notes[i].steps, expected.steps) << i;
    EXPECT_EQ(made.notes[i].gradient_norm, expected.gradient_norm) << i;
  }
}

TEST(Jsma, DoesWhatItsDefinitionSays) {
  const std::vector<nn::Sequential> models = small_models();
  const data::Samples samples = random_samples(models[0].input(), 3, 4, 21);
  const std::vector<int> targets = next_classes(samples.labels, 4);
  for (const nn::Sequential& net : models) {
    for (const Of of : {Of::probabilities, Of::logits}) {
      for (const Select select : {Select::pairs, Select::single}) {
        for (const Retire retire : {Retire::once, Retire::saturated}) {
          for (const float theta : {1.0F, 0.3F, -0.3F, -1.0F}) {
            for (const std::optional<Map> map :
                 {std::optional<Map>(), std::optional(Map::weighted), std::optional(Map::taylor)}) {
              const Jsma jsma{.gamma = 0.75F,
                              .theta = theta,
                              .of = of,
                              .select = select,
                              .retire = retire,
                              .map = map,
                              .clip_min = 0,
                              .clip_max = 1};
              SCOPED_TRACE(text(to_spec(jsma), " on ", net.architecture()));
              expect_as_defined(jsma, net, samples, targets, select == Select::pairs ? 13 : 27);
            }
          }
        }
      }
    }
  }
}

TEST(MaximalJsma, ChangesTheBestPairOfAllClassesAndDirections) {
  const std::vector<nn::Sequential> models = small_models();
  for (const nn::Sequential& net : models) {
    data::Samples samples = random_samples(net.input(), 6, 4, 22);
    samples.labels = nn::predict(net, samples.images);
    for (const Of of : {Of::probabilities, Of::logits}) {
      SCOPED_TRACE(text(net.architecture(), static_cast<int>(of)));
      const attacks::Attack one_step = attacks::JsmaMaximal{.gamma = 2 / 36.0F, .theta = 0.05F, .of = of};
      const Crafted made = one_step(net, samples, away_from(samples.labels));
      for (std::size_t s = 0; s < samples.size(); ++s) {
        const Tensor image = samples.images.rows(s, 1);
        Tape tape;
        const Tensor logits = net.logits(tape.constant(image)).value();
        const std::vector<real> p = probabilities(logits.values());
        double best = 0;
        std::vector<real> expected(image.values().begin(), image.values().end());
        for (std::size_t k = 0; k < 4; ++k) {
          std::vector<real> own(4), others(4, 1);
          own[k] = 1;
          others[k] = 0;
          if (of == Of::probabilities) {
            for (std::size_t j = 0; j < 4; ++j) own[j] = p[k] * ((j == k ? real{1} : real{0}) - p[j]);
            for (std::size_t j = 0; j < 4; ++j) others[j] = -own[j];
          }
          const std::vector<real> a = gradient(net, image, own);
          const std::vector<real> b = gradient(net, image, others);
          for (const int way : {1, -1}) {
            const bool label = k == static_cast<std::size_t>(samples.labels[s]);
            const double sense = label ? -way : way;
            const auto free = [&](std::size_t i) { return way > 0 ? image.data()[i] < 1 : image.data()[i] > 0; };
            for (std::size_t i = 0; i < 36; ++i) {
              for (std::size_t j = i + 1; j < 36; ++j) {
                if (!free(i) || !free(j)) continue;
                const double t = sense * (static_cast<double>(a[i]) + static_cast<double>(a[j]));
                const double o = sense * (static_cast<double>(b[i]) + static_cast<double>(b[j]));
                if (!(t > 0 && o < 0) || -t * o <= best * (1 + 1e-6)) continue;
                best = -t * o;
                expected.assign(image.values().begin(), image.values().end());
                for (const std::size_t f : {i, j}) {
                  expected[f] = std::clamp(expected[f] + static_cast<real>(way) * 0.05F, real{0}, real{1});
                }
              }
            }
          }
        }
        EXPECT_TRUE(identical(made.images.rows(s, 1), Tensor(image.shape(), expected))) << s;
      }
    }
  }
}

TEST(MaximalJsma, NeverGoesBackAndReportsWhyItEnded) {
  const nn::Sequential net = small_models()[1];
  data::Samples samples = random_samples(net.input(), 10, 4, 22);
  samples.labels = nn::predict(net, samples.images);
  const Attack attack = attacks::JsmaMaximal{.gamma = 1.0F, .theta = 0.01F};
  attacks::CraftOptions options;
  const Crafted made = attack(net, samples, away_from(samples.labels), options);
  for (const attacks::Note& note : made.notes) {
    EXPECT_TRUE(note.stop == Stop::misclassified || note.stop == Stop::limit || note.stop == Stop::no_admissible_pair);
    EXPECT_EQ(note.gradients, 4 * note.steps);
  }
}

TEST(Jsma, DoesSoOnWholeDigits) {
  const data::Dataset digits = data::load("mnist-5k");
  const data::Samples samples = digits.first(2);
  const nn::Sequential net = nn::make_model("v1", Rng(3));
  const std::vector<int> targets = next_classes(samples.labels, 10);
  for (const Of of : {Of::probabilities, Of::logits}) {
    const Jsma jsma{.max_features = 5, .of = of, .clip_min = 0, .clip_max = 1};
    expect_as_defined(jsma, net, samples, targets, 2);
  }
}

}  // namespace
}  // namespace hans::jsma_test
