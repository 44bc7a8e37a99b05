// Answers to properties as text: against the exact truth about tiny networks, and in the order of ONNX inputs.
#include "../../../apps/vnnlib/verify.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include <hans/core/file.hpp>
#include <hans/nn/evaluate.hpp>
#include <hans/nn/preprocess.hpp>

#include "../../../apps/vnnlib/decimal.hpp"
#include "../../data/data_testing.hpp"
#include "../../nn/exact_testing.hpp"
#include "../../nn/onnx_testing.hpp"
#include "vnnlib_testing.hpp"

namespace hans::vnnlib_verify_test {
namespace {

using apps::vnnlib::Answer;
using apps::vnnlib::exact_text;
using apps::vnnlib::read_property;
using apps::vnnlib::Verdict;
using apps::vnnlib::verify;
using testing_data::error_of;
using testing_vnnlib::declarations;

Verdict verdict_on(const nn::Model& model, const std::string& property, const defenses::RefuteOptions& options = {}) {
  return verify(model, read_property(property, "property"), options);
}

std::string box_of(std::span<const float> low, std::span<const float> high) {
  std::string out;
  for (std::size_t i = 0; i < low.size(); ++i) {
    append(out,
           text("(>= X_", i, ' ', exact_text(double{low[i]}), ")(<= X_", i, ' ', exact_text(double{high[i]}), ")"));
  }
  return out;
}

TEST(VnnlibVerify, EqualsTheTruthAboutTinyNetworks) {
  std::size_t count[4]{};
  for (std::uint64_t seed = 0; seed < 90; ++seed) {
    const exact_testing::Case one = exact_testing::random_case(seed);
    SCOPED_TRACE(text(seed, " ", one.kind));
    const std::size_t inputs = one.image.size(), outputs = one.net.classes();
    std::string others;
    for (std::size_t j = 0; j < outputs; ++j) {
      if (j != one.label) append(others, text("(and (>= Y_", j, " Y_", one.label, "))"));
    }
    const std::string property =
        text(declarations(inputs, outputs), "(assert (and ", box_of(one.low, one.high), "))(assert (or ", others, "))");
    const bool near_tie = std::abs(one.worst.nearby()) < 1e-3;
    const Verdict verdict = verdict_on({one.net}, property, {.nodes = near_tie ? 200U : 20000U});
    ++count[static_cast<int>(verdict.answer)];
    EXPECT_FALSE(verdict.answer == Answer::unsat && !one.certified());
    EXPECT_FALSE(verdict.answer == Answer::unknown && !near_tie);
    EXPECT_EQ(verdict.cases, 1U);
    EXPECT_EQ(verdict.result().substr(0, verdict.result().find('\n')), enum_name(verdict.answer));
    if (verdict.answer != Answer::sat) continue;
    EXPECT_LT(one.worst.nearby(), 1e-5);
    const Tensor image(one.net.input().with_front(1), verdict.inputs);
    EXPECT_TRUE(std::ranges::equal(nn::logits(one.net, image).values(), verdict.outputs));
    const float most = *std::ranges::max_element(verdict.outputs);
    EXPECT_TRUE(most > verdict.outputs[one.label] || std::ranges::count(verdict.outputs, most) > 1);
    for (std::size_t i = 0; i < inputs; ++i) {
      EXPECT_TRUE(one.low[i] <= verdict.inputs[i] && verdict.inputs[i] <= one.high[i]);
      EXPECT_NE(verdict.counterexample.find(text("(X_", i, ' ', exact_text(double{verdict.inputs[i]}), ")")),
                std::string::npos);
    }
  }
  EXPECT_GT(count[0], 30U);
  EXPECT_GT(count[1], 25U);
}

/// A network of one linear layer: Y_0 = X_0 + X_1 and Y_1 = X_0 - X_1, exactly.
nn::Model sum_and_difference() {
  return {nn::Sequential::parse("1x2x1;flatten;linear:units=2", [](const std::string& name, const auto& info) {
    return name == "1.weight" ? Tensor(info.shape, std::vector<real>{1, 1, 1, -1}) : Tensor(info.shape);
  })};
}

TEST(VnnlibVerify, DecidesConditionsOfAllKinds) {
  struct Row {
    std::string_view asserts;
    Answer answer;
    std::size_t cases, empty;
  };
  constexpr std::string_view unit = "(assert (and (>= X_0 0)(<= X_0 1)(>= X_1 0)(<= X_1 1)))";
  constexpr Row rows[]{
      {"(assert (>= Y_0 2.5))", Answer::unsat, 1, 0},
      {"(assert (>= Y_0 1.9))", Answer::sat, 1, 0},
      {"(assert (>= Y_0 2))", Answer::sat, 1, 0},
      {"(assert (>= Y_0 1.5))(assert (>= Y_1 0.75))", Answer::unsat, 1, 0},  // X_0 >= 1.125
      {"(assert (>= Y_0 1.2))(assert (>= Y_1 0.7))", Answer::sat, 1, 0},
      {"(assert (or (and (>= Y_0 1.5)(>= Y_1 0.75)) (>= (+ Y_0 Y_1) 2.5)))", Answer::unsat, 1, 0},
      {"(assert (or (and (>= Y_0 1.5)(>= Y_1 0.75)) (>= (+ Y_0 Y_1) 1.5)))", Answer::sat, 1, 0},
      {"(assert (or (and (<= X_0 0.5)(>= Y_0 1.75)) (and (>= X_0 0.25)(<= Y_0 0.125))))", Answer::unsat, 2, 0},
      {"(assert (or (and (<= X_0 0.5)(>= Y_0 1.75)) (and (>= X_0 0.25)(<= Y_0 0.375))))", Answer::sat, 2, 0},
      {"(assert (or (and (>= X_0 2)(>= Y_0 0)) (and (<= X_0 0.5)(>= Y_0 1.75))))", Answer::unsat, 2, 1},
      {"(assert (or (and (>= X_0 2)(>= Y_0 0)) (and (>= X_0 0.5)(>= Y_0 1.75))))", Answer::sat, 2, 1},
      {"(assert (<= X_1 -0.5))(assert (>= Y_0 -1000))", Answer::unsat, 1, 1},
      {"(assert (<= X_0 1e-60))(assert (>= X_0 1e-60))(assert (>= Y_0 1.25))", Answer::unsat, 1, 0},
      {"(assert (<= X_0 0.1))(assert (>= X_0 0.1))(assert (>= Y_0 1))", Answer::sat, 1, 0}};
  for (const Row& row : rows) {
    SCOPED_TRACE(row.asserts);
    const Verdict verdict = verdict_on(sum_and_difference(), text(declarations(2, 2), unit, row.asserts));
    EXPECT_EQ(verdict.answer, row.answer);
    EXPECT_EQ(verdict.cases, row.cases);
    EXPECT_EQ(verdict.empty, row.empty);
    EXPECT_EQ(verdict.inputs.size(), row.answer == Answer::sat ? 2U : 0U);
  }
}

/// A graph whose outputs are given sums of its flattened input, behind a convolution that changes nothing if `conv`.
nn::Model flattened(const std::vector<std::int64_t>& input, bool conv, const std::string& preprocess) {
  using namespace onnx_testing;
  std::vector<Node> nodes;
  if (conv) nodes.push_back(node("Conv", {"x", "k"}, {"c"}));
  nodes.push_back(node("Flatten", {conv ? "c" : "x"}, {"f"}));
  nodes.push_back(node("Gemm", {"f", "w"}, {"y"}));
  return imported(file(input, std::move(nodes), {reals("k", {2, 2, 1, 1}, {1, 0, 0, 1}), weights("w", {24, 2})}),
                  preprocess);
}

TEST(VnnlibVerify, TakesInputsInTheOrderOfTheGraph) {
  struct Row {
    std::vector<std::int64_t> input;
    bool conv;
    const char* preprocess;
  };
  const Row rows[]{
      {{-1, 2, 3, 4}, true, "none"},  {{-1, 2, 3, 4}, false, "none"}, {{-1, 3, 4, 2}, false, "layout=nhwc"},
      {{-1, 3, 4, 2}, false, "none"}, {{-1, 24}, false, "none"},      {{-1, 4, 6}, false, "none"}};
  std::vector<float> x;
  for (std::size_t i = 0; i < 24; ++i) x.push_back(static_cast<float>(i * i % 29) / 16);
  const Tensor weights = onnx_testing::weights("w", {24, 2}).numbers();
  double wanted[2]{};
  for (std::size_t i = 0; i < 48; ++i) wanted[i % 2] += double{x[i / 2]} * double{weights.data()[i]};
  for (const Row& row : rows) {
    const nn::Model model = flattened(row.input, row.conv, row.preprocess);
    SCOPED_TRACE(text(row.preprocess, " ", model.net.input()));
    const std::string point = text(declarations(24, 2), "(assert (and ", box_of(x, x), "))");
    const Verdict found = verdict_on(model, point + "(assert (>= Y_0 -1000))");
    ASSERT_EQ(found.answer, Answer::sat);
    EXPECT_EQ(found.inputs, x);
    for (std::size_t j = 0; j < 2; ++j) {
      EXPECT_NEAR(double{found.outputs[j]}, wanted[j], 1e-4);
      const auto beyond = [&](double more) {
        return verdict_on(model, text(point, "(assert (>= Y_", j, ' ', wanted[j] + more, "))")).answer;
      };
      EXPECT_EQ(beyond(0.01), Answer::unsat);
      EXPECT_EQ(beyond(-0.01), Answer::sat);
    }
  }
}

TEST(VnnlibVerify, KeepsNodesAndTime) {
  std::size_t open = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const exact_testing::Case one = exact_testing::random_case(seed);
    const std::string once =
        text("(and ", box_of(one.low, one.high), "(<= Y_", one.label, " Y_", 1 - one.label % 2, "))");
    const std::string property = text(declarations(one.image.size(), one.net.classes()), "(assert (or ", once,
                                      once.substr(0, once.size() - 1), "(<= Y_0 1000))))");
    const Verdict all = verdict_on({one.net}, property, {.nodes = 500});
    const Verdict none = verdict_on({one.net}, property, {.nodes = 0});
    EXPECT_LE(all.nodes, 500U);
    EXPECT_EQ(none.nodes, 0U);
    if (all.nodes < 2) continue;
    ++open;
    EXPECT_EQ(none.answer, Answer::unknown);
    EXPECT_EQ(none.doubt, defenses::Doubt::nodes);
    const Verdict late = verdict_on({one.net}, property, {.seconds = 1e-9});
    EXPECT_EQ(late.answer, Answer::timeout);
    EXPECT_EQ(late.result(), "timeout\n");
  }
  EXPECT_GT(open, 3U);
}

TEST(VnnlibVerify, SaysWhatDoesNotFit) {
  const auto refused = [](const std::string& property) {
    return error_of([&] { (void)verdict_on(sum_and_difference(), property); });
  };
  const std::string asserts = "(assert (>= Y_0 1))";
  EXPECT_EQ(refused(declarations(3, 2) + testing_vnnlib::box(3) + asserts),
            "the property has 3 inputs, the model 2 (1x2x1)");
  EXPECT_EQ(refused(declarations(2, 1) + testing_vnnlib::box(2) + asserts), "the property has 1 outputs, the model 2");
}

}  // namespace
}  // namespace hans::vnnlib_verify_test
