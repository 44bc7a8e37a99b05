// Decimal numbers without rounding: comparison, enclosure in doubles, and doubles as decimals.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hans::apps::vnnlib {

/// The value of a word such as "-12.5e-3". Refers to the word, which must outlive it.
struct Decimal {
  bool negative = false;
  /// From the first to the last nonzero digit of the word, maybe with a point between them; empty for zero.
  std::string_view digits;
  /// The first digit counts tens to this power.
  std::int64_t exponent = 0;
};

/// Exact, in time proportional to the digits.
std::strong_ordering operator<=>(const Decimal& a, const Decimal& b);
inline bool operator==(const Decimal& a, const Decimal& b) { return (a <=> b) == 0; }

/// Nothing if `word` is not of the form -12.5e-3, in which sign, point, exponent and its sign may be missing.
std::optional<Decimal> read_decimal(std::string_view word);

/// The largest double that is not above a number, and the smallest that is not below it: equal if it is a double.
struct Enclosure {
  double low = 0, high = 0;
};

/// The enclosure of the decimal `word`; nothing if its size exceeds the largest double.
std::optional<Enclosure> enclose(std::string_view word);

/// The decimal that equals a finite `value`: "0.100000001490116119384765625" for the float32 nearest to 0.1.
std::string exact_text(double value);

}  // namespace hans::apps::vnnlib
