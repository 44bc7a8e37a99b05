// Reductions against the specification written out plainly, to the last bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <hans/core/hash.hpp>
#include <hans/core/kernels.hpp>
#include <hans/core/math.hpp>
#include <hans/core/parallel.hpp>
#include <hans/core/reduce.hpp>
#include <hans/core/rng.hpp>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace hans::reduce_test {
namespace {

using Values = std::vector<float>;

constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

bool same_bits(const Values& a, const Values& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](float x, float y) {
    return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
  });
}

Values random_values(std::size_t count, float scale, std::uint32_t sample = 0) {
  Values values(count);
  Stream(5, "reduce_test", sample).normals(values);
  for (float& value : values) value *= scale;
  return values;
}

/// Non-negative rows that sum to about 1, with zeros among them.
Values random_targets(std::size_t rows, std::size_t columns) {
  Values targets(rows * columns);
  Stream stream(6, "reduce_test");
  for (float& target : targets) target = stream.below(2) == 0 ? 0 : stream.uniform() / static_cast<float>(columns);
  return targets;
}

// The specification, one value at a time.

float plain_sum(const Values& row) {
  std::array<float, 16> p{};
  for (std::size_t i = 0; i < row.size(); ++i) p[i % 16] = p[i % 16] + row[i];
  for (const std::size_t half : {8U, 4U, 2U, 1U}) {
    for (std::size_t j = 0; j < half; ++j) p[j] = p[j] + p[j + half];
  }
  return p[0];
}

struct PlainRow {
  float maximum = -inf, total = 0;
  Values p;
};

PlainRow plain_softmax(const Values& x) {
  PlainRow row;
  for (const float value : x) row.maximum = value > row.maximum ? value : row.maximum;
  for (const float value : x) row.p.push_back(exp(value - row.maximum));
  row.total = plain_sum(row.p);
  for (float& value : row.p) value = value / row.total;
  return row;
}

float plain_loss(const Values& x, const Values& t) {
  const PlainRow row = plain_softmax(x);
  Values terms;
  for (std::size_t j = 0; j < x.size(); ++j) terms.push_back(t[j] * ((row.maximum + log(row.total)) - x[j]));
  return plain_sum(terms);
}

Values plain_gradient(const Values& x, const Values& t, float upstream) {
  const PlainRow row = plain_softmax(x);
  Values gradient;
  for (std::size_t j = 0; j < x.size(); ++j) {
    Values others = row.p;
    others[j] = 0;
    gradient.push_back(upstream * fma(1 - t[j], row.p[j], -(t[j] * plain_sum(others))));
  }
  return gradient;
}

TEST(Reduce, SumFollowsTheSpecification) {
  for (const std::size_t count : {0U, 1U, 2U, 15U, 16U, 17U, 31U, 32U, 33U, 100U, 511U, 512U, 513U, 5000U}) {
    const Values row = random_values(count, 1);
    EXPECT_EQ(sum(row), plain_sum(row)) << count;
    for (const std::size_t stride : {1U, 2U, 7U}) {
      Values spread(count * stride + 1, nan);
      for (std::size_t i = 0; i < count; ++i) spread[i * stride] = row[i];
      EXPECT_EQ(sum_strided(spread.data(), count, stride), plain_sum(row)) << count << " by " << stride;
    }
  }
}

TEST(Reduce, SumHasSixteenPartials) {
  // One after the other, 1 would be lost in 2^24 before -1 comes.
  Values row(32);
  row[0] = 1;
  row[8] = 0x1p24F;
  row[16] = -1;
  EXPECT_EQ(sum(row), 0x1p24F);
}

TEST(Reduce, SumStartsAtPlusZero) {
  EXPECT_FALSE(std::signbit(sum(Values{})));
  EXPECT_FALSE(std::signbit(sum(Values{-0.0F})));
  EXPECT_FALSE(std::signbit(sum(Values(40, -0.0F))));
}

