// Which numbers a parameter takes.
#pragma once

#include <limits>
#include <string>

namespace hans {

/// An interval, each end open or closed. Infinite ends are open, so that "inf" is refused, unless or_infinite
/// closes them.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_open = true;
  bool high_open = true;

  /// The same range with its infinite ends in it.
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

/// Both ends belong to it, neither does, or only the one that the name speaks of.
constexpr Range between(double low, double high) { return {low, high, false, false}; }
constexpr Range between_open(double low, double high) { return {low, high, true, true}; }
constexpr Range between_from(double low, double high) { return {low, high, false, true}; }
constexpr Range between_up_to(double low, double high) { return {low, high, true, false}; }

/// Of a parameter with named values: those up to `last`, in the order of their enum.
template <class Enum>
constexpr Range up_to(Enum last) {
  return {0, static_cast<double>(last), false, false};
}

/// ">= 0", "> 0 and <= 1"; nothing for any_number; "or inf" behind it where infinity belongs to it.
void append(std::string& out, const Range& range);

}  // namespace hans
