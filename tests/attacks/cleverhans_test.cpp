// What cleverhans v1.0.0 and its successors got wrong, one test each: hans does it right, and where the old behaviour
// can still be had, under @cleverhans-1.0.0, it is the old one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include <hans/attacks/evaluate.hpp>
#include <hans/attacks/fgsm.hpp>
#include <hans/attacks/jsma.hpp>
#include <hans/attacks/judge.hpp>
#include <hans/autodiff/ops.hpp>
#include "attacks_testing.hpp"

namespace hans::cleverhans_test {
namespace {

using namespace testing_attacks;
using attacks::Attack;
using attacks::Crafted;
using attacks::Fgsm;
using attacks::FgsmCleverhans100;
using attacks::Jsma;
using attacks::JsmaCleverhans100;
using attacks::Stop;

const Shape line{1, 4, 1};

data::Samples one_image(const std::vector<real>& features, int label = 0) {
  return {Tensor({1, 1, features.size(), 1}, features), {label}, {0}, {}};
}

std::vector<real> values(const Tensor& images) { return {images.values().begin(), images.values().end()}; }

/// Two classes; feature i speaks for class 1 with weight weights[i], and the prediction stays 0 whatever it says.
nn::Sequential stubborn(const std::vector<real>& weights, real bias = 100) {
  std::vector<real> all;
  for (const real w : weights) {
    all.push_back(-w);
    all.push_back(w);
  }
  return linear_model({1, weights.size(), 1}, 2, all, {bias, 0});
}

// --- the fast gradient sign method ---------------------------------------------------------------------------

// attacks.py:75 clips only if both ends are given and ignores a single one silently.
TEST(Cleverhans, ClippedOnlyIfBothEndsWereGiven) {
  const nn::Sequential net = stubborn({1, -1, 1, -1}, 4);
  const data::Samples one = one_image({0.875, 0.125, 0.5, 0.5}, 0);
  const auto original = [&](std::optional<float> low, std::optional<float> high) {
    return values(
        Attack(FgsmCleverhans100{.eps = 0.25F, .clip_min = low, .clip_max = high})(net, one, away_from({0})).images);
  };
  const std::vector<real> unclipped{1.125, -0.125, 0.75, 0.25};
  const std::vector<real> clipped{1, 0, 0.75, 0.25};
  EXPECT_EQ(original({}, {}), unclipped);  // what the tutorial did
  EXPECT_EQ(original(0.0F, {}), unclipped);
  EXPECT_EQ(original({}, 1.0F), unclipped);
  EXPECT_EQ(original(0.0F, 1.0F), clipped);
  const auto now = [&](std::optional<float> low, std::optional<float> high) {
    return values(Attack(Fgsm{.eps = 0.25F, .clip_min = low, .clip_max = high})(net, one, away_from({0})).images);
  };
  EXPECT_EQ(now({}, {}), clipped);
  EXPECT_EQ(now(-infinity, {}), (std::vector<real>{1, -0.125, 0.75, 0.25}));
  EXPECT_EQ(now({}, infinity), (std::vector<real>{1.125, 0, 0.75, 0.25}));
  EXPECT_EQ(now(-infinity, infinity), unclipped);
}

// The label is always the model's own prediction, so a wrong prediction is attacked away from: towards the truth.
TEST(Cleverhans, AlwaysMovedAwayFromTheModelsPrediction) {
  const nn::Sequential net = stubborn({1, -1, 1, -1}, 0.5);  // says 0
  const data::Samples wrong = one_image({0.5, 0.5, 0.5, 0.5}, 1);
  const std::vector<real> away_from_0{0.75, 0.25, 0.75, 0.25};
  const std::vector<real> away_from_1{0.25, 0.75, 0.25, 0.75};
  EXPECT_EQ(values(Attack(FgsmCleverhans100{.eps = 0.25F})(net, wrong, away_from({1})).images), away_from_0);
  EXPECT_EQ(values(Attack(Fgsm{.eps = 0.25F})(net, wrong, away_from({1})).images), away_from_1);
  EXPECT_TRUE(
      contains(usage_error_of([&] { Attack(FgsmCleverhans100{.eps = 0.25F})(net, wrong, towards(1)); }), "target"));
}

// Classes with the same largest logit share the label between them.
TEST(Cleverhans, SharedTheLabelAmongTies) {
  // Logits equal for the first two of three classes; the third speaks with its own weights.
  const nn::Sequential net = linear_model(line, 3, {1, 0, 0, 0, 1, 0, 1, 1, 0, 1, 1, 5}, {0, 0, -5});
  const data::Samples tied = one_image({0.5, 0.5, 0.5, 0.5});
  // Gradient of the shared label: (-p_2 / 2, -p_2 / 2, p_2), so the first two features go down alike, and the last goes
  // up by 4 p_2; had each of the two all of the label, it would go down.
  EXPECT_EQ(values(Attack(FgsmCleverhans100{.eps = 0.25F})(net, tied, away_from({0})).images),
            (std::vector<real>{0.25, 0.25, 0.25, 0.75}));
  // Label 0 alone: (p_0 - 1, p_1, p_2), so the second feature goes up.
  EXPECT_EQ(values(Attack(Fgsm{.eps = 0.25F})(net, tied, away_from({0})).images),
            (std::vector<real>{0.25, 0.75, 0.25, 0.75}));
}

// x + 0.3 in float lies further from x than 0.3 for some pixels.
TEST(Cleverhans, LeftItsOwnBallByRounding) {
  std::vector<real> bytes;
  for (int byte = 0; byte < 256; ++byte) bytes.push_back(static_cast<real>(byte) / 255);
  std::vector<real> weights;
  for (int byte = 0; byte < 256; ++byte) weights.push_back(byte < 128 ? 0x1p-6F : -0x1p-6F);
  const nn::Sequential net = stubborn(weights, 0.5);
  const data::Samples all = one_image(bytes);
  const double eps = static_cast<double>(0.3F);
  const auto farthest = [&](const Tensor& made) { return attacks::distances(all.images.values(), made.values()).linf; };
  EXPECT_GT(farthest(Attack(FgsmCleverhans100{.eps = 0.3F})(net, all, away_from({0})).images), eps);
  EXPECT_LE(farthest(Attack(Fgsm{.eps = 0.3F})(net, all, away_from({0})).images), eps);
}

// Nobody looked: the prediction alone decided. Ours is judged so only under the old name.
TEST(Cleverhans, WasJudgedByThePredictionAlone) {
  const nn::Sequential net = stubborn({1, 1, 1, 1}, 4.5);  // class 1 needs a sum above 2.25
  const data::Samples one = one_image({0.5, 0.5, 0.5, 0.5});
  const Tensor far = Tensor::full(one.images.shape(), 7);
  const Attack old = FgsmCleverhans100{.eps = 0.1F};
  const Attack now = Fgsm{.eps = 0.1F};
  const auto success = [&](const attacks::Budget& budget) {
    return attacks::judge(net, one, far, away_from({0}), budget).findings[0].success;
  };
  EXPECT_TRUE(success(old.budget(line, one.box)));
  EXPECT_FALSE(success(now.budget(line, one.box)));
  EXPECT_TRUE(success(Attack(JsmaCleverhans100{.theta = 1.0F}).budget(line, one.box)));
  EXPECT_FALSE(success(Attack(Jsma{.gamma = 1}).budget(line, one.box)));
}

// The report prints x + eps * gradient; its code has the sign.
TEST(Cleverhans, PrintedTheEquationWithoutItsSign) {
  const nn::Sequential net = stubborn({0.5, -0.125, 1, -2}, 0.5);
  const data::Samples one = one_image({0.5, 0.5, 0.5, 0.5});
  const std::vector<real> stepped{0.75, 0.25, 0.75, 0.25};
  EXPECT_EQ(values(Attack(Fgsm{.eps = 0.25F})(net, one, away_from({0})).images), stepped);
  EXPECT_EQ(values(Attack(FgsmCleverhans100{.eps = 0.25F})(net, one, away_from({0})).images), stepped);
}

// v4.0.0 fast_gradient_method.py:48 gives back the input itself where eps is 0.
TEST(Cleverhans, ReturnedTheInputItself) {
  const nn::Sequential net = stubborn({1, 1, 1, 1});
  const data::Samples one = one_image({0.5, 0.5, 0.5, 0.5});
  Tensor made = Attack(Fgsm{.eps = 0.0F})(net, one, away_from({0})).images;
  made.mutable_data()[0] = 9;
  EXPECT_EQ(one.images.data()[0], 0.5F);
}

// --- the saliency map attack ---------------------------------------------------------------------------------

// attacks.py:173: when no pair qualifies, all scores are 0 and an arbitrary pair is changed (v2: always feature 0).
TEST(Cleverhans, ChangedAnyPairWhenNoneQualified) {
  const nn::Sequential net = stubborn({-1, -1, -1, -1}, 4);  // every feature speaks against the target
  const data::Samples one = one_image({1, 0.5, 0.25, 0.125});
  const Crafted now = Attack(Jsma{.gamma = 1})(net, one, towards(1));
  EXPECT_TRUE(identical(now.images, one.images));
  EXPECT_EQ(now.notes[0].stop, Stop::no_admissible_pair);
  const Crafted old = Attack(JsmaCleverhans100{.theta = 1.0F})(net, one, towards(1));
  EXPECT_EQ(values(old.images), (std::vector<real>{1, 1, 1, 0.125}));  // the lowest pair left in the domain
  EXPECT_EQ(old.notes[0].stop, Stop::domain_exhausted);                // then one is left, and no pair
  EXPECT_EQ(values(Attack(JsmaCleverhans100{.theta = 1.0F, .gamma = 0.25F})(net, one, towards(1)).images),
            values(one.images));
  EXPECT_EQ(values(Attack(JsmaCleverhans100{.theta = 0.25F, .of = attacks::Of::logits})(net, one, towards(1)).images),
            (std::vector<real>{1, 0.75, 0.5, 0.125}));
}

// One feature left: the argmax of nothing raised.
TEST(Cleverhans, FailedWithOneFeatureLeft) {
  const nn::Sequential net = stubborn({1, 1, 1, 1});
  const data::Samples one = one_image({1, 1, 0.5, 1});
  for (const Crafted& made : {Attack(Jsma{.gamma = 1})(net, one, towards(1)),
                              Attack(JsmaCleverhans100{.theta = 1.0F})(net, one, towards(1))}) {
    EXPECT_TRUE(identical(made.images, one.images));
    EXPECT_EQ(made.notes[0].stop, Stop::domain_exhausted);
  }
}

// With probabilities both do the same where a pair qualifies: the others' gradients sum to minus the target's.
TEST(Cleverhans, AgreesWhereAPairQualifies) {
  const nn::Sequential net = stubborn({1, 4, 2, 3, -1, 0.5}, 3);
  const data::Samples black = one_image({0, 0, 0, 0, 0, 0});
  for (const float gamma : {0.34F, 0.67F, 1.0F}) {
    const Crafted now = Attack(Jsma{.gamma = gamma})(net, black, towards(1));
    const Crafted old = Attack(JsmaCleverhans100{.theta = 1.0F, .gamma = gamma})(net, black, towards(1));
    EXPECT_TRUE(identical(now.images, old.images));
    EXPECT_EQ(now.notes[0].stop, old.notes[0].stop);
    EXPECT_EQ(now.notes[0].steps, old.notes[0].steps);
  }
  EXPECT_EQ(values(Attack(Jsma{.gamma = 0.34F})(net, black, towards(1)).images), (std::vector<real>{0, 1, 0, 1, 0, 0}));
}

// Probabilities that underflow have no gradient: the original then changed the first pair.
TEST(Cleverhans, SawNothingWhereTheProbabilityUnderflowed) {
  const nn::Sequential net = stubborn({1, 1, 3, 2}, 1e4F);
  const data::Samples black = one_image({0, 0, 0, 0});
  EXPECT_EQ(values(Attack(JsmaCleverhans100{.theta = 1.0F, .gamma = 0.5F})(net, black, towards(1)).images),
            (std::vector<real>{1, 1, 0, 0}));
  EXPECT_EQ(values(Attack(Jsma{.gamma = 0.5F})(net, black, towards(1)).images), (std::vector<real>{0, 0, 1, 1}));
}

// v2.0.0 and v3.1.0: theta < 0 moved features up, and past the end of their range.
TEST(Cleverhans, MovedTheWrongWayForANegativeTheta) {
  const nn::Sequential net = stubborn({-1, -1, -1, -1}, 100);
  const data::Samples one = one_image({0.5, 0.25, 0.75, 1});
  EXPECT_EQ(values(Attack(Jsma{.gamma = 1, .theta = -0.5F})(net, one, towards(1)).images),
            (std::vector<real>{0, 0, 0.25, 0.5}));
  EXPECT_EQ(values(Attack(JsmaCleverhans100{.theta = 0.5F, .increase = false})(net, one, towards(1)).images),
            (std::vector<real>{0, 0, 0.25, 0.5}));
}

// A feature leaves the domain after one step whatever theta; the paper removes it when it is saturated.
TEST(Cleverhans, ChangedAFeatureOnlyOnce) {
  const nn::Sequential net = stubborn({2, 2, 1, 1});
  const data::Samples black = one_image({0, 0, 0, 0});
  const std::vector<real> once{0.25, 0.25, 0.25, 0.25};
  EXPECT_EQ(values(Attack(JsmaCleverhans100{.theta = 0.25F})(net, black, towards(1)).images), once);
  EXPECT_EQ(values(Attack(Jsma{.gamma = 1, .theta = 0.25F})(net, black, towards(1)).images), once);
  EXPECT_EQ(values(Attack(Jsma{.max_features = 12, .theta = 0.25F, .retire = attacks::Retire::saturated})(net, black,
                                                                                                          towards(1))
                       .images),
            (std::vector<real>{1, 1, 0.5, 0.5}));
}

// Class count and image size came from global flags, rows * cols without the channels; the limit is floor(n / 2 *
// gamma), not ceil and not one pair less.
TEST(Cleverhans, KnewOnlyOneShape) {
  const Shape colour{2, 3, 3};
  std::vector<real> all;
  for (std::size_t k = 0; k < 18; ++k) all.insert(all.end(), {-1, 1, 0});
  const nn::Sequential net = linear_model(colour, 3, all, {1e4, -1e4, 0});
  const data::Samples black{Tensor(colour.with_front(1)), {0}, {0}, {}};
  const Crafted made = Attack(Jsma{.gamma = 0.35F})(net, black, towards(1));  // 18 * 0.35 / 2 = 3.15
  EXPECT_EQ(attacks::distances(black.images.values(), made.images.values()).l0, 6U);
}

// --- what was reported ---------------------------------------------------------------------------------------

// The tutorial summed +1 and -1 into the success rate, took the mean over ten cells for nine targets, and counted
// failures in it; other tools aim at (label + 1) mod 10 whatever the number of classes.
TEST(Cleverhans, ReportedSuccessesMinusFailures) {
  // Three classes: 1 is reached by the first two features, 2 never, and 0 is where all start.
  const nn::Sequential net = linear_model(line, 3, {0, 2, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0}, {1, 0, -9});
  const data::Dataset data("black", line, std::vector<float>(8, 0), {0, 0}, 3);
  const std::array<attacks::Attack, 1> jsma{Jsma{.gamma = 1}};
  attacks::EvaluateOptions options;
  options.targets.kind = attacks::Targets::Kind::all;
  const attacks::AttackResult result = attacks::evaluate(net, data.first(data.size()), jsma, options).attacks[0];
  EXPECT_EQ(result.attempts.size(), 4U);  // two images, two targets each
  EXPECT_EQ(result.successes, 2U);        // not 2 - 2
  EXPECT_EQ(result.l0.mean, 2);           // features, of the successes alone
  EXPECT_FALSE(result.l0.median.has_value());
  options.targets = {};
  const attacks::AttackResult next = attacks::evaluate(net, data.first(data.size()), jsma, options).attacks[0];
  EXPECT_EQ(next.attempts[0].target, 1);
  const nn::Sequential last = linear_model(line, 3, std::vector<real>(12, 0), {0, 0, 1});
  const data::Dataset twos("black", line, std::vector<float>(4, 0), {2}, 3);
  EXPECT_EQ(attacks::evaluate(last, twos.first(twos.size()), jsma, {}).attacks[0].attempts[0].target, 0);
}

// v1.0.0 returns the fraction 2 * iterations / (rows * cols), though a step can change one feature only by rounding or
// not at all; hans counts the features whose bytes differ.
TEST(Cleverhans, ReturnedAFractionItDidNotMeasure) {
  const nn::Sequential net = stubborn({1, 1, 1, 1});
  const data::Samples one = one_image({0.5, 0.5, 0.5, 0.5});
  const Crafted made = Attack(Jsma{.gamma = 1, .theta = 1e-9F})(net, one, towards(1));  // 0.5 + 1e-9 is 0.5
  EXPECT_EQ(made.notes[0].steps, 2U);
  EXPECT_EQ(attacks::distances(one.images.values(), made.images.values()).l0, 0U);
}

// Training a second model initialised the first one again.
TEST(Cleverhans, ForgotTheFirstModelWithTheSecond) {
  const nn::Sequential first = small_models()[1];
  const std::vector<Tensor> before(first.weights().begin(), first.weights().end());
  const data::Samples samples = random_samples(first.input(), 3, 4, 61);
  const Tensor made = Attack(Fgsm{.eps = 0.3F})(first, samples, away_from(samples.labels)).images;
  const nn::Sequential second = nn::Sequential::parse(first.architecture(), Rng(77));
  Attack(Fgsm{.eps = 0.3F})(second, samples, away_from(samples.labels));
  for (std::size_t w = 0; w < before.size(); ++w) EXPECT_TRUE(identical(first.weights()[w], before[w]));
  EXPECT_TRUE(identical(Attack(Fgsm{.eps = 0.3F})(first, samples, away_from(samples.labels)).images, made));
}

}  // namespace
}  // namespace hans::cleverhans_test