TEST(Reduce, ArgmaxTakesTheFirstLargest) {
  struct Example {
    Values row;
    std::size_t index;
  };
  const std::vector<Example> examples = {{{}, 0},           {{3}, 0},      {{1, 5, 5, 2}, 1}, {{-0.0F, 0.0F}, 0},
                                         {{-inf, -inf}, 0}, {{1, inf}, 1}, {{nan, 1}, 2},     {{1, nan, 2}, 3},
                                         {{inf, nan}, 2},   {{nan}, 1},    {{-3, -2, -1}, 2}};
  for (const Example& example : examples) EXPECT_EQ(argmax(example.row), example.index);
}

class ReduceRows : public testing::TestWithParam<std::size_t> {};

// Around the sizes at which the work is cut into pieces.
INSTANTIATE_TEST_SUITE_P(Columns, ReduceRows, testing::Values(1, 2, 10, 16, 17, 100, 511, 512, 513, 530, 1040));

TEST_P(ReduceRows, FollowTheSpecification) {
  const std::size_t columns = GetParam();
  const std::size_t rows = columns > 500 ? 3 : 600 / columns + 2;
  const Values logits = random_values(rows * columns, 4), targets = random_targets(rows, columns);
  const Values upstream = random_values(rows, 1, 1);
  Values p(logits.size()), logs(logits.size()), losses(rows), gradient(logits.size());
  softmax(logits.data(), p.data(), rows, columns);
  log_softmax(logits.data(), logs.data(), rows, columns);
  cross_entropy(logits.data(), targets.data(), losses.data(), rows, columns);
  cross_entropy_gradient(logits.data(), targets.data(), upstream.data(), gradient.data(), rows, columns);
  for (std::size_t row = 0; row < rows; ++row) {
    const auto part = [&](const Values& all) {
      const auto start = all.begin() + static_cast<std::ptrdiff_t>(row * columns);
      return Values(start, start + static_cast<std::ptrdiff_t>(columns));
    };
    const Values x = part(logits), t = part(targets);
    const PlainRow expected = plain_softmax(x);
    Values expected_logs;
    for (const float value : x) expected_logs.push_back(value - (expected.maximum + log(expected.total)));
    ASSERT_TRUE(same_bits(part(p), expected.p)) << "softmax, row " << row;
    ASSERT_TRUE(same_bits(part(logs), expected_logs)) << "log_softmax, row " << row;
    ASSERT_EQ(losses[row], plain_loss(x, t)) << "cross_entropy, row " << row;
    ASSERT_TRUE(same_bits(part(gradient), plain_gradient(x, t, upstream[row]))) << "gradient, row " << row;
  }
  Values in_place = logits;
  softmax(in_place.data(), in_place.data(), rows, columns);
  EXPECT_TRUE(same_bits(in_place, p));
  in_place = logits;
  log_softmax(in_place.data(), in_place.data(), rows, columns);
  EXPECT_TRUE(same_bits(in_place, logs));
}

struct Results {
  Values p, logs, losses, gradient;
  std::string hash() const {
    Sha256 hash;
    for (const Values* values : {&p, &logs, &losses, &gradient}) hash.add(std::span<const float>(*values));
    return hash.hex();
  }
};

Results all_of(std::size_t rows, std::size_t columns) {
  const Values logits = random_values(rows * columns, 4), targets = random_targets(rows, columns);
  const Values upstream(rows, 1);
  Results results{Values(logits.size()), Values(logits.size()), Values(rows), Values(logits.size())};
  softmax(logits.data(), results.p.data(), rows, columns);
  log_softmax(logits.data(), results.logs.data(), rows, columns);
  cross_entropy(logits.data(), targets.data(), results.losses.data(), rows, columns);
  cross_entropy_gradient(logits.data(), targets.data(), upstream.data(), results.gradient.data(), rows, columns);
  return results;
}

