// The range of a numeric parameter.
#pragma once

#include <limits>
#include <string>

namespace hans {

/// An interval; each end is open or closed. Infinite ends are open, so "inf" is refused, unless or_infinite() closes
/// them.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_open = true;
  bool high_open = true;

  /// The same range, including its infinite ends.
  constexpr Range or_infinite() const {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    return {low, high, low_open && low != -infinity, high_open && high != infinity};
  }
};

/// Every finite number.
inline constexpr Range any_number{};

constexpr Range at_least(double low) { return {low, any_number.high, false, true}; }
constexpr Range above(double low) { return {low, any_number.high, true, true}; }
constexpr Range at_most(double high) { return {any_number.low, high, true, false}; }
constexpr Range below(double high) { return {any_number.low, high, true, true}; }

/// Both ends included, both excluded, only the lower included, only the upper included.
constexpr Range between(double low, double high) { return {low, high, false, false}; }
constexpr Range between_open(double low, double high) { return {low, high, true, true}; }
constexpr Range between_from(double low, double high) { return {low, high, false, true}; }
constexpr Range between_up_to(double low, double high) { return {low, high, true, false}; }

/// For a parameter with named values: the enum's values up to and including `last`.
template <class Enum>
constexpr Range up_to(Enum last) {
  return {0, static_cast<double>(last), false, false};
}

/// ">= 0", "> 0 and <= 1"; empty for any_number; ends in "or inf" if infinity is included.
void append(std::string& out, const Range& range);

}  // namespace hans
