// The elementary functions: special values, accuracy against double, and the same bits from every kernel set.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <hans/core/error.hpp>
#include <hans/core/hash.hpp>
#include <hans/core/kernels.hpp>
#include <hans/core/math.hpp>
#include <limits>
#include <string>
#include <vector>
#include "../../core/kernels/detail/kernel_set.hpp"

namespace hans::math_test {
namespace {

using Array = void (*)(const float* in, float* out, std::size_t count);

struct Function {
  const char* name;
  Array kernels::Set::*array;
  float (*one)(float);
  double (*exact)(double);
  double most_ulp;
  const char* golden;  ///< the hash of its values over grid()
};

double exact_sigmoid(double x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }

// The bounds are the largest errors over all 2^32 floats, rounded up.
const std::vector<Function> functions = {
    {"exp", &kernels::Set::exp, exp, std::exp, 1.02,
     "8d2a6166610c5f3a4b821cdc8ce529340c1e15db23a47e649ca4378173295249"},
    {"log", &kernels::Set::log, log, std::log, 0.95,
     "f4c7a63a02091aa958c673c647483cfe12530fc0d7b9453fb2240c0518e4a916"},
    {"tanh", &kernels::Set::tanh, tanh, std::tanh, 1.34,
     "ab992cbb511e7ea53359c2d363a42b501a326d4cc4db76cf638943da5caac1ec"},
    {"sigmoid", &kernels::Set::sigmoid, sigmoid, exact_sigmoid, 1.48,
     "1125c269774c30f82510d39c76a801d8fbcbbdd349d4d8265627093e7aecf60d"},
    {"erf", &kernels::Set::erf, erf, std::erf, 1.11,
     "ff36ee49a1a02e9c3fd0506510941c89664b10b1f29bce8a02c824be0087cf55"},
    {"sin", &kernels::Set::sin, sin, std::sin, 1.6, "151d46d6765fccc5ad2ba0f6a5ffd808c65de3cd913a0e2a6170310436787eaa"},
    {"cos", &kernels::Set::cos, cos, std::cos, 1.6, "3895ff747936155ad9669bfb7f50fdcc99c83a000b6ab98c5184e887643da3d0"},
};

/// Floats of every sign and exponent, evenly over all bit patterns, without NaN.
std::vector<float> grid(std::uint32_t step) {
  std::vector<float> values;
  for (std::uint64_t bits = 0; bits >> 32 == 0; bits += step) {
    const float value = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    if (!std::isnan(value)) values.push_back(value);
  }
  return values;
}

/// The distance between neighbouring floats where `exact` lies.
double ulp(double exact) {
  const double size = std::min(std::max(std::fabs(exact), 0x1p-126), 0x1.fffffep127);
  return std::ldexp(1.0, std::ilogb(size) - 23);
}

class MathOfEverySet : public testing::TestWithParam<std::string> {
 protected:
  MathOfEverySet() { kernels::select(GetParam()); }
  ~MathOfEverySet() override { kernels::select(before_); }
  static std::vector<float> apply(const Function& function, const std::vector<float>& in) {
    std::vector<float> out(in.size());
    (kernels::current()->*function.array)(in.data(), out.data(), in.size());
    return out;
  }

