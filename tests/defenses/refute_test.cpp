// Answers about outputs against the exact truth about tiny networks, and against certificates.
#include <hans/defenses/refute.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include <hans/core/parallel.hpp>
#include <hans/nn/evaluate.hpp>

#include "../data/data_testing.hpp"
#include "../nn/exact_testing.hpp"

namespace hans::refute_test {
namespace {

using defenses::Certainty;
using defenses::Doubt;
using defenses::Existence;
using defenses::OutputCondition;
using defenses::OutputQuestion;
using defenses::Refutation;
using defenses::refute;
using defenses::RefuteOptions;
using exact_testing::Case;
using testing_data::error_of;

Tensor box_end(const nn::Sequential& net, const std::vector<float>& numbers) {
  return Tensor(net.input().with_front(1), std::vector<real>(numbers.begin(), numbers.end()));
}

OutputQuestion question_in(const nn::Sequential& net, const std::vector<float>& low, const std::vector<float>& high) {
  return {box_end(net, low), box_end(net, high), box_end(net, low), box_end(net, high), {}, {}};
}

OutputCondition at_least(std::size_t larger, std::size_t smaller, double constant = 0) {
  return {{{larger, 1.0F}, {smaller, -1.0F}}, constant, constant};
}

/// Counterexamples are in the box and do what they say; answers have reasons exactly if they are unknown.
void expect_consistent(const nn::Sequential& net, const OutputQuestion& question, const Refutation& answer) {
  EXPECT_EQ(answer.existence == Existence::unknown, answer.doubt.has_value());
  EXPECT_EQ(answer.existence == Existence::found, answer.counterexample.size() > 0);
  if (answer.existence != Existence::found) return;
  EXPECT_TRUE(identical(nn::logits(net, answer.counterexample), answer.outputs));
  for (std::size_t i = 0; i < answer.counterexample.size(); ++i) {
    EXPECT_GE(answer.counterexample.data()[i], question.first.data()[i]);
    EXPECT_LE(answer.counterexample.data()[i], question.last.data()[i]);
  }
  EXPECT_TRUE(std::ranges::any_of(question.conjunctions, [&](const auto& all) {
    return std::ranges::all_of(
        all, [&](std::uint32_t number) { return question.conditions[number].is_fulfilled(answer.outputs.values()); });
  }));
}

/// Whether an answer is the truth, if the largest value of what is asked for is `most`. Near 0 it may be unknown.
void expect_truth(const Refutation& answer, double most, bool may_be_open) {
  EXPECT_FALSE(answer.existence == Existence::refuted && most >= 0) << most;
  EXPECT_FALSE(answer.existence == Existence::found && most < -1e-5) << most;  // float32 rounds
  EXPECT_FALSE(answer.existence == Existence::unknown && !may_be_open) << most;
}

TEST(Refute, EqualsTheTruthAboutMargins) {
  std::size_t count[3]{};
  for (std::uint64_t seed = 0; seed < 270; ++seed) {
    const Case one = exact_testing::random_case(seed);
    SCOPED_TRACE(text(seed, " ", one.kind));
    OutputQuestion question = question_in(one.net, one.low, one.high);
    for (std::size_t other = 0; other < one.net.classes(); ++other) {
      if (other == one.label) continue;
      question.conjunctions.push_back({static_cast<std::uint32_t>(question.conditions.size())});
      question.conditions.push_back(at_least(other, one.label));
    }
    const double most = -one.worst.nearby();
    const bool near_tie = std::abs(most) < 1e-3;
    const Refutation answer = refute(one.net, question, {.nodes = near_tie ? 200U : 20000U});
    expect_consistent(one.net, question, answer);
    expect_truth(answer, most, near_tie);
    ++count[static_cast<int>(answer.existence)];
  }
  EXPECT_GT(count[0], 100U);
  EXPECT_GT(count[1], 80U);
}

/// The network of a case, and behind it one output: the smaller of two sums of its outputs and constants.
nn::Sequential with_smaller(const nn::Sequential& net, const OutputCondition& a, const OutputCondition& b) {
  const std::size_t classes = net.classes();
  std::vector<real> weights(3 * classes),
      bias{static_cast<real>(a.low), static_cast<real>(-a.low), static_cast<real>(a.low - b.low)};
  const auto add = [&](const OutputCondition& from, std::size_t unit, real factor) {
    for (const auto& term : from.terms) weights[term.first * 3 + unit] += factor * term.second;
  };
  add(a, 0, 1);
  add(a, 1, -1);
  add(a, 2, 1);
  add(b, 2, -1);
  std::vector<Tensor> all(net.weights().begin(), net.weights().end());
  all.insert(all.end(), {Tensor({classes, 3}, weights), Tensor({3}, bias), Tensor({3, 1}, std::vector<real>{1, -1, -1}),
                         Tensor({1}, std::vector<real>{0})});
  std::size_t next = 0;
  return nn::Sequential::parse(net.architecture() + ";linear:units=3;relu;linear:units=1",
                               [&](const std::string&, const nn::WeightInfo&) { return all[next++]; });
}

// Of two conditions either may be what fails, in different places of the box.
TEST(Refute, EqualsTheTruthAboutConjunctionsWithConstants) {
  std::size_t count[3]{}, together = 0;
  for (std::uint64_t seed = 0; seed < 240; ++seed) {
    const Case one = exact_testing::random_case(seed);
    const std::size_t classes = one.net.classes();
    if (classes < 3) continue;
    SCOPED_TRACE(text(seed, " ", one.kind));
    OutputQuestion question = question_in(one.net, one.low, one.high);
    const auto constant = [&](std::uint64_t salt) { return (static_cast<double>((seed * 7 + salt) % 17) - 8) / 8; };
    question.conditions = {at_least(0, 1, constant(1)), {{{1, 2.0F}, {2, -0.5F}}, constant(5), constant(5)}};
    question.conjunctions = {{0, 1}};
    const std::vector<float> minus{-1};
    const auto most_of = [&](const OutputCondition& a, const OutputCondition& b) {
      return -exact_testing::exact_minimum(with_smaller(one.net, a, b), one.low, one.high, minus).nearby();
    };
    const OutputCondition &a = question.conditions[0], &b = question.conditions[1];
    const double most = most_of(a, b);
    const bool near_tie = std::abs(most) < 1e-3;
    const Refutation answer = refute(one.net, question, {.nodes = near_tie ? 200U : 20000U});
    expect_consistent(one.net, question, answer);
    expect_truth(answer, most, near_tie);
    ++count[static_cast<int>(answer.existence)];
    if (most < 0 && most_of(a, a) > 0 && most_of(b, b) > 0) ++together;
  }
  EXPECT_GT(count[0], 20U);
  EXPECT_GT(count[1], 20U);
  EXPECT_GT(together, 0U);
}

nn::Sequential conv_net(std::uint64_t seed, std::string_view end = "linear:units=3") {
  nn::Sequential net = nn::Sequential::parse(
      text("6x6x1;conv2d:filters=4,kernel=3,stride=2;relu;flatten;linear:units=12;relu;", end), Rng(seed));
  for (Tensor& tensor : net.mutable_weights()) {
    for (real& value : tensor.mutable_values()) value *= 2;
  }
  return net;
}

/// Whether another class than `label` is predicted near an image.
OutputQuestion question_near(const nn::Sequential& net, const Tensor& image, float eps, std::size_t label) {
  std::vector<float> low, high;
  for (const real each : image.values()) {
    low.push_back(std::max(each - eps, real{0}));
    high.push_back(std::min(each + eps, real{1}));
  }
  OutputQuestion question = question_in(net, low, high);
  for (std::size_t other = 0; other < net.classes(); ++other) {
    if (other == label) continue;
    question.conjunctions.push_back({static_cast<std::uint32_t>(question.conditions.size())});
    question.conditions.push_back(at_least(other, label));
  }
  return question;
}

struct Sample {
  nn::Sequential net;
  Tensor image;
  int label;
};

Sample sample(std::uint64_t seed, std::string_view end = "linear:units=3") {
  Sample one{conv_net(seed, end), {}, 0};
  one.image = Tensor(one.net.input().with_front(1));
  Stream stream = Rng(seed).stream("image");
  for (real& value : one.image.mutable_values()) value = stream.uniform();
  one.label = nn::predict(one.net, one.image)[0];
  return one;
}

TEST(Refute, AgreesWithCertificates) {
  std::size_t count[3]{};
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    const Sample one = sample(seed);
    for (const float eps : {0.02F, 0.08F, 0.3F}) {
      SCOPED_TRACE(text(seed, " ", eps));
      const data::Samples samples{one.image, {one.label}, {0}, {0, 1}};
      const auto certificate = defenses::certify(one.net, samples, {.eps = eps, .nodes = 2000})[0];
      const OutputQuestion question = question_near(one.net, one.image, eps, static_cast<std::size_t>(one.label));
      const Refutation answer = refute(one.net, question, {.nodes = 2000});
      expect_consistent(one.net, question, answer);
      ++count[static_cast<int>(answer.existence)];
      EXPECT_FALSE(certificate.certainty == Certainty::certified && answer.existence != Existence::refuted);
      EXPECT_FALSE(certificate.certainty == Certainty::attacked && answer.existence != Existence::found);
    }
  }
  EXPECT_GT(count[0], 5U);
  EXPECT_GT(count[1], 5U);
}

// One of two conditions fails everywhere on many features.
TEST(Refute, RefutesAConjunctionByOneOfItsConditions) {
  const Sample one = sample(1);
  OutputQuestion question = question_near(one.net, one.image, 0.02F, static_cast<std::size_t>(one.label));
  ASSERT_EQ(refute(one.net, question).existence, Existence::refuted);
  question.conditions.push_back({{{0, 1.0F}}, 1e6, 1e6});
  question.conjunctions[0].push_back(2);
  question.conjunctions[1].insert(question.conjunctions[1].begin(), 2);
  EXPECT_EQ(refute(one.net, question).existence, Existence::refuted);
  question.conjunctions.push_back({2});
  expect_consistent(one.net, question, refute(one.net, question));
  EXPECT_EQ(refute(one.net, question).existence, Existence::found);
  question.conjunctions = {{}};
  EXPECT_EQ(refute(one.net, question).existence, Existence::found);
  question.conjunctions = {};
  EXPECT_EQ(refute(one.net, question).existence, Existence::refuted);
}

// Bounds that differ by less than the rounding of a double or of float32 decide nothing.
TEST(Refute, KnowsTheEndsOfALinearNetwork) {
  const nn::Sequential net =
      nn::Sequential::parse("1x2x1;flatten;linear:units=1", [](const std::string& name, const nn::WeightInfo& info) {
        return name == "1.weight" ? Tensor(info.shape, std::vector<real>{1, 1}) : Tensor(info.shape);
      });
  OutputQuestion question = question_in(net, {0, 0}, {1, 1});
  question.conjunctions = {{0}};
  struct Row {
    double low, high;
    Existence wanted;
  };
  constexpr Row rows[]{{-2, -2, Existence::found},
                       {-3, -3, Existence::refuted},
                       {-2 - 0x1p-50, -2 - 0x1p-50, Existence::unknown},
                       {-2 - 0x1p-50, -2, Existence::unknown},
                       {-2.0001, -2.0001, Existence::refuted},
                       {-1.7e308, -1.7e308, Existence::refuted}};
  for (const Row& row : rows) {
    question.conditions = {{{{0, 1.0F}}, row.low, row.high}};
    EXPECT_EQ(refute(net, question, {.nodes = 100}).existence, row.wanted) << row.low << " " << row.high;
  }
  question.conditions = {{{{0, 3e38F}}, 0, 0}};
  EXPECT_EQ(refute(net, question).existence, Existence::found);
  question.conditions = {{{}, -1, -1}};
  EXPECT_EQ(refute(net, question).existence, Existence::refuted);
  question.conditions = {{{}, -1, 1}};
  EXPECT_EQ(refute(net, question, {.nodes = 100}).existence, Existence::unknown);
  question.high = Tensor::full(net.input().with_front(1), std::numeric_limits<real>::infinity());
  EXPECT_EQ(refute(net, question).doubt, Doubt::nan);
}

TEST(Refute, StopsAtNodesAndTime) {
  std::size_t open = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    const Sample one = sample(seed);
    const OutputQuestion question = question_near(one.net, one.image, 0.08F, static_cast<std::size_t>(one.label));
    const Refutation answer = refute(one.net, question), none = refute(one.net, question, {.nodes = 0});
    EXPECT_EQ(none.nodes, 0U);
    if (answer.nodes == 0) continue;
    ++open;
    EXPECT_EQ(none.existence, Existence::unknown);
    EXPECT_EQ(none.doubt, Doubt::nodes);
    const Refutation late = refute(one.net, question, {.seconds = 1e-9});
    EXPECT_EQ(late.existence, Existence::unknown);
    EXPECT_EQ(late.doubt, Doubt::time);
    const std::size_t threads = thread_count();
    set_thread_count(3);
    const Refutation again = refute(one.net, question);
    set_thread_count(threads);
    EXPECT_EQ(again.nodes, answer.nodes);
    EXPECT_EQ(again.existence, answer.existence);
    EXPECT_TRUE(identical(again.counterexample, answer.counterexample));
  }
  EXPECT_GT(open, 1U);
}

