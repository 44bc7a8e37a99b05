// The saliency map attack against a plain search over all pairs, its limits and its reasons to stop.
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
using attacks::JsmaCleverhans100;
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

// --- limits and reasons ------------------------------------------------------------------------------------

/// A model of two classes that never says 1 though every feature i speaks for it with weight `weights[i]`.
nn::Sequential stubborn(const Shape& image, const std::vector<real>& weights) {
  std::vector<real> all;
  for (const real w : weights) {
    all.push_back(-w);
    all.push_back(w);
  }
  return linear_model(image, 2, all, {1e6, -1e6});
}

data::Samples constant(const Shape& image, real value) {
  return {Tensor::full(image.with_front(1), value), {0}, {0}, {}};
}

TEST(Jsma, ChangesAtMostItsShareOfTheFeatures) {
  struct Row {
    std::size_t side;
    float gamma;
    unsigned pairs, singles;
  };
  // 0.7 of 100 is 70, though 0.7F is less than 0.7; 0.29 and 0.57 of 100 are just below 29 and 57 in double.
  for (const Row& row :
       {Row{28, 0.145F, 56, 113}, Row{28, 0.1F, 39, 78}, Row{28, 1, 392, 784}, Row{10, 0.07F, 3, 7},
        Row{10, 0.7F, 35, 70}, Row{10, 0.29F, 14, 28}, Row{10, 0.57F, 28, 56}, Row{3, 0.2F, 0, 1}, Row{3, 1, 4, 9}}) {
    const Shape image{row.side, row.side, 1};
    const nn::Sequential net = stubborn(image, std::vector<real>(image.elements(), 1));
    const data::Samples black = constant(image, 0);
    for (const Select select : {Select::pairs, Select::single}) {
      const bool pairs = select == Select::pairs;
      const Attack jsma = Jsma{.gamma = row.gamma, .select = select};
      const Crafted made = jsma(net, black, towards(1));
      const unsigned steps = pairs ? row.pairs : row.singles;
      EXPECT_EQ(made.notes[0].steps, steps) << row.gamma;
      EXPECT_EQ(made.notes[0].stop, Stop::limit);
      EXPECT_EQ(attacks::distances(black.images.values(), made.images.values()).l0, steps * (pairs ? 2 : 1));
      EXPECT_EQ(jsma.budget(image, black.box).size, steps * (pairs ? 2 : 1));
      EXPECT_EQ(jsma.budget(image, black.box).norm, attacks::Norm::l0);
    }
  }
}

TEST(Jsma, ChangesAtMostSoManyFeatures) {
  const Shape image{4, 4, 1};
  const nn::Sequential net = stubborn(image, std::vector<real>(16, 1));
  const data::Samples black = constant(image, 0);
  for (const unsigned most : {0U, 1U, 2U, 5U, 15U, 16U, 17U, 4000000000U}) {
    for (const Select select : {Select::pairs, Select::single}) {
      const Attack jsma = Jsma{.max_features = most, .select = select};
      const Crafted made = jsma(net, black, towards(1));
      const std::size_t changed = attacks::distances(black.images.values(), made.images.values()).l0;
      EXPECT_EQ(changed, std::min(most, 16U) / (select == Select::pairs ? 2 : 1) * (select == Select::pairs ? 2 : 1));
      EXPECT_EQ(made.notes[0].stop,
                most > 17 || (most == 17 && select == Select::single) ? Stop::domain_exhausted : Stop::limit);
      EXPECT_LE(static_cast<double>(changed), jsma.budget(image, black.box).size);
    }
  }
}

TEST(Jsma, ChecksItsReasonsInOrder) {
  const Shape image{2, 2, 1};
  const nn::Sequential up = stubborn(image, {1, 1, 1, 1});
  const nn::Sequential down = stubborn(image, {-1, -1, -1, -1});
  const nn::Sequential there = linear_model(image, 2, std::vector<real>(8, 0), {0, 1});
  const Jsma none{.gamma = 0};
  const Jsma all{.gamma = 1};
  const Jsma single{.gamma = 1, .select = Select::single};
  const data::Samples white = constant(image, 1);
  const data::Samples grey = constant(image, 0.5);
  data::Samples one_left = constant(image, 1);
  one_left.images.mutable_data()[2] = 0.5;
  struct Row {
    const Jsma& jsma;
    const nn::Sequential& net;
    const data::Samples& samples;
    Stop stop;
    unsigned steps;
  };
  for (const Row& row :
       {Row{none, there, white, Stop::target_reached, 0}, Row{none, down, white, Stop::limit, 0},
        Row{all, down, white, Stop::domain_exhausted, 0}, Row{single, down, white, Stop::domain_exhausted, 0},
        Row{all, down, one_left, Stop::domain_exhausted, 0}, Row{single, down, one_left, Stop::no_admissible_pair, 0},
        Row{single, up, one_left, Stop::domain_exhausted, 1}, Row{all, down, grey, Stop::no_admissible_pair, 0},
        Row{all, up, grey, Stop::limit, 2}}) {
    const Crafted made = Attack(row.jsma)(row.net, row.samples, towards(1));
    EXPECT_EQ(made.notes[0].stop, row.stop);
    EXPECT_EQ(made.notes[0].steps, row.steps);
    EXPECT_EQ(identical(made.images, row.samples.images), row.steps == 0);
  }
}

