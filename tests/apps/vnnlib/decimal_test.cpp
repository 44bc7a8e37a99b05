// Decimals that are compared, enclosed and written without rounding.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include <hans/core/error.hpp>

#include "../../../apps/vnnlib/decimal.hpp"

namespace hans::vnnlib_decimal_test {
namespace {

using apps::vnnlib::enclose;
using apps::vnnlib::Enclosure;
using apps::vnnlib::exact_text;
using apps::vnnlib::read_decimal;

constexpr double tiny = std::numeric_limits<double>::denorm_min();

TEST(VnnlibDecimal, ComparesExactly) {
  // Rising; words on one line are equal.
  const std::vector<std::vector<std::string_view>> rising = {
      {"-1e999999999999999999999"},
      {"-1e999"},
      {"-123.5", "-1.235e2", "-0123.50", "-12350e-2", "-.1235E+3"},
      {"-123.4999999999999999999999999999999"},
      {"-1e-400"},
      {"-1e-999999999999999999999"},
      {"0", "-0", "0.", ".0", "0e5", "-0.000e-99999999999999999999"},
      {"1e-999999999999999999999"},
      {"1e-400", "0.1e-399", "0.000000001e-391"},
      {"0.1", ".1", "1e-1", "100000e-6", "0.10000"},
      {"0.1000000000000000055511151231257827021181583404541015624"},
      {"0.1000000000000000055511151231257827021181583404541015625"},
      {"0.10000000000000001"},
      {"0.30000000000000004"},
      {"9"},
      {"9.5"},
      {"10", "1e1", "1e+1", "10.0", "1.e01"},
      {"12", "12.00"},
      {"12.01"},
      {"120"},
      {"123456789.123456789", "1.23456789123456789e8", "123456789123456789e-9"},
  };
  for (std::size_t i = 0; i < rising.size(); ++i) {
    for (std::size_t j = 0; j < rising.size(); ++j) {
      for (const std::string_view a : rising[i]) {
        for (const std::string_view b : rising[j]) {
          ASSERT_EQ(read_decimal(a).value() <=> read_decimal(b).value(), i <=> j) << a << ' ' << b;
        }
      }
    }
  }
  for (const std::string_view word :
       {"",   "-",     ".",    "-.",   "e5",    ".e5",  "1e",  "1e+", "1e-", "+1", "--1",
        "1-", "1.2.3", "1..2", "1e5.", "1e5e5", "0x10", "inf", "nan", "1,5", " 1", "1 "}) {
    EXPECT_FALSE(read_decimal(word)) << word;
    EXPECT_FALSE(enclose(word)) << word;
  }
}

TEST(VnnlibDecimal, IsEnclosedTightly) {
  struct Row {
    std::string_view word;
    double low, high;
  };
  const Row rows[] = {
      {"0", 0, 0},
      {"0.5", 0.5, 0.5},
      {"-12.5e1", -125, -125},
      {"0.1", std::nextafter(0.1, 0), 0.1},  // the double 0.1 is above
      {"-0.1", -0.1, -std::nextafter(0.1, 0)},
      {"0.3", 0.3, std::nextafter(0.3, 1)},  // the double 0.3 is below
      {"0.1000000000000000055511151231257827021181583404541015625", 0.1, 0.1},
      {"0.30000000000000004", 0.3, 0.30000000000000004},
      {"9007199254740993", 9007199254740992, 9007199254740994},  // 2^53 + 1
      {"123456789.123456789", 123456789.12345678, 123456789.12345679},
      {"1e23", 1e23, std::nextafter(1e23, 1e24)},
      {"1e-400", 0, tiny},
      {"-1e-400", -tiny, 0},
      {"1e-99999999999999999999", 0, tiny},
      {"2e-324", 0, tiny},
      {"4e-324", 0, tiny},
      {"5e-324", tiny, 2 * tiny},
      {"1e308", std::nextafter(1e308, 0), 1e308},
      {"1.7976931348623157e308", std::nextafter(std::numeric_limits<double>::max(), 0),
       std::numeric_limits<double>::max()},
  };
  for (const Row& row : rows) {
    const Enclosure found = enclose(row.word).value();
    const std::string low = exact_text(found.low), high = exact_text(found.high);
    const auto exact = read_decimal(row.word).value();
    EXPECT_TRUE(read_decimal(low).value() <= exact && exact <= read_decimal(high).value()) << row.word;
    EXPECT_TRUE(found.low == found.high || found.high == std::nextafter(found.low, HUGE_VAL)) << row.word;
    EXPECT_EQ(found.low == found.high, read_decimal(low).value() == exact) << row.word;
    EXPECT_EQ(found.low, row.low) << row.word;
    EXPECT_EQ(found.high, row.high) << row.word;
  }
  for (const std::string_view word : {"1e309", "-1e309", "1.7976931348623159e308", "1e999", "1e99999999999999999999"}) {
    EXPECT_FALSE(enclose(word)) << word;
  }
}

TEST(VnnlibDecimal, DoublesAreWrittenExactly) {
  EXPECT_EQ(exact_text(0), "0");
  EXPECT_EQ(exact_text(-0.0), "-0");
  EXPECT_EQ(exact_text(0.1F), "0.100000001490116119384765625");
  EXPECT_EQ(exact_text(-100), "-100");
  EXPECT_EQ(exact_text(1e22), "10000000000000000000000");
  EXPECT_EQ(exact_text(tiny).size(), 1076);
  std::mt19937_64 random(1);
  for (int k = 0; k < 2000; ++k) {
    const auto bits = static_cast<std::uint32_t>(random());
    float value = 0;
    std::memcpy(&value, &bits, sizeof value);
    if (!std::isfinite(value)) continue;
    const std::string text = exact_text(double{value});
    const Enclosure found = enclose(text).value();
    ASSERT_EQ(found.low, value) << text;
    ASSERT_EQ(found.high, value) << text;
  }
}

}  // namespace
}  // namespace hans::vnnlib_decimal_test
