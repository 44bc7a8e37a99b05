// Evaluations against counts made by hand.
#include <hans/attacks/evaluate.hpp>

#include <gtest/gtest.h>

#include <hans/attacks/composite.hpp>
#include <hans/nn/evaluate.hpp>
#include "evaluate_testing.hpp"

namespace hans::evaluate_test {
namespace {

using namespace testing_evaluate;

TEST(Evaluate, AttacksOnlyWhatIsRight) {
  const Evaluation found = evaluated(five, {Push{.by = 0.125F}});
  EXPECT_EQ(found.samples.size(), 5U);
  EXPECT_EQ(found.predictions, (std::vector<int>{0, 1, 2, 3, 0}));
  EXPECT_EQ(found.right, 4U);
  const attacks::AttackResult& result = found.attacks.at(0);
  ASSERT_EQ(result.attempts.size(), 4U);
  for (std::size_t k = 0; k < 4; ++k) {
    EXPECT_EQ(result.attempts[k].sample, k);
    EXPECT_FALSE(result.attempts[k].target.has_value());
    EXPECT_EQ(result.attempts[k].finding.success, k < 3);  // class 3 stays class 3
    EXPECT_EQ(result.attempts[k].note.steps, k);
  }
  EXPECT_EQ(result.robust, (std::vector<bool>{false, false, false, true, false}));
  EXPECT_EQ(result.robust_count, 1U);
  EXPECT_EQ(result.successes, 3U);
  EXPECT_EQ(result.no_attempts, 0U);
  EXPECT_EQ(result.forwards, 4U);
  EXPECT_EQ(result.gradients, 8U);
  EXPECT_EQ(found.robust, 1U);
}

TEST(Evaluate, CountsWhatNoAttackBreaks) {
  // The second attack goes down, the third leaves its ball and so breaks nothing.
  const Evaluation found = evaluated(five, {Push{.by = 0.125F}, Push{.by = -0.25F}, Push{.by = 0.5F, .limit = 0.25F}});
  EXPECT_EQ(found.attacks[0].robust, (std::vector<bool>{false, false, false, true, false}));
  EXPECT_EQ(found.attacks[1].robust, (std::vector<bool>{true, false, false, false, false}));  // 0 would leave the box
  EXPECT_EQ(found.attacks[2].robust, (std::vector<bool>{true, true, true, true, false}));
  EXPECT_EQ(found.attacks[1].attempts[0].finding.reason, attacks::Reason::outside_box);
  EXPECT_EQ(found.attacks[2].attempts[0].finding.reason, attacks::Reason::outside_ball);
  EXPECT_EQ(found.attacks[2].successes, 0U);
  EXPECT_EQ(found.robust, 0U);
  EXPECT_EQ(evaluated(five, {}).robust, 4U);
  EXPECT_EQ(evaluated(five, {Push{.by = 0.5F, .limit = 0.25F}, Push{.by = 0.125F}}).robust, 1U);
}

TEST(Evaluate, CountsLikeAPlainLoop) {
  Stream stream(41, "evaluation");
  std::vector<float> firsts;
  std::vector<int> labels;
  for (int k = 0; k < 700; ++k) {  // more than are crafted together
    firsts.push_back(static_cast<float>(stream.below(257)) / 256);
    labels.push_back(static_cast<int>(stream.below(class_count)));
  }
  const data::Dataset data = dataset(firsts, labels);
  const float reach = 0.4375F;
  EvaluateOptions options;
  options.targets.kind = Targets::Kind::all;
  const Evaluation found = evaluated(data, {Push{.by = reach, .limit = reach}}, options);
  std::size_t right = 0;
  std::size_t robust = 0;
  std::size_t attempts = 0;
  std::size_t successes = 0;
  std::vector<double> distances;
  for (std::size_t k = 0; k < firsts.size(); ++k) {
    const int own = std::min(static_cast<int>(firsts[k] * 4), 3);
    if (own != labels[k]) continue;
    ++right;
    bool broken = false;
    for (int target = 0; target < 4; ++target) {
      if (target == own) continue;
      ++attempts;
      const double distance = std::abs((static_cast<double>(target) + 0.5) / 4 - static_cast<double>(firsts[k]));
      const bool success = distance <= static_cast<double>(reach);
      if (success) distances.push_back(distance);
      successes += success ? 1U : 0U;
      broken = broken || success;
    }
    robust += broken ? 0U : 1U;
  }
  const attacks::AttackResult& result = found.attacks[0];
  EXPECT_EQ(found.right, right);
  EXPECT_EQ(found.robust, robust);
  EXPECT_EQ(result.attempts.size(), attempts);
  EXPECT_EQ(result.successes, successes);
  EXPECT_EQ(result.no_attempts, 0U);
  double mean = 0;
  for (const double distance : distances) mean += distance / static_cast<double>(distances.size());
  EXPECT_NEAR(result.linf.mean.value(), mean, 1e-9);
  EXPECT_GT(successes, 100U);
  EXPECT_LT(successes, attempts);
}

TEST(Evaluate, SumsUpDistances) {
  // The attack reaches those that need no more than `by`: distances 1/8, 2/8 and 3/8, and one it cannot reach.
  const auto summary = [](std::vector<float> firsts, float by) {
    EvaluateOptions options;
    options.targets = {Targets::Kind::one, 3};
    const std::vector<int> labels(firsts.size(), 1);
    firsts.push_back(0.875F);
    std::vector<int> all = labels;
    all.push_back(3);
    return evaluated(dataset(firsts, all), {Push{.by = by}}, options).attacks[0];
  };
  const auto odd = summary({0.375, 0.4375, 0.46875}, 0.46875F);  // distances 16, 14 and 13 of 32: the first is too far
  EXPECT_EQ(odd.linf.median, 14 / 32.0);
  EXPECT_EQ(odd.linf.mean, 13.5 / 32);
  EXPECT_EQ(odd.l0.median, 1);
  EXPECT_EQ(odd.l1.median, 14 / 32.0);
  EXPECT_EQ(odd.l2.median, 14 / 32.0);
  EXPECT_EQ(odd.no_attempts, 1U);
  const auto even = summary({0.375, 0.40625, 0.4375, 0.46875}, 0.46875F);  // 16, 15, 14, 13: the middle is infinite
  EXPECT_EQ(even.successes, 3U);
  EXPECT_EQ(even.linf.median, 14.5 / 32);
  EXPECT_EQ(even.linf.mean, 14 / 32.0);
  const auto half = summary({0.375, 0.46875}, 0.46875F);
  EXPECT_FALSE(half.linf.median.has_value());  // the mean of 13 and infinity
  EXPECT_EQ(half.linf.mean, 13 / 32.0);
  const auto none = summary({0.375, 0.46875}, 0.125F);
  EXPECT_FALSE(none.linf.median.has_value());
  EXPECT_FALSE(none.linf.mean.has_value());
  EXPECT_EQ(none.robust_count, 3U);
  const auto wrong = evaluated(dataset({0.375}, {2}), {Push{.by = 1.0F}}).attacks[0];
  EXPECT_TRUE(wrong.attempts.empty());
  EXPECT_FALSE(wrong.linf.median.has_value());
  EXPECT_FALSE(wrong.linf.mean.has_value());
}

TEST(Evaluate, KeepsImagesAndTellsHowFarItIs) {
  EvaluateOptions options;
  options.keep_images = true;
  std::vector<std::array<std::size_t, 3>> told;
  options.progress = [&](std::size_t number, std::size_t done, std::size_t total) {
    told.push_back({number, done, total});
  };
  const Evaluation found = evaluated(five, {Push{.by = 0.125F}, Push{.by = 0.25F}}, options);
  ASSERT_EQ(found.attacks[1].attempts.size(), 4U);
  EXPECT_EQ(found.attacks[1].attempts[2].image.shape(), image.with_front(1));
  EXPECT_EQ(found.attacks[1].attempts[2].image.data()[0], 0.875F);
  EXPECT_EQ(found.samples.images.shape(), image.with_front(5));
  EXPECT_EQ(told, (std::vector<std::array<std::size_t, 3>>{{0, 4, 4}, {1, 4, 4}}));
  const Evaluation without = evaluated(five, {Push{.by = 0.125F}});
  EXPECT_EQ(without.attacks[0].attempts[0].image.size(), 0U);
  EXPECT_EQ(without.samples.images.shape(), image.with_front(0));
  EXPECT_EQ(without.samples.box, (data::Box{0, 1}));
}

TEST(Evaluate, RefusesSamplesOfAnotherShape) {
  EXPECT_THROW(attacks::evaluate(small_models()[0], five.first(5), {}, {}), Error);
}

TEST(Evaluate, RefusesWhatAnAttackOfOnesOwnForgot) {
  const struct {
    sample::Forgetful attack;
    std::string_view part;
  } rows[] = {
      {{.images = 4, .notes = 4}, "no error"},
      {{.images = 4}, "forgetful gave images of shape 4x1x2x1 and 0 notes for images of shape 4x1x2x1; it must"},
      {{.images = 4, .notes = 3}, "3 notes"},
      {{.images = 1, .notes = 4}, "gave images of shape 1x1x2x1"},
      {{.images = 4, .notes = 4, .eps = 2}, "forgetful: eps = 2 is more than"},
      {{.images = 4, .notes = 4, .eps = -1}, "forgetful: eps = -1 is no radius"},
  };
  const data::Samples four = five.first(4);
  for (const auto& row : rows) {
    const Attack alone = row.attack;
    EXPECT_TRUE(contains(error_of([&] { alone(quarters, four, away_from(four.labels)); }), row.part)) << row.part;
    EXPECT_TRUE(contains(error_of([&] { evaluated(five, {alone}); }), row.part)) << row.part;
  }
}

// Parts make a whole: counts add up, and each sample has the findings it has alone.
TEST(Evaluate, FindsTheSameOfASampleWhateverTheOthersAre) {
  EvaluateOptions options;
  options.hash_images = true;
  const std::vector<Attack> push{Push{.by = 0.125F}, attack("noise:eps=0.3,kind=gaussian")};
  const Evaluation whole = attacks::evaluate(quarters, five.first(5), push, options);
  Evaluation joined = attacks::evaluate(quarters, five.samples(0, 2), push, options);
  extend(joined, attacks::evaluate(quarters, five.samples(2, 3), push, options));
  sum_up(joined);
  EXPECT_EQ(joined.samples.labels, whole.samples.labels);
  EXPECT_EQ(joined.samples.index, whole.samples.index);
  EXPECT_EQ(joined.predictions, whole.predictions);
  EXPECT_EQ(joined.right, whole.right);
  EXPECT_EQ(joined.robust, whole.robust);
  for (std::size_t a = 0; a < push.size(); ++a) {
    EXPECT_EQ(joined.attacks[a].l2.mean, whole.attacks[a].l2.mean);
    EXPECT_EQ(joined.attacks[a].successes, whole.attacks[a].successes);
    EXPECT_EQ(joined.attacks[a].forwards, whole.attacks[a].forwards);
    ASSERT_EQ(joined.attacks[a].attempts.size(), whole.attacks[a].attempts.size());
    for (std::size_t k = 0; k < whole.attacks[a].attempts.size(); ++k) {
      EXPECT_EQ(joined.attacks[a].attempts[k].image_sha256, whole.attacks[a].attempts[k].image_sha256);
      EXPECT_EQ(whole.attacks[a].attempts[k].image_sha256.size(), 64U);
    }
  }
}

TEST(Evaluate, ResolvesEveryParameter) {
  const std::array<Attack, 1> fgsm{attack("fgsm:eps=0.3")};
  const Evaluation found = attacks::evaluate(quarters, five.first(5), fgsm, {});
  EXPECT_EQ(text(found.attacks[0].attack.spec()), "fgsm:eps=0.3,norm=linf,clip_min=0,clip_max=1,label=data");
  EXPECT_EQ(found.attacks[0].attempts[0].note.stop, attacks::Stop::zero_gradient);
  EXPECT_EQ(found.robust, 4U);
}

TEST(Evaluate, NeverCountsWhatIsNotANumber) {
  const FunctionModel broken(image, class_count, [](std::span<const real> x) {
    return std::vector<real>{1, x[0] > 0.5F ? not_a_number : real{0}, 0, 0};
  });
  const data::Dataset data = dataset({0.125, 0.75}, {0, 0});
  const std::array<Attack, 1> push{Push{.by = 0.5F}};
  const Evaluation found = attacks::evaluate(broken, data.first(2), push, {});
  EXPECT_EQ(found.predictions, (std::vector<int>{0, nn::no_prediction}));
  EXPECT_EQ(found.right, 1U);
  ASSERT_EQ(found.attacks[0].attempts.size(), 1U);
  EXPECT_EQ(found.attacks[0].attempts[0].finding.reason, attacks::Reason::not_a_number);
  EXPECT_EQ(found.attacks[0].successes, 0U);
  EXPECT_EQ(found.robust, 1U);
}

/// As many attempts as targets, of which all must have withstood a stage for the sample to stand.
TEST(Evaluate, CountsStagesInSamples) {
  EvaluateOptions options;
  const attacks::Attacks parts{{Push{.by = 0.3125F}, Push{.by = 0.5625F}, Push{.by = 0.8125F}}};
  const std::vector<Attack> stages{attacks::Composite{parts}};
  const auto robust = [&](Targets::Kind kind, const data::Samples& samples) {
    options.targets = {kind, 1};
    const Evaluation found = attacks::evaluate(quarters, samples, stages, options);
    std::vector<attacks::Share> shares;
    for (const attacks::StageResult& stage : found.attacks[0].stages) shares.push_back(stage.robust);
    return shares;
  };
  using Shares = std::vector<attacks::Share>;
  // The next class of 3 is 0, three quarters away; of the others a quarter. The fifth is wrong.
  EXPECT_EQ(robust(Targets::Kind::next, five.first(5)), (Shares{{1, 5}, {1, 5}, {0, 5}}));
  EXPECT_EQ(robust(Targets::Kind::next, five.first(2)), (Shares{{0, 2}}));
  EXPECT_EQ(robust(Targets::Kind::all, five.first(5)), (Shares{{0, 5}, {0, 5}, {0, 5}}));
  // Sample 1 has no attempt at class 1: it stands behind all stages.
  EXPECT_EQ(robust(Targets::Kind::one, five.first(5)), (Shares{{2, 5}, {1, 5}}));
  EXPECT_EQ(robust(Targets::Kind::one, five.first(2)), (Shares{{1, 2}}));
  EXPECT_EQ(robust(Targets::Kind::one, five.samples(1, 1)), Shares{});
  // Joined parts have the shares of the whole, whichever of them came to more stages.
  for (const Targets::Kind kind : {Targets::Kind::next, Targets::Kind::one}) {
    for (std::size_t first = 0; first < 6; ++first) {
      options.targets = {kind, 1};
      Evaluation joined = attacks::evaluate(quarters, five.samples(0, first), stages, options);
      extend(joined, attacks::evaluate(quarters, five.samples(first, 5 - first), stages, options));
      Shares shares;
      for (const attacks::StageResult& stage : joined.attacks[0].stages) shares.push_back(stage.robust);
      EXPECT_EQ(shares, robust(kind, five.first(5))) << first;
    }
  }
}

TEST(Evaluate, PlansWhatItWillTry) {
  const data::Samples samples{Tensor(image.with_front(0)), {0, 1, 2, 3, 1}, {0, 1, 2, 3, 4}, {}};  // no images needed
  const std::vector<int> predictions{0, 1, 2, 3, 0};
  const attacks::AttackInfo push = Attack(Push{.by = 1.0F}).info();
  for (const Targets targets : {Targets{}, Targets{Targets::Kind::next}, Targets{Targets::Kind::all},
                                Targets{Targets::Kind::random}, Targets{Targets::Kind::one, 2}}) {
    EvaluateOptions options;
    options.targets = targets;
    options.seed = 3;
    const Evaluation found = evaluated(five, {Push{.by = 1.0F}}, options);
    const attacks::PlannedAttempts plan = attacks::plan_attempts(push, targets, samples, predictions, class_count, 3);
    EXPECT_EQ(plan.without_attempt, found.attacks[0].no_attempts);
    ASSERT_EQ(plan.attempts.size(), found.attacks[0].attempts.size());
    for (std::size_t k = 0; k < plan.attempts.size(); ++k) {
      EXPECT_EQ(plan.attempts[k].sample, found.attacks[0].attempts[k].sample);
      EXPECT_EQ(plan.attempts[k].target, found.attacks[0].attempts[k].target);
    }
    EXPECT_EQ(attacks::is_targeted(push, targets), targets.kind != Targets::Kind::by_attack);
  }
  EXPECT_TRUE(attacks::is_targeted(attack("jsma:gamma=0.1").info(), {}));
  const auto refusal = [&](std::vector<int> labels, std::vector<int> predicted) {
    data::Samples wrong = samples;
    wrong.labels = std::move(labels);
    return error_of([&] { attacks::plan_attempts(push, {}, wrong, predicted, class_count, 0); });
  };
  EXPECT_TRUE(contains(refusal({0, 1, 2, 99, 1}, predictions), "label 99"));
  EXPECT_TRUE(contains(refusal({0, 1, 2, -1, 1}, predictions), "label -1"));
  EXPECT_TRUE(contains(refusal({0, 1, 2, 3}, predictions), "4 labels"));
  EXPECT_TRUE(contains(error_of([] { evaluated(dataset({0.5F}, {3}), {}); }), "no error"));
  EXPECT_TRUE(contains(error_of([] {
                         attacks::evaluate(quarters, {Tensor(image.with_front(1)), {4}, {0}, {}},
                                           std::vector<Attack>{Push{.by = 1.0F}}, {});
                       }),
                       "label 4"));
}

TEST(Evaluate, RefusesToJoinWhatDoesNotBelongTogether) {
  const Evaluation one = evaluated(five, {Push{.by = 0.1F}});
  EvaluateOptions next;
  next.targets.kind = Targets::Kind::next;
  Evaluation all = one;
  EXPECT_THROW(extend(all, evaluated(five, {})), Error);
  EXPECT_THROW(extend(all, evaluated(five, {Push{.by = 0.1F}}, next)), Error);
}

TEST(Evaluate, SaysWhatIsLeftWithinARadius) {
  // One feature, and classes that meet at a half: the distance to the other class is the distance to that.
  const nn::Sequential net = linear_model({1, 1, 1}, 2, {-1, 1}, {0.5F, -0.5F});
  const data::Dataset data("line", {1, 1, 1}, std::vector<float>{0.4F, 0.3F, 0.2F, 0.9F, 0.6F}, {0, 0, 0, 1, 0}, 2);
  const std::vector<attacks::Attack> nearest{attack("deepfool")};
  const attacks::Evaluation found = attacks::evaluate(net, data.first(5), nearest, {});
  std::vector<std::size_t> left;
  for (const double radius : {0.0, 0.11, 0.21, 0.31, 0.41, 1.0}) {
    left.push_back(attacks::robust_within(found, found.attacks[0], radius).part());
  }
  EXPECT_EQ(left, (std::vector<std::size_t>{4, 3, 2, 1, 0, 0}));  // the last sample is wrong as it is
}

}  // namespace
}  // namespace hans::evaluate_test
