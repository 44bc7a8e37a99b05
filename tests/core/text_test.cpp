// Numbers and words as text.
#include <hans/core/text.hpp>
#include "../../core/text/detail/utf8.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <locale>
#include <random>

#include <hans/core/error.hpp>
#include <hans/core/required.hpp>
#include <hans/core/shape.hpp>

namespace hans::text_test {
namespace {

using hans::fixed;
using hans::in_quotes;
using hans::read_number;
using hans::text;

TEST(Text, WritesTheShortestDecimalThatReadsBack) {
  EXPECT_EQ(text(0.3f), "0.3");
  EXPECT_EQ(text(0.3), "0.3");
  EXPECT_EQ(text(static_cast<double>(0.3f)), "0.30000001192092896");
  EXPECT_EQ(text(1e-7f), "1e-07");
  EXPECT_EQ(text(16777216.0f), "16777216");
  EXPECT_EQ(text(1e22), "1e+22");
  EXPECT_EQ(text(0.0f, ' ', -0.0f, ' ', 1.0), "0 -0 1");
  EXPECT_EQ(text(std::numeric_limits<float>::denorm_min()), "1e-45");
}

TEST(Text, WritesWhatIsNoFiniteNumber) {
  const double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(text(infinity, ' ', -infinity, ' ', nan, ' ', std::copysign(nan, -1.0)), "inf -inf nan nan");
  EXPECT_EQ(fixed(nan, 2), "nan");
  EXPECT_EQ(fixed(-infinity, 2), "-inf");
}

TEST(Text, JoinsPartsOfEveryKind) {
  const signed char small = -5;
  const unsigned char byte = 200;
  EXPECT_EQ(text("got ", 3, " of ", hans::Shape{28, 28, 1}, ": ", true, ' ', std::string("s"), std::string_view("v")),
            "got 3 of 28x28x1: true sv");
  EXPECT_EQ(text(small, ' ', byte, ' ', std::size_t{7}), "-5 200 7");
  EXPECT_EQ(text(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(text(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
  EXPECT_EQ(text(hans::Required<float>(0.25), ' ', hans::Required<int>(4), ' ', hans::Required<std::string>("w")),
            "0.25 4 w");
  EXPECT_EQ(text(), "");
}

TEST(Text, RoundsFixedDecimalsToNearest) {
  EXPECT_EQ(fixed(9.306, 2), "9.31");
  EXPECT_EQ(fixed(99.999, 1), "100.0");
  EXPECT_EQ(fixed(0.125, 2), "0.12");  // a tie goes to the even digit
  EXPECT_EQ(fixed(2.675, 2), "2.67");  // the double lies below 2.675
  EXPECT_EQ(fixed(-0.004, 2), "-0.00");
  EXPECT_EQ(fixed(12.0, 0), "12");
  EXPECT_EQ(fixed(1.7976931348623157e308, 400).size(), 309U + 1U + 400U);
}

TEST(Text, ReadsBackEveryFloat) {
  std::mt19937 bits(1);
  for (int k = 0; k < 20000; ++k) {
    const float value = std::bit_cast<float>(static_cast<std::uint32_t>(bits()));
    if (std::isnan(value)) continue;
    float back = 0;
    ASSERT_TRUE(read_number(text(value), back)) << text(value);
    ASSERT_EQ(std::bit_cast<std::uint32_t>(back), std::bit_cast<std::uint32_t>(value)) << text(value);
  }
}

TEST(Text, ReadsOnlyWholeNumbersOfTheCLocale) {
  struct Case {
    const char* word;
    bool real, integer, natural;
  };
  const Case cases[] = {
      {"0", true, true, true},
      {"-1", true, true, false},
      {"007", true, true, true},
      {"1.5", true, false, false},
      {".5", true, false, false},
      {"1e3", true, false, false},
      {"-1E-3", true, false, false},
      {"inf", true, false, false},
      {"-inf", true, false, false},
      {"", false, false, false},
      {"-", false, false, false},
      {"+1", false, false, false},
      {" 1", false, false, false},
      {"1 ", false, false, false},
      {"1,5", false, false, false},
      {"0x10", false, false, false},
      {"nan", false, false, false},
      {"-nan(7)", false, false, false},
      {"INF", false, false, false},
      {"infinity", false, false, false},
      {"1e", false, false, false},
      {"1e999", false, false, false},
      {"1..2", false, false, false},
      {"9223372036854775808", true, false, true},
      {"18446744073709551616", true, false, false},
  };
  for (const Case& c : cases) {
    double real = 7;
    float single = 7;
    std::int64_t integer = 7;
    std::uint64_t natural = 7;
    EXPECT_EQ(read_number(c.word, real), c.real) << c.word;
    EXPECT_EQ(read_number(c.word, single), c.real) << c.word;
    EXPECT_EQ(read_number(c.word, integer), c.integer) << c.word;
    EXPECT_EQ(read_number(c.word, natural), c.natural) << c.word;
    if (!c.real) {
      EXPECT_EQ(real, 7) << c.word;
    }
    if (!c.integer) {
      EXPECT_EQ(integer, 7) << c.word;
    }
  }
}

TEST(Text, ReadsAFloatWithOneRounding) {
  // Halfway between two floats but for the last digit: rounding to double first would lose that digit.
  float value = 0;
  ASSERT_TRUE(read_number("1.00000005960464477539062500000001", value));
  EXPECT_EQ(value, std::nextafter(1.0f, 2.0f));
}

TEST(Text, KnowsNoLocale) {
  struct Comma : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
    std::string do_grouping() const override { return "\3"; }
  };
  const std::locale before = std::locale::global(std::locale(std::locale::classic(), new Comma));
  double value = 0;
  EXPECT_EQ(text(1234.5, ' ', 1234567), "1234.5 1234567");
  EXPECT_EQ(fixed(1234.5, 1), "1234.5");
  EXPECT_TRUE(read_number("1234.5", value));
  EXPECT_FALSE(read_number("1,5", value));
  std::locale::global(before);
}

TEST(Text, QuotesForeignWordsOnOneLine) {
  EXPECT_EQ(in_quotes("fgsm"), "'fgsm'");
  EXPECT_EQ(in_quotes("na\xc3\xafve"), "'na\xc3\xafve'");
  EXPECT_EQ(in_quotes(std::string_view("a\nb\0\x1b\x7f", 6)), "'a\\x0ab\\x00\\x1b\\x7f'");
  EXPECT_EQ(in_quotes("\xff \xc3 \xc2\x85"), "'\\xff \\xc3 \\xc2\\x85'");
  EXPECT_EQ(in_quotes(std::string(200, 'x')), "'" + std::string(200, 'x') + "'");
  EXPECT_EQ(in_quotes(std::string(201, 'x')), "'" + std::string(200, 'x') + "...'");
}

TEST(Text, ShowsWhatWouldActOnATerminalOrAPage) {
  struct Row {
    std::string_view given, bytes, json;
  };
  const std::string zero("\0", 1);
  const std::vector<Row> rows{
      {"", "", ""},
      {"plain \\ na\xc3\xafve \xf0\x9f\x98\x80", "plain \\ na\xc3\xafve \xf0\x9f\x98\x80",
       "plain \\ na\xc3\xafve \xf0\x9f\x98\x80"},
      {zero, "\\x00", "\\u0000"},
      {"\x1b[31m", "\\x1b[31m", "\\u001b[31m"},
      {"\x1b]0;t\x07", "\\x1b]0;t\\x07", "\\u001b]0;t\\u0007"},
      {"a\r\tb\x7f", "a\\x0d\\x09b\\x7f", "a\\u000d\\u0009b\\u007f"},
      {"\xc2\x9b", "\\xc2\\x9b", "\\u009b"},  // CSI in one character
      {"\xc2\xa0", "\xc2\xa0", "\xc2\xa0"},   // the first that is none
      {"\xd8\x9c", "\\xd8\\x9c", "\\u061c"},  // an Arabic letter mark
      {"\xe2\x80\xae"
       "cod",
       "\\xe2\\x80\\xaecod", "\\u202ecod"},                            // right to left
      {"\xe2\x80\xa8", "\\xe2\\x80\\xa8", "\\u2028"},                  // a line separator
      {"\xe2\x81\xa6", "\\xe2\\x81\\xa6", "\\u2066"},                  // an isolate
      {"\xef\xbf\xbe", "\\xef\\xbf\\xbe", "\\ufffe"},                  // in no XML
      {"\xf0\x9f\xbf\xbf", "\\xf0\\x9f\\xbf\\xbf", "\\ud83f\\udfff"},  // nor this
      {"\xef\xbf\xbd", "\xef\xbf\xbd", "\xef\xbf\xbd"},
      {"\xff\xc3(", "\\xff\\xc3(", "\\ufffd\\ufffd("},
      {"\xed\xa0\x80", "\\xed\\xa0\\x80", "\\ufffd\\ufffd\\ufffd"},  // a surrogate
  };
  for (const Row& row : rows) {
    EXPECT_EQ(hans::visible(row.given), row.bytes);
    EXPECT_EQ(hans::visible(row.given, {}, hans::Escape::json), row.json);
    EXPECT_EQ(hans::visible(row.bytes), row.bytes) << "twice is once";
  }
  EXPECT_EQ(hans::visible("a\nb\tc", "\n"), "a\nb\\x09c");
  EXPECT_TRUE(hans::is_utf8("na\xc3\xafve\x1b"));
  EXPECT_FALSE(hans::is_utf8("na\xefve"));
}

TEST(Error, JoinsItsPartsAndKnowsAWrongRequest) {
  EXPECT_NO_THROW(hans::check(true, "never"));
  try {
    hans::check(false, "got ", 3, " of ", 4);
    FAIL() << "check let a failure pass";
  } catch (const hans::UsageError&) {
    FAIL() << "check throws a plain Error";
  } catch (const hans::Error& error) {
    EXPECT_STREQ(error.what(), "got 3 of 4");
  }
  EXPECT_THROW(hans::check_usage(false, "no"), hans::UsageError);
}

}  // namespace
}  // namespace hans::text_test
