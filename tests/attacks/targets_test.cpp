// Which classes the attempts of an evaluation aim at.
#include <gtest/gtest.h>

#include <algorithm>

#include <hans/attacks/evaluate.hpp>
#include "evaluate_testing.hpp"

namespace hans::targets_test {
namespace {

using namespace testing_evaluate;

TEST(Evaluate, AimsAsAsked) {
  const auto goals = [](Targets targets) {
    EvaluateOptions options;
    options.targets = targets;
    std::vector<std::pair<std::size_t, int>> pairs;
    const Evaluation found = evaluated(five, {Push{.by = 1.0F}}, options);
    for (const attacks::Attempt& attempt : found.attacks[0].attempts)
      pairs.emplace_back(attempt.sample, *attempt.target);
    return pairs;
  };
  using Pairs = std::vector<std::pair<std::size_t, int>>;
  EXPECT_EQ(goals({Targets::Kind::next}), (Pairs{{0, 1}, {1, 2}, {2, 3}, {3, 0}}));
  EXPECT_EQ(goals({Targets::Kind::all}),
            (Pairs{{0, 1}, {0, 2}, {0, 3}, {1, 0}, {1, 2}, {1, 3}, {2, 0}, {2, 1}, {2, 3}, {3, 0}, {3, 1}, {3, 2}}));
  EXPECT_EQ(goals({Targets::Kind::one, 2}), (Pairs{{0, 2}, {1, 2}, {3, 2}}));
  EvaluateOptions options;
  options.targets = {Targets::Kind::one, 2};
  const attacks::AttackResult result = evaluated(five, {Push{.by = 1.0F}}, options).attacks[0];
  EXPECT_EQ(result.no_attempts, 1U);
  EXPECT_EQ(result.successes, 3U);
  EXPECT_EQ(result.robust, (std::vector<bool>{false, false, true, false, false}));
}

TEST(Evaluate, AimsJsmaAtTheNextClassByItself) {
  const std::array<Attack, 1> jsma{attack("jsma:gamma=0.5")};
  const Evaluation found = attacks::evaluate(quarters, five.first(5), jsma, {});
  std::vector<int> targets;
  for (const attacks::Attempt& attempt : found.attacks[0].attempts) targets.push_back(attempt.target.value());
  EXPECT_EQ(targets, (std::vector<int>{1, 2, 3, 0}));
}

TEST(Evaluate, DrawsRandomTargetsPerSample) {
  std::vector<float> firsts;
  std::vector<int> labels;
  for (int k = 0; k < 400; ++k) {
    labels.push_back(k % 4);
    firsts.push_back((static_cast<float>(k % 4) + 0.5F) / 4);
  }
  const data::Dataset data = dataset(firsts, labels);
  const auto targets = [&](std::uint64_t seed, std::size_t count) {
    EvaluateOptions options;
    options.targets.kind = Targets::Kind::random;
    options.seed = seed;
    std::vector<int> all;
    const std::vector<Attack> push{Push{.by = 1.0F}};
    const Evaluation found = attacks::evaluate(quarters, data.first(count), push, options);
    for (const attacks::Attempt& attempt : found.attacks[0].attempts) all.push_back(attempt.target.value());
    return all;
  };
  const std::vector<int> first = targets(1, 400);
  ASSERT_EQ(first.size(), 400U);
  std::array<std::array<int, 4>, 4> seen{};
  for (std::size_t k = 0; k < first.size(); ++k) {
    ++seen[static_cast<std::size_t>(labels[k])][static_cast<std::size_t>(first[k])];
  }
  for (std::size_t label = 0; label < 4; ++label) {
    for (std::size_t target = 0; target < 4; ++target) {
      if (label == target) {
        EXPECT_EQ(seen[label][target], 0);
      } else {
        EXPECT_NEAR(seen[label][target], 33, 18);
      }
    }
  }
  EXPECT_EQ(targets(1, 400), first);
  EXPECT_NE(targets(2, 400), first);
  EXPECT_EQ(targets(1, 100), std::vector<int>(first.begin(), first.begin() + 100));
}

TEST(Evaluate, ReadsTargets) {
  EXPECT_EQ(attacks::read_targets("next").kind, Targets::Kind::next);
  EXPECT_EQ(attacks::read_targets("all").kind, Targets::Kind::all);
  EXPECT_EQ(attacks::read_targets("random").kind, Targets::Kind::random);
  EXPECT_EQ(attacks::read_targets("7").kind, Targets::Kind::one);
  EXPECT_EQ(attacks::read_targets("7").target, 7);
  for (const std::string_view wrong : {"", "-1", "1.5", "nxt", "All", "99999999999", "1 ", "0x1"}) {
    EXPECT_TRUE(contains(usage_error_of([&] { attacks::read_targets(wrong); }), "next")) << wrong;
  }
}

TEST(Evaluate, RefusesTargetsThatCannotBe) {
  const auto message = [](Targets targets, const Attack& made, const data::Dataset& data) {
    bool started = false;
    EvaluateOptions options;
    options.targets = targets;
    options.progress = [&](std::size_t, std::size_t, std::size_t) { started = true; };
    // Even behind another attack nothing is begun.
    const std::string said = usage_error_of([&] { evaluated(data, {Push{.by = 1.0F}, made}, options); });
    EXPECT_FALSE(started);
    return said;
  };
  EXPECT_TRUE(contains(message({Targets::Kind::one, 4}, Push{.by = 1.0F}, five), "4"));
  EXPECT_TRUE(contains(message({Targets::Kind::one, -1}, Push{.by = 1.0F}, five), "-1"));
  EXPECT_TRUE(contains(message({Targets::Kind::next}, Shove{.by = 1.0F}, five), "shove"));
  EXPECT_TRUE(
      contains(message({Targets::Kind::all}, attack("fgsm@cleverhans-1.0.0:eps=0.1"), five), "fgsm@cleverhans"));
  EXPECT_TRUE(contains(message({}, attack("fgsm:eps=8"), five), "8"));
  EXPECT_TRUE(contains(message({}, attack("jsma:gamma=0.1,clip_min=2"), five), "clip_min"));
  EvaluateOptions options;
  options.targets = {Targets::Kind::one, 2};
  EXPECT_NO_THROW(evaluated(five, {Push{.by = 1.0F}}, options));
  EXPECT_NO_THROW(evaluated(five, {Shove{.by = 1.0F}}));
}

}  // namespace
}  // namespace hans::targets_test