TEST(Refute, ComparesOutputsOfASoftmaxOnly) {
  const Sample one = sample(1, "linear:units=3;softmax");
  OutputQuestion question = question_near(one.net, one.image, 0.02F, static_cast<std::size_t>(one.label));
  EXPECT_EQ(refute(one.net, question).existence, Existence::refuted);
  for (const OutputCondition& other : {at_least(0, 1, 0.5), OutputCondition{{{0, 1.0F}}, -0.5, -0.5},
                                       OutputCondition{{{0, 2.0F}, {1, -2.0F}}, 0, 0}}) {
    question.conditions[0] = other;
    EXPECT_TRUE(error_of([&] { (void)refute(one.net, question); }).starts_with("the network ends in a softmax"));
  }
}

// Outputs of a softmax that are far below the largest are rounded to a tie, or to 0: what their logits prove of them is
// not so. Y_0 has the logit `top`, Y_1 is above Y_2 by `margin` and at most 1 in its logits.
TEST(Refute, KnowsThatASoftmaxRoundsSmallOutputsAway) {
  struct Row {
    real top, margin;
    std::size_t larger, smaller;
    bool proved;
  };
  constexpr Row rows[]{{0, 1, 2, 1, true},        // none is far below the largest
                       {5, 1, 2, 1, true},        //
                       {60, 1, 1, 0, true},       // one of the two is the largest
                       {60, 1, 2, 0, true},       //
                       {60, 1, 2, 1, false},      // 1e-26, of which nothing is known
                       {12, 1e-5F, 2, 1, false},  // the errors of float32 are above what is proved
                       {300, 1, 2, 1, false}};    // both are 0
  for (const Row& row : rows) {
    SCOPED_TRACE(text(row.top, ' ', row.margin));
    const nn::Sequential net = nn::Sequential::parse(
        "1x2x1;flatten;linear:units=3;softmax", [&](const std::string& name, const nn::WeightInfo& info) {
          return name == "1.weight" ? Tensor(info.shape, std::vector<real>{0, 1, 0, 0, 0, 0})
                                    : Tensor(info.shape, std::vector<real>{row.top, row.margin, 0});
        });
    OutputQuestion question = question_in(net, {0, 0}, {1, 1});
    question.conditions = {at_least(row.larger, row.smaller)};
    question.conjunctions = {{0}};
    const Refutation answer = refute(net, question, {.nodes = 50});
    expect_consistent(net, question, answer);
    EXPECT_EQ(answer.existence == Existence::refuted, row.proved);
    if (row.top == 300) {
      ASSERT_EQ(answer.existence, Existence::found);
      EXPECT_EQ(answer.outputs.data()[1], 0);
    }
  }
}