TEST(Jsma, StopsAsSoonAsTheTargetIsReached) {
  // Logits 0 and -2.5 + sum of the features: three features of 1 are needed, so two pairs, or three singles.
  const Shape image{2, 3, 1};
  const nn::Sequential net = linear_model(image, 2, {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1}, {0, -2.5});
  const data::Samples black = constant(image, 0);
  const Crafted pairs = Attack(Jsma{.gamma = 1})(net, black, towards(1));
  EXPECT_EQ(pairs.notes[0].stop, Stop::target_reached);
  EXPECT_TRUE(identical(pairs.images, Tensor({1, 2, 3, 1}, std::vector<real>{1, 1, 1, 1, 0, 0})));
  EXPECT_EQ(pairs.forwards, 3U);
  EXPECT_EQ(pairs.gradients, 2U);
  const Crafted single = Attack(Jsma{.gamma = 1, .of = Of::logits, .select = Select::single})(
      linear_model(image, 2, {-1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1}, {0, -5}), black, towards(1));
  EXPECT_TRUE(identical(single.images, Tensor({1, 2, 3, 1}, std::vector<real>{1, 1, 1, 0, 0, 0})));
  EXPECT_EQ(single.forwards, 4U);
  EXPECT_EQ(single.gradients, 6U);
}

TEST(Jsma, SeesTheSaliencyWhereTheProbabilityIsZero) {
  const Shape image{2, 2, 1};
  const nn::Sequential net = stubborn(image, {1, 3, 2, -1});  // p_1 underflows, log p_1 does not
  const Crafted made = Attack(Jsma{.max_features = 2})(net, constant(image, 0), towards(1));
  EXPECT_TRUE(identical(made.images, Tensor({1, 2, 2, 1}, std::vector<real>{0, 1, 1, 0})));
  EXPECT_EQ(made.notes[0].gradient_norm, 6);
}

TEST(Jsma, LowersFeaturesForANegativeTheta) {
  const Shape image{2, 2, 1};
  const nn::Sequential net = stubborn(image, {-1, -3, 2, -2});
  const data::Samples grey = constant(image, 0.5);
  const auto made = [&](float theta, std::optional<float> low, Retire retire) {
    return Attack(Jsma{.gamma = 1, .theta = theta, .retire = retire, .clip_min = low})(net, grey, towards(1)).images;
  };
  // The first pair is 1 and 3, the second 0 and 2 does not qualify.
  EXPECT_TRUE(identical(made(-0.25F, {}, Retire::once), Tensor({1, 2, 2, 1}, std::vector<real>{0.5, 0.25, 0.5, 0.25})));
  EXPECT_TRUE(identical(made(-1, {}, Retire::once), Tensor({1, 2, 2, 1}, std::vector<real>{0.5, 0, 0.5, 0})));
  EXPECT_TRUE(
      identical(made(-1, 0.125F, Retire::once), Tensor({1, 2, 2, 1}, std::vector<real>{0.5, 0.125, 0.5, 0.125})));
  EXPECT_TRUE(
      identical(made(-1, -infinity, Retire::once), Tensor({1, 2, 2, 1}, std::vector<real>{0.5, -0.5, 0.5, -0.5})));
  EXPECT_TRUE(identical(made(-0.25F, {}, Retire::saturated), Tensor({1, 2, 2, 1}, std::vector<real>{0.5, 0, 0.5, 0})));
}

TEST(Jsma, LeavesFeaturesOutsideItsRangeAlone) {
  const Shape image{1, 3, 1};
  const nn::Sequential net = stubborn(image, {5, 1, 1});
  data::Samples samples{Tensor({1, 1, 3, 1}, std::vector<real>{0.875, 0.25, 0.25}), {0}, {0}, {}};
  const Crafted made = Attack(Jsma{.gamma = 1, .clip_max = 0.75F})(net, samples, towards(1));
  EXPECT_TRUE(identical(made.images, Tensor({1, 1, 3, 1}, std::vector<real>{0.875, 0.75, 0.75})));
}

TEST(Jsma, RefusesWhatIsNotANumber) {
  const FunctionModel broken({1, 4, 1}, 2, [](std::span<const real>) { return std::vector<real>{not_a_number, 0}; });
  const nn::Sequential net = linear_model({1, 4, 1}, 2, std::vector<real>(8), {1, 0});
  const BrokenGradient sloped(net);
  const data::Samples grey = constant({1, 4, 1}, 0.5);
  for (const Of of : {Of::probabilities, Of::logits}) {
    EXPECT_THROW((Attack(Jsma{.gamma = 1, .of = of})(broken, grey, towards(1))), Error);
    EXPECT_THROW((Attack(Jsma{.gamma = 1, .of = of})(sloped, grey, towards(1))), Error);
    EXPECT_THROW((Attack(JsmaCleverhans100{.theta = 1.0F, .of = of})(sloped, grey, towards(1))), Error);
  }
}

}  // namespace
}  // namespace hans::jsma_test
