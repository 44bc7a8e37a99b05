// The judge: what it says of images made by hand.
#include <hans/attacks/judge.hpp>

#include <gtest/gtest.h>

#include <cmath>

#include <hans/nn/evaluate.hpp>
#include "attacks_testing.hpp"

namespace hans::judge_test {
namespace {

using namespace testing_attacks;
using attacks::Budget;
using attacks::Finding;
using attacks::Goal;
using attacks::Norm;
using attacks::Reason;

const Shape image{1, 2, 1};

/// The class is the first feature in quarters, 0 to 3; a feature of 1 or more is class 3.
const FunctionModel quarters(image, 4, [](std::span<const real> x) {
  std::vector<real> logits(4, 0);
  const int quarter = x[0] < 0.25F ? 0 : x[0] < 0.5F ? 1 : x[0] < 0.75F ? 2 : 3;
  logits[static_cast<std::size_t>(quarter)] = 1;
  return logits;
});

/// Says nothing of images whose first feature is above 1/2, and class 1 of others.
const FunctionModel broken(image, 4, [](std::span<const real> x) {
  return std::vector<real>{0, 1, x[0] > 0.5F ? not_a_number : real{0}, 0};
});

Finding judged(const nn::Classifier& model, std::vector<real> original, std::vector<real> made, int label,
               const Goal& goal, const Budget& budget) {
  const data::Samples samples{Tensor(image.with_front(1), original), {label}, {0}, {}};
  return attacks::judge(model, samples, Tensor(image.with_front(1), made), goal, budget).findings.at(0);
}

struct Row {
  std::string_view name;
  std::vector<real> made;  // from {0.125, 0.5}, label 0
  Goal goal;
  Budget budget;
  Reason reason;
  bool evades;
};

TEST(Judge, GivesEveryReason) {
  const Budget half{Norm::linf, 0.5, {0, 1}};
  const Budget wide{Norm::linf, 5, {-infinity, infinity}};
  const std::vector<Row> rows{
      {"other class", {0.375, 0.5}, away_from({0}), half, Reason::success, true},
      {"that class", {0.375, 0.5}, towards(1), half, Reason::success, true},
      {"same class", {0.1875, 1}, away_from({0}), half, Reason::unchanged_prediction, false},
      {"same class for a target", {0.1875, 1}, towards(1), half, Reason::unchanged_prediction, false},
      {"another than the target", {0.375, 0.5}, towards(2), half, Reason::other_class, true},
      {"outside ball", {0.75, 0.5}, away_from({0}), half, Reason::outside_ball, false},
      {"outside ball, same class", {0.125, 1.125}, away_from({0}), wide, Reason::unchanged_prediction, false},
      {"outside ball and no success", {0.75, 0.5}, towards(1), half, Reason::outside_ball, false},
      {"outside box", {0.375, 1.5}, away_from({0}), {Norm::linf, 1, {0, 1}}, Reason::outside_box, false},
      {"below the box", {-0.125, 0.5}, away_from({1}), half, Reason::outside_box, false},
      {"outside both", {2, 2}, away_from({0}), half, Reason::outside_box, false},
      {"box without ends", {0.375, 4}, away_from({0}), wide, Reason::success, true},
      {"infinite feature",
       {0.375, infinity},
       away_from({0}),
       {Norm::linf, HUGE_VAL, {-infinity, infinity}},
       Reason::not_a_number,
       false},
      {"NaN feature", {0.375, not_a_number}, away_from({0}), wide, Reason::not_a_number, false},
      {"NaN feature, by prediction alone",
       {0.375, not_a_number},
       away_from({0}),
       {Norm::linf, 1, {0, 1}, true},
       Reason::not_a_number,
       false},
      {"prediction alone", {7, -7}, away_from({0}), {Norm::linf, 0, {0, 1}, true}, Reason::success, true},
      {"prediction alone, no success",
       {-7, 7},
       away_from({0}),
       {Norm::linf, 0, {0, 1}, true},
       Reason::unchanged_prediction,
       false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const Finding found = judged(quarters, {0.125, 0.5}, row.made, 0, row.goal, row.budget);
    EXPECT_EQ(enum_names(Reason{})[static_cast<std::size_t>(found.reason)],
              enum_names(Reason{})[static_cast<std::size_t>(row.reason)]);
    EXPECT_EQ(found.success, row.reason == Reason::success);
    EXPECT_EQ(found.evades, row.evades);
    EXPECT_EQ(found.allowed, row.reason != Reason::outside_ball && row.reason != Reason::outside_box &&
                                 row.reason != Reason::not_a_number);
  }
}

TEST(Judge, KnowsNoTolerance) {
  const float eps = 0.3F;
  for (const real original : {real{0}, real{0.125}, 77 / real{255}, real{1} / 3}) {
    const auto allowed = [&](real made, const Budget& budget) {
      return judged(quarters, {original, made}, {made, made}, 0, away_from({0}), budget).allowed;
    };
    // The last number whose exact distance is at most eps, found by counting up.
    real last = original + eps * 0.9999F;
    while (static_cast<double>(std::nextafter(last, infinity)) - static_cast<double>(original) <=
           static_cast<double>(eps)) {
      last = std::nextafter(last, infinity);
    }
    const real next = std::nextafter(last, infinity);
    const double exact = static_cast<double>(next) - static_cast<double>(original);
    for (const Norm norm : {Norm::linf, Norm::l1, Norm::l2}) {
      EXPECT_TRUE(allowed(last, {norm, eps, {-1, 2}})) << original;
      EXPECT_FALSE(allowed(next, {norm, eps, {-1, 2}})) << original;
      EXPECT_TRUE(allowed(next, {norm, exact, {-1, 2}})) << original;
      EXPECT_TRUE(allowed(last, {norm, 1, {0, last}})) << original;
      EXPECT_FALSE(allowed(next, {norm, 1, {0, last}})) << original;
      EXPECT_TRUE(allowed(last, {norm, 1, {last, 2}})) << original;
      EXPECT_FALSE(allowed(std::nextafter(last, real{0}), {norm, 1, {last, 2}})) << original;
    }
  }
}

TEST(Judge, MeasuresDistances) {
  const std::vector<real> original{0, 0.5, 1, -0.0F, 0.25};
  const std::vector<real> made{3, 0.5, 5, 0, 0.25};
  const attacks::Distances found = attacks::distances(original, made);
  EXPECT_EQ(found.linf, 4);
  EXPECT_EQ(found.l2, 5);
  EXPECT_EQ(found.l1, 7);
  EXPECT_EQ(found.l0, 3U);  // -0 and +0 are different bytes
  EXPECT_EQ(found.of(Norm::linf), 4);
  EXPECT_EQ(found.of(Norm::l2), 5);
  EXPECT_EQ(found.of(Norm::l1), 7);
  EXPECT_EQ(found.of(Norm::l0), 3);
  EXPECT_EQ(attacks::distances(original, original).l0, 0U);
  // Differences are exact: in float 1e8 + 4 - 1e8 + ... would lose the small ones.
  const std::vector<real> big{1e8F, 0, 0};
  const std::vector<real> moved{1e8F + 8, 0x1p-30F, 0x1p-40F};
  EXPECT_EQ(attacks::distances(big, moved).l1, 8 + 0x1p-30 + 0x1p-40);
  EXPECT_THROW(attacks::distances(original, big), Error);
  const std::vector<real> bad{0, not_a_number, 1, 0, 0.25};
  for (const Norm norm : {Norm::linf, Norm::l2, Norm::l1}) {
    EXPECT_TRUE(std::isnan(attacks::distances(original, bad).of(norm)));
    EXPECT_TRUE(std::isnan(attacks::distances(bad, made).of(norm)));
  }
}

TEST(Judge, CountsFeaturesInL0) {
  for (const double most : {0.0, 1.0, 2.0}) {
    const Budget budget{Norm::l0, most, {0, 1}};
    EXPECT_EQ(judged(quarters, {0.125, 0.5}, {0.375, 1}, 0, away_from({0}), budget).allowed, most >= 2);
    EXPECT_EQ(judged(quarters, {0.125, 0.5}, {0.375, 0.5}, 0, away_from({0}), budget).success, most >= 1);
    EXPECT_TRUE(judged(quarters, {0.125, 0.5}, {0.125, 0.5}, 0, away_from({0}), budget).allowed);
  }
}

TEST(Judge, TakesNoPredictionFromLogitsThatAreNotNumbers) {
  const Budget budget{Norm::linf, 1, {0, 1}};
  for (const Goal& goal : {away_from({0}), away_from({2}), towards(2), towards(1)}) {
    const Finding found = judged(broken, {0, 0}, {0.75, 0}, 0, goal, budget);
    EXPECT_EQ(found.prediction, nn::no_prediction);
    EXPECT_EQ(found.reason, Reason::not_a_number);
    EXPECT_TRUE(found.allowed);
    EXPECT_FALSE(found.success);
    EXPECT_FALSE(found.evades);
  }
  EXPECT_TRUE(judged(broken, {0, 0}, {0.25, 0}, 0, away_from({0}), budget).success);
}

TEST(Judge, PredictsTheFirstOfEqualLogits) {
  const Budget budget{Norm::linf, 1, {0, 1}};
  const FunctionModel tied(image, 4, [](std::span<const real> x) { return std::vector<real>{0, x[0], x[0], -1}; });
  EXPECT_EQ(judged(tied, {0, 0}, {0, 0}, 0, away_from({0}), budget).prediction, 0);
  EXPECT_EQ(judged(tied, {0, 0}, {0.5, 0}, 0, away_from({0}), budget).prediction, 1);
  EXPECT_TRUE(judged(tied, {0, 0}, {0.5, 0}, 0, towards(1), budget).success);
  EXPECT_FALSE(judged(tied, {0, 0}, {0.5, 0}, 0, towards(2), budget).success);
  const FunctionModel infinite(image, 3, [](std::span<const real>) {
    return std::vector<real>{-infinity, infinity, infinity};
  });
  EXPECT_EQ(judged(infinite, {0, 0}, {0, 0}, 0, away_from({0}), budget).prediction, 1);
}

TEST(Judge, GoesSampleBySample) {
  const data::Samples samples{Tensor({3, 1, 2, 1}, std::vector<real>{0, 0, 0.25, 0, 0.5, 0}), {0, 1, 2}, {0, 1, 2}, {}};
  const Tensor made({3, 1, 2, 1}, std::vector<real>{0.25, 0, 0.25, 0, 0.75, 0});
  const Budget budget{Norm::linf, 0.25, {0, 1}};
  const attacks::Outcome away = attacks::judge(quarters, samples, made, away_from({0, 1, 2}), budget);
  EXPECT_EQ(away.successes(), 2U);
  EXPECT_FALSE(away.findings[1].success);
  const attacks::Outcome to = attacks::judge(quarters, samples, made, towards(std::vector<int>{1, 2, 1}), budget);
  EXPECT_EQ(to.successes(), 1U);
  EXPECT_TRUE(to.findings[2].evades);
  const attacks::Outcome one = attacks::judge(quarters, samples, made, towards(3), budget);
  EXPECT_EQ(one.successes(), 1U);
  EXPECT_TRUE(one.findings[2].success);
}

TEST(Judge, RefusesWhatDoesNotFit) {
  const data::Samples samples{Tensor({2, 1, 2, 1}), {0, 1}, {0, 1}, {}};
  const Budget budget{Norm::linf, 1, {0, 1}};
  const Tensor two({2, 1, 2, 1});
  EXPECT_THROW(attacks::judge(quarters, samples, two.rows(0, 1), away_from({0, 1}), budget), Error);
  EXPECT_THROW(attacks::judge(quarters, samples, two.reshaped({2, 2, 1, 1}), away_from({0, 1}), budget), Error);
  EXPECT_THROW(attacks::judge(quarters, samples, two, away_from({0, 1, 2}), budget), Error);
  EXPECT_THROW(attacks::judge(quarters, samples, two, away_from({}), budget), Error);
  EXPECT_TRUE(attacks::judge(quarters, samples.rows(0, 0), two.rows(0, 0), away_from({}), budget).findings.empty());
}

/// The logits are the image.
const FunctionModel mirror(Shape{1, 3, 1}, 3,
                           [](std::span<const real> x) { return std::vector<real>(x.begin(), x.end()); });

TEST(Judge, NamesSuccessesThatRoundingMayUndo) {
  struct Case {
    std::vector<real> made;
    Goal goal;
    bool success, narrow;
  };
  const real hair = 1 + 0x1p-17F, little = 1 + 0x1p-15F;
  for (const Case& row : std::vector<Case>{{{1, hair, 0}, away_from({0}), true, true},
                                           {{1, little, 0}, away_from({0}), true, false},
                                           {{1, 1, 0}, away_from({0}), false, false},  // a tie is the first's
                                           {{1, hair, -9}, away_from({0}), true, true},
                                           {{1, little, -9}, away_from({0}), true, true},  // the largest is 9
                                           {{0, hair, 1}, away_from({0}), true, false},    // some other class it is
                                           {{0, hair, 1}, towards(1), true, true},
                                           {{0, little, 1}, towards(1), true, false},
                                           {{-1, 0, -0.5F}, towards(1), true, false},
                                           {{0, 0, 0}, away_from({0}), false, false},
                                           {{0, 0, 0}, towards(0), true, true}}) {
    const data::Samples samples{Tensor(Shape{1, 1, 3, 1}, std::vector<real>{1, 0, 0}), {0}, {0}, {}};
    const Budget wide{Norm::linf, 100, {-infinity, infinity}};
    const Finding finding =
        attacks::judge(mirror, samples, Tensor(Shape{1, 1, 3, 1}, row.made), row.goal, wide).findings.at(0);
    EXPECT_EQ(finding.success, row.success) << row.made[1];
    EXPECT_EQ(finding.narrow, row.narrow) << row.made[1];
  }
}

}  // namespace
}  // namespace hans::judge_test