TEST(Refute, SaysWhatItDoesNotTake) {
  const Sample one = sample(1);
  const OutputQuestion good = question_near(one.net, one.image, 0.02F, 0);
  const auto refused = [&](const nn::Sequential& net, const OutputQuestion& question) {
    return error_of([&] { (void)refute(net, question); });
  };
  OutputQuestion bad = good;
  bad.last = Tensor({1, 6, 6, 2});
  EXPECT_EQ(refused(one.net, bad), "a box of shape 1x6x6x2 for a network of inputs 6x6x1");
  bad = good;
  bad.conditions[1].terms[0].first = 3;
  EXPECT_EQ(refused(one.net, bad), "a condition on output 3 of 3");
  bad = good;
  bad.conjunctions[0][0] = 2;
  EXPECT_EQ(refused(one.net, bad), "condition 2 of 2");
  const nn::Sequential noisy = conv_net(1, "gaussian_noise:sigma=0.1;linear:units=3");
  EXPECT_NE(refused(noisy, good), "no error");
  const nn::Sequential norm = conv_net(1, "layer_norm;linear:units=3");
  EXPECT_TRUE(refused(norm, good).starts_with("layer 5 (layer_norm) has no bound")) << refused(norm, good);
}

}  // namespace
}  // namespace hans::refute_test