TEST(Reduce, GivesTheGoldenBitsFromEveryKernelSetAndThreadCount) {
  const std::string before(kernels::selected());
  const std::size_t threads = thread_count();
  for (const std::string& name : kernels::available()) {
    kernels::select(name);
    for (const std::size_t count : {1U, 3U}) {
      set_thread_count(count);
      EXPECT_EQ(all_of(7000, 10).hash(), "d4e5331643495db3ef0909365e60db2aa3f6abb0718e3d88baf5218976dfeb02")
          << name << ", " << count << " threads";
    }
  }
  set_thread_count(threads);
  kernels::select(before);
}

TEST(Reduce, GradientOfAConfidentModelDoesNotVanish) {
  const Values logits = {90, 0, 3}, targets = {1, 0, 0};
  const float upstream = 1;
  Values gradient(3);
  cross_entropy_gradient(logits.data(), targets.data(), &upstream, gradient.data(), 1, 3);
  EXPECT_EQ(plain_softmax(logits).p[0], 1.0F);
  EXPECT_LT(gradient[0], -1e-38F);
  EXPECT_EQ(gradient[0], -(gradient[1] + gradient[2]));
}

TEST(Reduce, GradientIsThatOfTheLoss) {
  const Values logits = random_values(10, 1), upstream = {2};
  Values targets(10, 0.1F / 9), gradient(10);
  targets[4] = 0.9F;  // a label, smoothed by 0.1
  cross_entropy_gradient(logits.data(), targets.data(), upstream.data(), gradient.data(), 1, 10);
  const Values p = plain_softmax(logits).p;
  for (std::size_t j = 0; j < 10; ++j) EXPECT_NEAR(gradient[j], 2 * (p[j] - targets[j]), 1e-6F);
}

TEST(Reduce, ANaNStaysInItsRow) {
  for (const float bad : {nan, inf}) {
    const Values logits = {1, 2, bad, 0, 1, 2}, targets = {0, 1, 0, 0, 1, 0}, upstream = {1, 1};
    Values p(6), losses(2), gradient(6);
    softmax(logits.data(), p.data(), 2, 3);
    cross_entropy(logits.data(), targets.data(), losses.data(), 2, 3);
    cross_entropy_gradient(logits.data(), targets.data(), upstream.data(), gradient.data(), 2, 3);
    EXPECT_TRUE(std::isnan(losses[0]));
    EXPECT_TRUE(std::isfinite(losses[1]));
    for (std::size_t j = 0; j < 3; ++j) {
      EXPECT_TRUE(std::isnan(p[j]) && std::isnan(gradient[j])) << j;
      EXPECT_TRUE(std::isfinite(p[3 + j]) && std::isfinite(gradient[3 + j])) << j;
    }
  }
}

TEST(Reduce, NoRowsAndNoColumnsAreNoWork) {
  float loss = 5;
  softmax(nullptr, nullptr, 0, 10);
  softmax(nullptr, nullptr, 10, 0);
  cross_entropy(nullptr, nullptr, &loss, 1, 0);
  EXPECT_EQ(loss, 0);
}

}  // namespace
TEST(Reduce, AllFiniteSeesEveryPlace) {
  EXPECT_TRUE(all_finite({}));
  for (const std::size_t size : {1U, 17U, 65535U, 65536U, 65537U, 200000U}) {
    std::vector<real> values(size, std::numeric_limits<real>::max());
    values[size / 3] = -std::numeric_limits<real>::denorm_min();
    EXPECT_TRUE(all_finite(values)) << size;
    for (const std::size_t place : {std::size_t{0}, size / 2, size - 1}) {
      for (const real bad : {std::numeric_limits<real>::infinity(), -std::numeric_limits<real>::infinity(),
                             std::numeric_limits<real>::quiet_NaN()}) {
        const real before = std::exchange(values[place], bad);
        EXPECT_FALSE(all_finite(values)) << bad << " at " << place << " of " << size;
        values[place] = before;
      }
    }
  }
}

}  // namespace hans::reduce_test
