// Products whose rounding is hard to get right without a fused multiply-add, against std::fma, for every kernel set.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <hans/core/kernels.hpp>
#include <limits>
#include <string>
#include <tuple>
#include <utility>
#include <vector>
#include "../../core/kernels/detail/kernel_set.hpp"

#include "conv_testing.hpp"

namespace hans::kernels::exact_test {
namespace {

/// a * b + c is hard to round.
enum class Kind {
  ordinary,
  any_bits,
  few_bits,         ///< halfway sums
  cancelling,       ///< c is nearly -(a * b)
  cancelling_low,   ///< the same, and what is left may be no float
  subnormal,        ///< sums around 2^-126
  twice_rounded,    ///< next to halfway, but halfway in double
  overflowing,      ///< sums around the largest float
  half_a_unit_less  ///< subnormal, halfway but for 2^-46 of it
};
constexpr Kind all_kinds[] = {Kind::ordinary,      Kind::any_bits,       Kind::few_bits,
                              Kind::cancelling,    Kind::cancelling_low, Kind::subnormal,
                              Kind::twice_rounded, Kind::overflowing,    Kind::half_a_unit_less};

class Hard {
 public:
  Hard(Kind kind, std::uint64_t seed) : kind_(kind), numbers_(seed) {}

  float a() {
    switch (kind_) {
      case Kind::any_bits:
        return bits();
      case Kind::few_bits:
        return std::ldexp(static_cast<float>(numbers_.below(64)), -4);
      case Kind::cancelling_low:
        return std::ldexp(unit(), -44 - static_cast<int>(numbers_.below(16)));
      case Kind::subnormal:
        return std::ldexp(unit(), -64);
      case Kind::twice_rounded:
        return (numbers_.below(2) == 0 ? above : 1 + units(1 + numbers_.below(8))) * 0x1p-12F;
      case Kind::overflowing:
        return std::ldexp(unit(), 63);
      case Kind::half_a_unit_less:
        return std::ldexp(1 - 0x1p-23F, -75);
      default:
        return numbers_.below(4) == 0 ? std::ldexp(1.0F, static_cast<int>(numbers_.below(9)) - 4) : unit();
    }
  }
  /// b and c for this a.
  std::pair<float, float> rest(float a) {
    switch (kind_) {
      case Kind::any_bits:
        return {bits(), bits()};
      case Kind::few_bits: {
        const float b = std::ldexp(static_cast<float>(numbers_.below(64)) + 1, -22);
        return {b, static_cast<float>(numbers_.below(1 << 20)) + std::ldexp(static_cast<float>(numbers_.below(4)), 23)};
      }
      case Kind::cancelling:
      case Kind::cancelling_low: {
        const float b = kind_ == Kind::cancelling ? unit() : std::ldexp(unit(), -53);
        return {b, -(a * b) + std::ldexp(a * b, static_cast<int>(numbers_.below(8)) - 30)};
      }
      case Kind::subnormal:
        return {std::ldexp(unit(), -62), std::ldexp(unit(), -126)};
      case Kind::twice_rounded: {  // a * b is half a unit of c, times 1 + 2^-36 or 1 - some 2^-46
        const float b = a == above * 0x1p-12F ? 1 - units(4095) / 2 : 2 - a * 0x1p12F;
        return {b * 0x1p-12F, 1 + units(numbers_.below(1 << 20))};
      }
      case Kind::overflowing:
        return {std::ldexp(unit(), 64), sign() * std::numeric_limits<float>::max() * unit()};
      case Kind::half_a_unit_less:
        return {std::ldexp(1 + 0x1p-23F, -75), std::ldexp(static_cast<float>(numbers_.below(100)), -149)};
      default:
        return {unit(), unit() * 16};
    }
  }

 private:
  static constexpr float above = 1 + 0x1p-12F;
  /// Of the last place of 1.
  static float units(std::size_t count) { return static_cast<float>(count) * 0x1p-23F; }
  float sign() { return numbers_.below(2) == 0 ? 1.0F : -1.0F; }
  /// Of magnitude 1 to 2, all bits.
  float unit() { return sign() * (1 + units(numbers_.below(1 << 23))); }
  float bits() {
    std::uint32_t word = numbers_.word();
    if ((word & 0x7f800000U) == 0x7f800000U) word &= ~0x40000000U;  // finite
    float any;
    std::memcpy(&any, &word, sizeof any);
    return any;
  }

