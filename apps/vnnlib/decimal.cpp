// Decimal numbers without rounding: comparison, enclosure in doubles, and doubles as decimals.
#include "decimal.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <hans/core/text.hpp>

namespace hans::apps::vnnlib {
namespace {

constexpr std::string_view ten_digits = "0123456789";

/// Like "+12"; exponents beyond 10^15 become 10^15, which no number of digits can make up for.
std::optional<std::int64_t> read_exponent(std::string_view word) {
  const bool negative = word.starts_with('-');
  if (negative || word.starts_with('+')) word.remove_prefix(1);
  if (word.empty() || word.find_first_not_of(ten_digits) != std::string_view::npos) return std::nullopt;
  word.remove_prefix(std::min(word.find_first_not_of('0'), word.size()));
  std::int64_t value = 0;
  if (word.size() > 15) {
    value = 1'000'000'000'000'000;
  } else if (!word.empty()) {
    read_number(word, value);
  }
  return negative ? -value : value;
}

/// Compares two runs of digits that begin at the same power of ten and end with a nonzero digit.
std::strong_ordering compare_digits(std::string_view a, std::string_view b) {
  for (std::size_t i = 0, j = 0;; ++i, ++j) {
    if (i < a.size() && a[i] == '.') ++i;
    if (j < b.size() && b[j] == '.') ++j;
    if (i == a.size() || j == b.size()) return (a.size() - i) <=> (b.size() - j);
    if (a[i] != b[j]) return a[i] <=> b[j];
  }
}

}  // namespace

std::strong_ordering operator<=>(const Decimal& a, const Decimal& b) {
  const auto sign = [](const Decimal& x) { return x.digits.empty() ? 0 : x.negative ? -1 : 1; };
  if (sign(a) != sign(b)) return sign(a) <=> sign(b);
  const bool negative = sign(a) < 0;
  const Decimal& lower = negative ? b : a;  // in size, where a is below b
  const Decimal& upper = negative ? a : b;
  if (a.exponent != b.exponent && sign(a) != 0) return lower.exponent <=> upper.exponent;
  return compare_digits(lower.digits, upper.digits);
}

std::optional<Decimal> read_decimal(std::string_view word) {
  Decimal out;
  out.negative = word.starts_with('-');
  if (out.negative) word.remove_prefix(1);
  const std::size_t mark = word.find_first_of("eE");
  const std::optional<std::int64_t> scale =
      mark == std::string_view::npos ? std::int64_t{0} : read_exponent(word.substr(mark + 1));
  const std::string_view mantissa = word.substr(0, mark);
  const std::size_t point = std::min(mantissa.find('.'), mantissa.size());
  const std::string_view fraction = mantissa.substr(std::min(point + 1, mantissa.size()));
  const bool formed = mantissa.find_first_of(ten_digits) != std::string_view::npos &&
                      mantissa.substr(0, point).find_first_not_of(ten_digits) == std::string_view::npos &&
                      fraction.find_first_not_of(ten_digits) == std::string_view::npos;
  if (!scale || !formed) return std::nullopt;
  const std::size_t first = mantissa.find_first_not_of("0.");
  if (first == std::string_view::npos) return out;
  out.digits = mantissa.substr(first, mantissa.find_last_not_of("0.") - first + 1);
  const std::int64_t before = static_cast<std::int64_t>(point) - static_cast<std::int64_t>(first);
  out.exponent = *scale + (before > 0 ? before - 1 : before);
  return out;
}

std::optional<Enclosure> enclose(std::string_view word) {
  const std::optional<Decimal> exact = read_decimal(word);
  double nearest = 0;
  if (!exact || (!read_number(word, nearest) && exact->exponent > 0)) return std::nullopt;
  const std::string text = exact_text(nearest);  // zero where the number is too small to be read
  const std::strong_ordering order = *read_decimal(text) <=> *exact;
  constexpr double endless = std::numeric_limits<double>::infinity();
  const Enclosure out{order > 0 ? std::nextafter(nearest, -endless) : nearest,
                      order < 0 ? std::nextafter(nearest, endless) : nearest};
  if (!std::isfinite(out.low) || !std::isfinite(out.high)) return std::nullopt;
  return out;
}

std::string exact_text(double value) {
  // The last bit of a double counts 2^(ilogb - 52), or 2^-1074 at least.
  const int decimals = value == 0 ? 0 : std::clamp(52 - std::ilogb(value), 0, 1074);
  std::string out = fixed(value, static_cast<unsigned>(decimals));
  if (decimals > 0) {
    out.erase(out.find_last_not_of('0') + 1);
    if (out.back() == '.') out.pop_back();
  }
  return out;
}

}  // namespace hans::apps::vnnlib
