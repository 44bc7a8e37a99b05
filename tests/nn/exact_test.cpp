// The exact minima that bounds and verdicts are tested against: by hand, by brute force, and at sampled points.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

#include <hans/core/rng.hpp>

#include "../data/data_testing.hpp"
#include "exact_testing.hpp"

namespace hans::exact_test {
namespace {

using exact_testing::Case;
using exact_testing::case_kinds;
using exact_testing::exact_logits;
using exact_testing::exact_minimum;
using exact_testing::minimise;
using exact_testing::Minimum;
using exact_testing::random_case;
using exact_testing::Rational;
using nn::Sequential;
using testing_data::contains;
using testing_data::error_of;

TEST(Rationals, Calculate) {
  const Rational third(1, 3), sixth(-2, -12);
  EXPECT_EQ(third + sixth, Rational(1, 2));
  EXPECT_EQ(third - sixth, sixth);
  EXPECT_EQ(third * sixth, Rational(1, 18));
  EXPECT_EQ(sixth / -third, Rational(-1, 2));
  EXPECT_LT(sixth, third);
  EXPECT_EQ(Rational::of(-0.375), Rational(-3, 8));
  EXPECT_EQ(Rational::of(std::ldexp(3, 100)).nearby(), std::ldexp(3, 100));
  EXPECT_EQ(Rational::of(0), 0);
  const std::string error = error_of([&] { (void)(Rational::of(std::ldexp(1, -100)) * Rational::of(0x1p-30)); });
  EXPECT_TRUE(contains(error, " bits: give smaller weights")) << error;
}

TEST(Rationals, CompareExactlyWithDoubles) {
  const Rational third(1, 3);
  EXPECT_LT(1 / 3.0, third);  // the double below
  EXPECT_GT(std::nextafter(1 / 3.0, 1), third);
  EXPECT_GT(-1 / 3.0, -third);
  EXPECT_LT(std::nextafter(-1 / 3.0, -1), -third);
  EXPECT_EQ(Rational(-7, 8), -0.875);
  EXPECT_EQ(Rational(), 0.0);
  EXPECT_LT(Rational(), 1e-300);
  EXPECT_GT(Rational(), -1e-300);
  EXPECT_GT(third, 0);
  EXPECT_LT(-third, 0);
  EXPECT_LT(Rational(1), std::nextafter(1.0, 2));
  EXPECT_LT(third, std::numeric_limits<double>::infinity());
  EXPECT_GT(-third, -std::numeric_limits<double>::infinity());
  EXPECT_FALSE(third < std::nan("") || third >= std::nan("") || third == std::nan(""));
}

/// A network of the given weights (inputs x units, then biases, of each layer).
Sequential net_of(const std::string& architecture, std::vector<std::vector<float>> weights) {
  std::size_t next = 0;
  return Sequential::parse(architecture, [&](const std::string&, const nn::WeightInfo& info) {
    return Tensor(info.shape, weights.at(next++));
  });
}

TEST(ExactMinima, AreThoseByHand) {
  // logits |x| and 0; the minimum of |x| is at its fold, that of -|x| at a corner
  const Sequential size =
      net_of("1x1x1;flatten;linear:units=2;relu;linear:units=2", {{1, -1}, {0, 0}, {1, 0, 1, 0}, {0, 0}});
  // logit 0 is max(0, x - 1/2) - max(0, y - x): at a fold of one and a side of the box
  const Sequential two = net_of("1x2x1;flatten;linear:units=2;relu;linear:units=2",
                                {{1, -1, 0, 1}, {-0.5f, 0}, {1, 0, -1, 0}, {0, 0.25f}});
  // logit 0 is max(0, 3/4 - relu(3 x)) + relu(3 x) / 3: least where the inner unit is 3/4, at x = 1/4
  const Sequential deep = net_of("1x1x1;flatten;linear:units=1;relu;linear:units=2;relu;linear:units=2",
                                 {{3}, {0}, {-1, 1}, {0.75f, 0}, {1, 0, 0.25f, 0}, {0, 0}});
  const struct {
    const Sequential& net;
    std::vector<float> low, high, form;
    Rational minimum;
    std::vector<Rational> at;
  } rows[] = {{size, {-1}, {2}, {1, 0}, 0, {0}},
              {size, {-1}, {2}, {-1, 0}, -2, {2}},
              {size, {0.5f}, {0.5f}, {1, 0}, {1, 2}, {{1, 2}}},
              {two, {0, 0}, {1, 1}, {1, -1}, {-5, 4}, {0, 1}},
              {two, {0.75f, 0}, {1, 1}, {2, 0}, 0, {{3, 4}, 1}},
              {deep, {0}, {1}, {1, 0}, {3, 16}, {{1, 4}}},
              {deep, {0}, {0.125f}, {1, 0}, {15, 32}, {{1, 8}}}};
  for (const auto& row : rows) {
    const Minimum found = minimise(row.net, row.low, row.high, row.form);
    EXPECT_EQ(found.value, row.minimum) << row.net.architecture();
    EXPECT_EQ(found.at, row.at) << row.net.architecture();
  }
}

TEST(ExactMinima, RefuseOthers) {
  const auto error = [](const std::string& architecture, std::vector<float> low, std::vector<float> high) {
    const Sequential net = Sequential::parse(architecture, Rng(1));
    return error_of([&] { (void)exact_minimum(net, low, high, std::vector<float>{1, -1}); });
  };
  EXPECT_TRUE(contains(error("1x1x1;flatten;linear:units=2;tanh", {0}, {1}), "layer 2 (tanh) is no linear layer"));
  EXPECT_TRUE(contains(error("1x1x1;flatten;linear:units=2", {0}, {-1}), "the box is empty: 0 to -1"));
  EXPECT_TRUE(contains(error("1x1x1;flatten;linear:units=3", {0}, {1}), "do not fit the network"));
  EXPECT_TRUE(
      contains(error("1x9x1;flatten;linear:units=2", std::vector<float>(9), std::vector<float>(9)), "do not fit"));
  EXPECT_TRUE(contains(
      error("1x4x1;flatten;linear:units=9;relu;linear:units=2", std::vector<float>(4, 0), std::vector<float>(4, 1)),
      "give smaller weights"));  // weights of 24 bits
}

// --- brute force for two inputs: all corners of all pieces ----------------------------------------------------

using Line = std::array<Rational, 3>;  // a + b x + c y = 0

/// Every line where a unit can change its slope: the preactivation of each unit under each pattern of the units before.
std::vector<Line> folds(const Case& given) {
  std::vector<std::vector<Line>> patterns{{{0, 1, 0}, {0, 0, 1}}};  // the values of a layer under each pattern
  std::vector<Line> lines;
  for (std::size_t k = 0; k < given.net.layers().size(); ++k) {
    if (given.net.weights(k).empty()) continue;
    const Tensor &weights = given.net.weights(k)[0], &biases = given.net.weights(k)[1];
    const bool last = k + 1 == given.net.layers().size();
    std::vector<std::vector<Line>> next;
    for (const std::vector<Line>& values : patterns) {
      std::vector<Line> units;
      for (std::size_t unit = 0; unit < biases.size(); ++unit) {
        Line line{Rational::of(biases.data()[unit])};
        for (std::size_t i = 0; i < values.size(); ++i) {
          const Rational weight = Rational::of(weights.data()[i * biases.size() + unit]);
          for (std::size_t c = 0; c < 3; ++c) line[c] = line[c] + weight * values[i][c];
        }
        units.push_back(line);
      }
      if (last) continue;
      lines.insert(lines.end(), units.begin(), units.end());
      for (std::size_t active = 0; active < std::size_t{1} << units.size(); ++active) {
        std::vector<Line> pattern = units;
        for (std::size_t unit = 0; unit < units.size(); ++unit) {
          if ((active >> unit & 1) == 0) pattern[unit] = {};
        }
        next.push_back(std::move(pattern));
      }
    }
    patterns = std::move(next);
  }
  return lines;
}

/// The worst margin at all points of the box where two lines meet, or two sides, or a line and a side.
Rational brute_force(const Case& given, std::vector<Line> lines) {
  for (std::size_t k = 0; k < 2; ++k) {
    for (const float side : {given.low[k], given.high[k]}) lines.push_back({Rational::of(-side), k == 0, k == 1});
  }
  std::optional<Rational> worst;
  for (const Line& p : lines) {
    for (const Line& q : lines) {
      const Rational determinant = p[1] * q[2] - p[2] * q[1];
      if (determinant == 0) continue;
      const Rational point[] = {(p[2] * q[0] - p[0] * q[2]) / determinant, (p[0] * q[1] - p[1] * q[0]) / determinant};
      if (point[0] < given.low[0] || point[0] > given.high[0]) continue;
      if (point[1] < given.low[1] || point[1] > given.high[1]) continue;
      const std::vector<Rational> logits = exact_logits(given.net, point);
      for (std::size_t j = 0; j < logits.size(); ++j) {
        const Rational margin = logits[given.label] - logits[j];
        if (j != given.label && (!worst || margin < *worst)) worst = margin;
      }
    }
  }
  return worst.value();
}

TEST(ExactMinima, AreThoseOfBruteForce) {
  std::size_t compared = 0, deep = 0, at_folds = 0;
  for (std::uint64_t seed = 0; compared < 60; ++seed) {
    const Case given = random_case(seed);
    const bool two_layers = given.net.weights().size() > 4;
    const std::size_t first = given.net.weights()[1].size();
    if (given.low.size() != 2 || (two_layers && (first > 4 || deep == 6))) continue;
    ++compared;
    deep += two_layers;
    EXPECT_EQ(brute_force(given, folds(given)), given.worst) << given.kind << ' ' << seed;
    at_folds += brute_force(given, {}) != given.worst;  // the corners of the box are not enough
  }
  EXPECT_EQ(deep, 6u);
  EXPECT_GT(at_folds, 10u);
}

// --- the random questions -------------------------------------------------------------------------------------

TEST(ExactMinima, AreAttainedAndNowherePassed) {
  for (std::uint64_t seed = 0; seed < 36; ++seed) {
    const Case given = random_case(seed);
    Stream stream = Rng(seed).stream("points");
    std::optional<Rational> worst;
    for (std::size_t j = 0; j < given.net.classes(); ++j) {
      if (j == given.label) continue;
      std::vector<float> form(given.net.classes(), 0.0f);
      form[given.label] = 1;
      form[j] = -1;
      const Minimum least = minimise(given.net, given.low, given.high, form);
      if (!worst || least.value < *worst) worst = least.value;
      const std::vector<Rational> there = exact_logits(given.net, least.at);
      EXPECT_EQ(there[given.label] - there[j], least.value) << given.kind << ' ' << seed;
      for (std::size_t k = 0; k < given.low.size(); ++k) {
        EXPECT_TRUE(least.at[k] >= given.low[k] && least.at[k] <= given.high[k]) << given.kind << ' ' << seed;
      }
      for (int trial = 0; trial < 20; ++trial) {
        std::vector<Rational> point;
        for (std::size_t k = 0; k < given.low.size(); ++k) {
          const Rational low = Rational::of(given.low[k]), high = Rational::of(given.high[k]);
          point.push_back(low + (high - low) * Rational(stream.below(65), 64));
        }
        const std::vector<Rational> logits = exact_logits(given.net, point);
        EXPECT_GE(logits[given.label] - logits[j], least.value) << given.kind << ' ' << seed;
      }
    }
    EXPECT_EQ(*worst, given.worst) << given.kind << ' ' << seed;
  }
}

TEST(RandomCases, AreHalfCertifiedAndHoldWhatWasPlanted) {
  std::map<std::string, int> cases, certified;
  int ties = 0, points = 0, same_units = 0, zeros = 0, folded = 0;
  for (std::uint64_t seed = 0; seed < 20 * std::size(case_kinds); ++seed) {
    const Case made = random_case(seed);
    EXPECT_EQ(made.kind, case_kinds[seed % std::size(case_kinds)]);
    ++cases[made.kind];
    certified[made.kind] += made.certified();
    ties += made.kind == "tie" && (made.worst == 0 || made.worst == 1 / 64.0);
    points += made.kind == "point" && made.eps == 0 && made.low == made.image && made.high == made.image;
    same_units += made.kind == "twins" && !made.certified() && made.worst <= 0;
    const Tensor& first = made.net.weights()[0];
    zeros += made.kind == "zeros" && std::ranges::count(first.values(), 0.0f) > 0;
    folded += made.kind == "dense" && made.net.weights()[1].size() == 8 && made.eps == 0.5f;
  }
  int total = 0;
  for (const std::string_view kind : case_kinds) {
    const int share = certified[std::string(kind)];
    EXPECT_TRUE(share >= 4 && share <= 16) << kind << ": certified " << share << " of " << cases[std::string(kind)];
    total += share;
  }
  EXPECT_NEAR(total, 90, 20);
  EXPECT_EQ(ties, 20);
  EXPECT_EQ(points, 20);
  EXPECT_GT(same_units, 4);
  EXPECT_GT(zeros, 15);
  EXPECT_EQ(folded, 20);
}

}  // namespace
}  // namespace hans::exact_test