  Kind kind_;
  Numbers numbers_;
};

std::string name_of(Kind kind) { return "kind " + std::to_string(static_cast<int>(kind)); }

TEST(ExactProducts, FusedOfHardOperandsRoundsOnce) {
  const Setting setting;
  for (const std::string& set : available()) {
    select(set);
    const auto fused = current()->fused;
    for (const Kind kind : all_kinds) {
      Hard hard(kind, 1);
      for (int i = 0; i < 120000; ++i) {
        const float a = hard.a();
        const auto [b, c] = hard.rest(a);
        const float expected = std::fma(a, b, c);
        ASSERT_TRUE(same(expected, fused(a, b, c)))
            << set << ", " << name_of(kind) << ": fma(" << a << ", " << b << ", " << c << ") should be " << expected;
      }
    }
  }
}

/// Every output is a chain of two products that are not 0: 1 * c, then a * b.
void expect_hard_products(bool side_by_side) {
  if (!reproducible()) GTEST_SKIP() << reservation();
  const Setting setting;
  Conv c;
  c.samples = 40;
  c.filters = 37;
  const std::size_t stride = side_by_side ? 2 : 1, apart = side_by_side ? 1 : 200;
  c.channels = stride * c.samples + apart;
  for (const Kind kind : all_kinds) {
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      Hard hard(kind, seed);
      Operands o;
      o.images.resize(image_size(c));
      o.weights.resize(weight_size(c));
      for (std::size_t row = 0; row < c.samples; ++row) {
        const float a = hard.a();
        const std::size_t first = row * stride, second = first + apart;
        o.images[row * c.channels + first] = 1;
        o.images[row * c.channels + second] = a;
        for (std::size_t column = 0; column < c.filters; ++column) {
          std::tie(o.weights[second * c.filters + column], o.weights[first * c.filters + column]) = hard.rest(a);
        }
      }
      const Values expected = forward(c, o.images, o.weights, nullptr, Activation::none);
      for (const std::string& set : available()) {
        select(set);
        Values packed(forward_pack_size(c)), out(output_size(c));
        pack_forward(c, o.weights.data(), packed.data());
        conv_forward(c, o.images.data(), packed.data(), nullptr, Activation::none, out.data());
        expect_same(expected, out, set + ", " + name_of(kind));
      }
    }
  }
}

TEST(ExactProducts, HardProductsRoundOnce) { expect_hard_products(true); }
TEST(ExactProducts, HardProductsRoundOnceFarFromTheStart) { expect_hard_products(false); }

/// Chains of many products.
void expect_chains(const std::string& what, float (*image)(Numbers&), float (*weight)(Numbers&),
                   float (*gradient)(Numbers&)) {
  if (!reproducible()) GTEST_SKIP() << reservation();
  const Setting setting;
  const Dimension side{6, 3, 1, 1, 1};
  Conv deep;
  deep.samples = 9;
  deep.channels = 400;
  deep.filters = 37;
  for (const Conv& c : {deep, conv(3, 8, 17, side, side)}) {
    Numbers numbers(3);
    const auto fill = [&](std::size_t size, float (*value)(Numbers&)) {
      Values made(size);
      for (real& x : made) x = value(numbers);
      return made;
    };
    const Operands o{fill(image_size(c), image), fill(weight_size(c), weight), fill(output_size(c), gradient),
                     fill(c.filters, weight)};
    const Results expected = naive(c, o);
    for (const std::string& set : available()) {
      select(set);
      expect_kernels_equal(c, o, expected, what + ", " + set);
    }
  }
}

float any(Numbers& numbers) { return static_cast<float>(numbers.below(1 << 24)) * 0x1p-23F - 1; }
float low(Numbers& numbers) { return any(numbers) * 0x1p-30F; }
float lowest(Numbers& numbers) { return any(numbers) * 0x1p-70F; }
float high(Numbers& numbers) { return any(numbers) * 0x1p63F; }
float digit(Numbers& numbers) {
  const std::size_t kind = numbers.below(100);
  return kind < 80 ? 0 : kind < 86 ? 1 : static_cast<float>(numbers.below(256)) / 255;
}
float power(Numbers& numbers) {
  const float sign = numbers.below(2) == 0 ? 1.0F : -1.0F;
  return numbers.below(3) == 0 ? sign * 0 : sign * std::ldexp(1.0F, static_cast<int>(numbers.below(20)) - 10);
}
float small_integer(Numbers& numbers) { return static_cast<float>(numbers.below(1 << 13)) - (1 << 11); }
float not_always_finite(Numbers& numbers) {
  const std::size_t kind = numbers.below(20000);
  return kind == 0   ? std::numeric_limits<float>::infinity()
         : kind == 1 ? std::numeric_limits<float>::quiet_NaN()
                     : any(numbers);
}

TEST(ExactProducts, ChainsOfDigits) { expect_chains("digits", digit, any, any); }
TEST(ExactProducts, ChainsOfPowersOfTwo) { expect_chains("powers", power, any, power); }
TEST(ExactProducts, ChainsWithManyHalfwaySums) {
  expect_chains("small integers", small_integer, small_integer, small_integer);
}
TEST(ExactProducts, ChainsOfSmallProducts) {
  expect_chains("low", low, low, low);
  expect_chains("lowest", lowest, lowest, lowest);
  expect_chains("low digits", digit, lowest, lowest);
}
TEST(ExactProducts, ChainsThatOverflow) { expect_chains("high", high, high, high); }
TEST(ExactProducts, ZerosDoNotHideInfinitiesAndNans) {
  expect_chains("digits and infinities", digit, not_always_finite, not_always_finite);
  expect_chains("infinities and digits", not_always_finite, digit, digit);
}

/// The forward pass of a linear layer.
void expect_linear(const Conv& c, const Values& images, const Values& weights, const std::string& what) {
  if (!reproducible()) GTEST_SKIP() << reservation();
  const Setting setting;
  const Values expected = forward(c, images, weights, nullptr, Activation::none);
  for (const std::string& set : available()) {
    select(set);
    Values packed(forward_pack_size(c)), out(output_size(c));
    pack_forward(c, weights.data(), packed.data());
    conv_forward(c, images.data(), packed.data(), nullptr, Activation::none, out.data());
    expect_same(expected, out, what + ", " + set);
  }
}

Conv linear(std::size_t samples, std::size_t inputs, std::size_t outputs) {
  Conv c;
  c.samples = samples;
  c.channels = inputs;
  c.filters = outputs;
  return c;
}

TEST(ExactProducts, NegativeZeroMeetsZeros) {
  const Conv c = linear(4, 500, 20);  // several blocks; sums are -0 after the first product, and all others are 0
  Values images(image_size(c)), weights(weight_size(c), -1);
  for (std::size_t row = 0; row < c.samples; ++row) images[row * c.channels] = 0x1p-80F;
  for (std::size_t column = 0; column < c.filters; ++column) weights[column] = -0x1p-80F;
  weights[400 * c.filters + 3] = 1;  // 0 * 1 makes +0 of -0
  weights[3 * c.filters + 5] = 1;
  expect_linear(c, images, weights, "-0");
}

TEST(ExactProducts, NeighboursCancel) {
  for (const int scale : {0, -51, -54, -56}) {
    const Conv c = linear(6, 300, 20);
    Numbers numbers(4);
    Values images(image_size(c)), weights(weight_size(c));
    for (std::size_t row = 0; row < c.samples; ++row) {
      for (std::size_t k = 0; k < c.channels; k += 2) {
        real* const pair = &images[row * c.channels + k];
        pair[0] = std::ldexp(1.5F + any(numbers) / 4, scale);
        pair[1] = -pair[0] * (1 + any(numbers) * 0x1p-20F);
      }
    }
    for (std::size_t k = 0; k < c.channels; k += 2) {
      for (std::size_t column = 0; column < c.filters; ++column) {
        weights[k * c.filters + column] = weights[(k + 1) * c.filters + column] =
            std::ldexp(1.5F + any(numbers) / 4, scale);
      }
    }
    expect_linear(c, images, weights, "2^" + std::to_string(scale));
  }
}

TEST(ExactProducts, OverflownSumsStayInfinite) {
  expect_linear(linear(1, 3, 1), {0x1.8p63F, 0x1.8p63F, 0x1.8p63F}, {0x1p63F, 0x1p63F, -0x1p63F}, "just below");
  expect_linear(linear(1, 3, 1), {0x1.8p63F, 0x1.8p63F, 0x1.8p63F}, {0x1p64F, 0x1p64F, -0x1p64F}, "at once");
  Values images(400), weights(400);
  for (const std::size_t k : {0u, 200u, 201u, 399u}) {  // in several blocks
    images[k] = 0x1.8p61F;
    weights[k] = k < 399 ? 0x1.8p65F : -0x1.8p65F;
    expect_linear(linear(1, 400, 1), images, weights, "step " + std::to_string(k));
  }
  images = weights = Values(400);
  images[0] = std::numeric_limits<float>::max() * 0x1p-64F;
  weights[0] = 0x1p64F;
  for (std::size_t k = 300; k < 310; ++k) {  // the largest float, plus a unit of it, is too large
    images[k] = 0x1p52F;
    weights[k] = k < 301 ? 0x1p52F : -0x1p53F;
  }
  expect_linear(linear(1, 400, 1), images, weights, "from the largest float");
}

}  // namespace
}  // namespace hans::kernels::exact_test