 private:
  std::string before_{kernels::selected()};
};

INSTANTIATE_TEST_SUITE_P(Kernels, MathOfEverySet, testing::ValuesIn(kernels::available()),
                         [](const auto& test) { return test.param; });

TEST_P(MathOfEverySet, StaysWithinItsErrorBounds) {
  const std::vector<float> in = grid(32749);
  for (const Function& function : functions) {
    const std::vector<float> out = apply(function, in);
    for (std::size_t i = 0; i < in.size(); ++i) {
      const double exact = function.exact(static_cast<double>(in[i]));
      const float nearest = static_cast<float>(exact);
      if (std::isnan(exact) || std::isinf(nearest) || std::isinf(out[i])) {
        EXPECT_TRUE(std::isnan(exact) ? std::isnan(out[i]) : out[i] == nearest)
            << function.name << "(" << in[i] << ") = " << out[i] << ", not " << exact;
      } else {
        EXPECT_LE(std::fabs(static_cast<double>(out[i]) - exact) / ulp(exact), function.most_ulp)
            << function.name << "(" << in[i] << ") = " << out[i];
      }
    }
  }
}

TEST_P(MathOfEverySet, GivesTheGoldenBits) {
  const std::vector<float> in = grid(65521);
  for (const Function& function : functions) {
    std::vector<float> out = apply(function, in);
    for (float& value : out) value = std::isnan(value) ? 0.0F : value;
    EXPECT_EQ(Sha256().add(std::span<const float>(out)).hex(), function.golden) << function.name;
  }
}

TEST_P(MathOfEverySet, IsTheSameAloneInAnArrayAndInPlace) {
  const std::vector<float> some = grid(40'000'003);
  for (const Function& function : functions) {
    for (std::size_t count = 0; count <= some.size(); ++count) {
      std::vector<float> in(some.begin(), some.begin() + static_cast<std::ptrdiff_t>(count));
      const std::vector<float> out = apply(function, in);
      (kernels::current()->*function.array)(in.data(), in.data(), count);
      for (std::size_t i = 0; i < count; ++i) {
        const auto bits = std::bit_cast<std::uint32_t>(out[i]);
        ASSERT_EQ(bits, std::bit_cast<std::uint32_t>(function.one(some[i]))) << function.name << " of " << some[i];
        ASSERT_EQ(bits, std::bit_cast<std::uint32_t>(in[i])) << function.name << " in place of " << some[i];
      }
    }
  }
}

constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

struct Special {
  const char* name;
  float (*function)(float);
  float x, y;
};

const std::vector<Special> specials = {
    {"exp", exp, 0.0F, 1.0F},
    {"exp", exp, -0.0F, 1.0F},
    {"exp", exp, inf, inf},
    {"exp", exp, -inf, 0.0F},
    {"exp", exp, nan, nan},
    {"exp", exp, -nan, nan},
    {"exp", exp, 0x1.62e43p6F, inf},  // the first that overflows
    {"exp", exp, 0x1.62e42ep6F, 0x1.ffff08p127F},
    {"exp", exp, -0x1.9fe368p6F, 0x1p-149F},  // the last that does not vanish
    {"exp", exp, -0x1.9fe36ap6F, 0.0F},
    {"exp", exp, 0x1p-149F, 1.0F},
    {"log", log, 1.0F, 0.0F},
    {"log", log, 0.0F, -inf},
    {"log", log, -0.0F, -inf},
    {"log", log, inf, inf},
    {"log", log, -inf, nan},
    {"log", log, -1.0F, nan},
    {"log", log, -0x1p-149F, nan},
    {"log", log, nan, nan},
    {"log", log, 0x1p-149F, -0x1.9d1dap6F},
    {"tanh", tanh, 0.0F, 0.0F},
    {"tanh", tanh, -0.0F, -0.0F},
    {"tanh", tanh, inf, 1.0F},
    {"tanh", tanh, -inf, -1.0F},
    {"tanh", tanh, nan, nan},
    {"tanh", tanh, -0x1p-149F, -0x1p-149F},
    {"sigmoid", sigmoid, 0.0F, 0.5F},
    {"sigmoid", sigmoid, -0.0F, 0.5F},
    {"sigmoid", sigmoid, inf, 1.0F},
    {"sigmoid", sigmoid, -inf, 0.0F},
    {"sigmoid", sigmoid, nan, nan},
    {"sigmoid", sigmoid, -0x1.9fe368p6F, 0x1p-149F},
    {"erf", erf, 0.0F, 0.0F},
    {"erf", erf, -0.0F, -0.0F},
    {"erf", erf, inf, 1.0F},
    {"erf", erf, -inf, -1.0F},
    {"erf", erf, nan, nan},
    {"erf", erf, 0x1p-149F, 0x1p-149F},
    {"sin", sin, 0.0F, 0.0F},
    {"sin", sin, -0.0F, -0.0F},
    {"sin", sin, inf, nan},
    {"sin", sin, -inf, nan},
    {"sin", sin, nan, nan},
    {"sin", sin, -0x1p-149F, -0x1p-149F},
    {"sin", sin, 0x1.fffffep127F, -0x1.0b3366p-1F},
    {"cos", cos, 0.0F, 1.0F},
    {"cos", cos, -0.0F, 1.0F},
    {"cos", cos, inf, nan},
    {"cos", cos, nan, nan},
    {"cos", cos, 0x1.fffffep127F, 0x1.b4bf2cp-1F},
};

TEST_P(MathOfEverySet, KnowsTheSpecialValues) {
  for (const Special& special : specials) {
    const float y = special.function(special.x);
    const std::uint32_t expected = std::isnan(special.y) ? 0x7fc00000U : std::bit_cast<std::uint32_t>(special.y);
    EXPECT_EQ(std::bit_cast<std::uint32_t>(y), expected)
        << special.name << "(" << special.x << ") = " << y << ", not " << special.y;
  }
}

TEST_P(MathOfEverySet, MultipliesAndAddsWithOneRounding) {
  EXPECT_EQ(fma(0.9474001F, 4.639901e-7F, -0.24325085F), -0x1.f22d46p-3F);  // some C libraries are wrong here
  EXPECT_EQ(fma(0x1.000002p0F, 0x1.fffffcp-1F, -1.0F), -0x1p-46F);
  EXPECT_EQ(fma(0x1.fffffep127F, 2.0F, -0x1.fffffep127F), 0x1.fffffep127F);
  EXPECT_EQ(fma(0x1p-149F, 0.5F, 0x1p-149F), 0x1p-148F);  // a tie between denormals, to even
  EXPECT_EQ(fma(0x1p-149F, 0.5F, 0x1p-148F), 0x1p-148F);
  EXPECT_EQ(fma(0x1p-100F, 0x1p-100F, 0x1.000002p0F), 0x1.000002p0F);
  EXPECT_EQ(fma(0x1.00004p0F, 0x1.ffff8p-25F, 0x1.000002p0F), 0x1.000002p0F);  // by way of double it would be a tie
  EXPECT_FALSE(std::signbit(fma(1.0F, 1.0F, -1.0F)));
  EXPECT_TRUE(std::signbit(fma(-0.0F, 1.0F, -0.0F)));
  EXPECT_EQ(fma(inf, 1.0F, 1.0F), inf);
  EXPECT_TRUE(std::isnan(fma(inf, 1.0F, -inf)));
}

TEST(Math, ArraysOfDifferentSizeAreRefused) {
  std::vector<float> in(3), out(2);
  EXPECT_THROW(exp(in, out), Error);
}

}  // namespace
}  // namespace hans::math_test
