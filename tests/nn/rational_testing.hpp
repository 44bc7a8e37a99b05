// Exact rational numbers, for the tests.
#pragma once

#include <bit>
#include <cmath>
#include <compare>
#include <cstdint>
#include <numeric>
#include <ostream>
#include <utility>

#include <hans/core/error.hpp>

namespace exact_testing {

__extension__ typedef __int128 Int;
__extension__ typedef unsigned __int128 Unsigned;

/// The number of bits of |value|.
inline int bits(Int value) {
  const Unsigned size = value < 0 ? -static_cast<Unsigned>(value) : static_cast<Unsigned>(value);
  const auto high = static_cast<std::uint64_t>(size >> 64), low = static_cast<std::uint64_t>(size);
  return high != 0 ? 128 - std::countl_zero(high) : 64 - std::countl_zero(low);
}

/// Product and sum of whole numbers. Throw Error if the result may need more than 126 bits.
inline Int product(Int a, Int b) {
  hans::check(bits(a) + bits(b) <= 126, "a product of ", bits(a), " and ", bits(b), " bits: give smaller weights");
  return a * b;
}
inline Int sum(Int a, Int b) {
  hans::check(bits(a) < 126 && bits(b) < 126, "a sum of ", bits(a), " and ", bits(b), " bits: give smaller weights");
  return a + b;
}

/// The greatest common divisor, at least 0.
inline Int gcd(Int a, Int b) {
  if (a < 0) a = -a;
  if (b < 0) b = -b;
  while (b != 0) {
    if (bits(a) <= 64 && bits(b) <= 64) return std::gcd(static_cast<std::uint64_t>(a), static_cast<std::uint64_t>(b));
    a = std::exchange(b, a % b);
  }
  return a;
}

/// A fraction in lowest terms, denominator above 0. Arithmetic throws Error where product() or sum() does.
class Rational {
 public:
  Rational(Int numerator = 0, Int denominator = 1) : numerator_(numerator), denominator_(denominator) {
    hans::check(denominator != 0, "a denominator is 0");
    const Int common = denominator < 0 ? -gcd(numerator, denominator) : gcd(numerator, denominator);
    numerator_ /= common;
    denominator_ /= common;
  }

  /// The exact value of a finite number.
  static Rational of(double value) {
    hans::check(std::isfinite(value), "not a finite number: ", value);
    int exponent = 0;
    const double fraction = std::frexp(value, &exponent);  // value = fraction * 2^exponent
    auto whole = static_cast<Int>(std::ldexp(fraction, 53));
    exponent -= 53;
    for (; whole != 0 && whole % 2 == 0; whole /= 2) ++exponent;
    if (whole == 0) return {};
    hans::check(std::abs(exponent) < 126, "more than 126 bits: ", value);
    return exponent < 0 ? Rational(whole, Int{1} << -exponent) : Rational(product(whole, Int{1} << exponent));
  }

  Int numerator() const { return numerator_; }
  Int denominator() const { return denominator_; }
  double nearby() const { return static_cast<double>(numerator_) / static_cast<double>(denominator_); }

  friend Rational operator-(const Rational& a) { return {-a.numerator_, a.denominator_}; }
  friend Rational operator+(const Rational& a, const Rational& b) {
    const Int common = gcd(a.denominator_, b.denominator_), scale = b.denominator_ / common;
    return {sum(product(a.numerator_, scale), product(b.numerator_, a.denominator_ / common)),
            product(a.denominator_, scale)};
  }
  friend Rational operator-(const Rational& a, const Rational& b) { return a + -b; }
  friend Rational operator*(const Rational& a, const Rational& b) {
    const Rational left(a.numerator_, b.denominator_), right(b.numerator_, a.denominator_);
    return {product(left.numerator_, right.numerator_), product(left.denominator_, right.denominator_)};
  }
  friend Rational operator/(const Rational& a, const Rational& b) { return a * Rational(b.denominator_, b.numerator_); }
  friend bool operator==(const Rational& a, const Rational& b) = default;
  friend std::strong_ordering operator<=>(const Rational& a, const Rational& b) { return (a - b).numerator_ <=> 0; }

  /// Exact for every double, also those that of() refuses; NaN is unordered.
  friend std::partial_ordering operator<=>(const Rational& a, double b) {
    if (std::isnan(b)) return std::partial_ordering::unordered;
    const int sign = a.numerator_ < 0 ? -1 : 1;
    if ((sign < 0) != (b < 0)) return sign <=> 0;  // b may be 0, and then a is not below
    const auto order = sign < 0 ? a.size_against(-b) : a.size_against(b);
    return sign < 0 ? 0 <=> order : order;
  }
  friend bool operator==(const Rational& a, double b) { return (a <=> b) == 0; }

  friend std::ostream& operator<<(std::ostream& out, const Rational& a) {
    return out << a.nearby() << " (" << decimal(a.numerator_) << '/' << decimal(a.denominator_) << ')';
  }

 private:
  static std::string decimal(Int value) {
    std::string digits;
    for (Int rest = value < 0 ? -value : value; rest != 0 || digits.empty(); rest /= 10) {
      digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
    }
    return value < 0 ? "-" + digits : digits;
  }

  /// Compares |*this| with a number that is not negative, binary digit by digit.
  std::partial_ordering size_against(double value) const {
    if (value >= std::ldexp(1.0, 126)) return std::partial_ordering::less;
    auto rest = static_cast<Unsigned>(numerator_ < 0 ? -numerator_ : numerator_);
    const auto divisor = static_cast<Unsigned>(denominator_);
    const auto whole = static_cast<Unsigned>(value);
    if (rest / divisor != whole) return rest / divisor <=> whole;
    rest %= divisor;
    for (value -= static_cast<double>(whole); value > 0; value -= std::floor(value)) {
      value *= 2;
      rest *= 2;
      if ((rest >= divisor) != (value >= 1))
        return value >= 1 ? std::partial_ordering::less : std::partial_ordering::greater;
      rest %= divisor;
    }
    return rest <=> Unsigned{0};
  }

  Int numerator_, denominator_;
};

}  // namespace exact_testing
