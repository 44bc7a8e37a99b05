// Results as VNN-COMP reads them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>

#include <hans/core/error.hpp>

#include "../../../apps/vnnlib/answer.hpp"
#include "../../../apps/vnnlib/decimal.hpp"

namespace hans::vnnlib_answer_test {
namespace {

using apps::vnnlib::Answer;
using apps::vnnlib::Case;
using apps::vnnlib::counterexample_text;
using apps::vnnlib::exact_text;
using apps::vnnlib::read_decimal;
using apps::vnnlib::read_property;
using apps::vnnlib::result_text;

/// The numbers of an answer, read as the organisers of VNN-COMP do: outer brackets off, split at ')'.
std::vector<std::pair<std::string, double>> read_back(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  EXPECT_TRUE(text.starts_with("(") && text.ends_with(")"));
  text = text.substr(1, text.size() - 2);
  std::vector<std::pair<std::string, double>> out;
  for (std::size_t end = text.find(')'); end != std::string::npos; end = text.find(')')) {
    const std::size_t start = text.find('('), space = text.find(' ', start);
    out.emplace_back(text.substr(start + 1, space - start - 1), std::stod(text.substr(space + 1, end - space - 1)));
    text.erase(0, end + 1);
  }
  return out;
}

TEST(VnnlibAnswer, IsWhatOrganisersRead) {
  const std::string_view property =
      "(declare-const X_0 Real)(declare-const X_1 Real)(declare-const X_2 Real)(declare-const Y_0 Real)"
      "(assert (>= X_0 0.1))(assert (<= X_0 0.3))(assert (>= X_1 0.7))(assert (<= X_1 0.7))"
      "(assert (>= X_2 -1))(assert (<= X_2 1))";
  const Case box = read_property(property, "p").cases.at(0);
  const std::vector<float> inputs = {0.25F, 0.7F, -0.1F}, outputs = {-1.5F};
  const std::string text = counterexample_text(box, inputs, outputs);
  EXPECT_EQ(text, "((X_0 0.25)\n (X_1 0.7)\n (X_2 -0.100000001490116119384765625)\n (Y_0 -1.5))");
  EXPECT_EQ(result_text(Answer::sat, text), "sat\n" + text + "\n");
  EXPECT_EQ(result_text(Answer::unsat), "unsat\n");
  EXPECT_EQ(result_text(Answer::unknown), "unknown\n");
  EXPECT_EQ(result_text(Answer::timeout), "timeout\n");
}

TEST(VnnlibAnswer, LiesInTheExactBoxAndReadsBackAsTheSameFloats) {
  std::mt19937 random(7);
  const auto number = [&random] {
    std::string digits = std::to_string(random() % 1'000'000'000);
    if (random() % 2 == 0) digits += std::to_string(random() % 1'000'000'000);
    return "0." + digits;
  };
  for (int k = 0; k < 300; ++k) {
    std::string low = number(), high = random() % 3 == 0 ? low + "1" : number();
    if (read_decimal(high).value() < read_decimal(low).value()) std::swap(low, high);
    const std::string property =
        text("(declare-const X_0 Real)(declare-const Y_0 Real)(assert (>= X_0 ", low, "))(assert (<= X_0 ", high, "))");
    const Case box = read_property(property, "p").cases.at(0);
    for (const float x : {box.first[0], box.last[0]}) {
      const std::string written = counterexample_text(box, std::vector{x}, std::vector{0.0F});
      const std::string word = written.substr(6, written.find(')') - 6);
      EXPECT_TRUE(read_decimal(low).value() <= read_decimal(word).value()) << low << ' ' << word;
      EXPECT_TRUE(read_decimal(word).value() <= read_decimal(high).value()) << high << ' ' << word;
      const auto values = read_back(written);
      ASSERT_EQ(values.size(), 2);
      EXPECT_EQ(values[0].first, "X_0");
      EXPECT_EQ(static_cast<float>(values[0].second), x);
      EXPECT_LE(box.low[0], x);
      EXPECT_GE(box.high[0], x);
    }
    // No float32 is left out.
    if (box.between.empty()) {
      EXPECT_TRUE(read_decimal(exact_text(double{std::nextafter(box.first[0], -1.0F)})).value() <
                  read_decimal(low).value());
      EXPECT_TRUE(read_decimal(exact_text(double{std::nextafter(box.last[0], 2.0F)})).value() >
                  read_decimal(high).value());
    }
  }
}

void expect_error(const std::function<void()>& work, std::string_view message) {
  try {
    work();
    ADD_FAILURE() << "no error: " << message;
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), message);
  }
}

TEST(VnnlibAnswer, RefusesWhatIsNoCounterexample) {
  const Case box =
      read_property("(declare-const X_0 Real)(declare-const Y_0 Real)(assert (>= X_0 0.1))(assert (<= X_0 0.3))", "p")
          .cases.at(0);
  const std::vector<float> one = {0.2F};
  expect_error([&] { counterexample_text(box, std::vector{0.3F}, one); },
               "the counterexample's X_0 = 0.3 is outside 0.1 to 0.29999998");
  expect_error([&] { counterexample_text(box, std::vector{0.05F}, one); },
               "the counterexample's X_0 = 0.05 is outside 0.1 to 0.29999998");
  expect_error([&] { counterexample_text(box, std::vector{std::nanf("")}, one); },
               "the counterexample's X_0 = nan is outside 0.1 to 0.29999998");
  expect_error([&] { counterexample_text(box, one, std::vector{HUGE_VALF}); },
               "the counterexample's Y_0 = inf is no number to print");
  expect_error([&] { counterexample_text(box, {}, one); }, "a counterexample of 0 inputs to a property of 1");
  expect_error([] { result_text(Answer::sat); }, "a counterexample belongs to sat, and only to it");
  expect_error([] { result_text(Answer::unknown, "((X_0 1))"); }, "a counterexample belongs to sat, and only to it");
}

}  // namespace
}  // namespace hans::vnnlib_answer_test
