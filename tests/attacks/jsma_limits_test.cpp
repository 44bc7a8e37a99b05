// How far the saliency map attack goes, and why it stops.
#include <hans/attacks/jsma.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include <hans/attacks/judge.hpp>
#include <hans/autodiff/grad.hpp>
#include <hans/core/reduce.hpp>
#include <hans/nn/evaluate.hpp>
#include <hans/nn/models.hpp>
#include "attacks_testing.hpp"

namespace hans::jsma_limits_test {
namespace {

using namespace testing_attacks;
using attacks::Attack;
using attacks::Crafted;
using attacks::Jsma;
using attacks::JsmaCleverhans100;
using attacks::Of;
using attacks::Retire;
using attacks::Select;
using attacks::Stop;

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
}  // namespace hans::jsma_limits_test
