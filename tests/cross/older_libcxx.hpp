// What hans uses of C++20's library and libc++ lacks before LLVM 16, put in front of every source with -include: the
// emscripten that Debian 12 has comes with LLVM 14's. Nothing here is needed with newer ones, so the library has none
// of it.
#pragma once

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iterator>
#include <string>
#include <system_error>

#if defined(_LIBCPP_VERSION) && _LIBCPP_VERSION < 16000
namespace std {

template <class To, class From>
constexpr To bit_cast(const From& from) noexcept {
  return __builtin_bit_cast(To, from);
}

namespace ranges {

template <class Items, class Test, class Projection = identity>
constexpr auto find_if(Items&& items, Test test, Projection projection = {}) {
  auto at = std::begin(items);
  while (at != std::end(items) && !std::invoke(test, std::invoke(projection, *at))) ++at;
  return at;
}
template <class Items, class Test, class Projection = identity>
constexpr auto find_if_not(Items&& items, Test test, Projection projection = {}) {
  return ranges::find_if(items, [&](const auto& item) { return !std::invoke(test, std::invoke(projection, item)); });
}
template <class Items, class Value, class Projection = identity>
constexpr auto find(Items&& items, const Value& value, Projection projection = {}) {
  return ranges::find_if(items, [&](const auto& item) { return std::invoke(projection, item) == value; });
}
template <class Items, class Test>
constexpr bool any_of(Items&& items, Test test) {
  return ranges::find_if(items, test) != std::end(items);
}
template <class Items, class Test>
constexpr bool all_of(Items&& items, Test test) {
  return ranges::find_if_not(items, test) == std::end(items);
}
template <class Items, class Test>
constexpr bool none_of(Items&& items, Test test) {
  return !ranges::any_of(items, test);
}
template <class Items, class Use>
constexpr void for_each(Items&& items, Use use) {
  std::for_each(std::begin(items), std::end(items), use);
}
template <class Items, class Test, class Projection = identity>
constexpr auto count_if(Items&& items, Test test, Projection projection = {}) {
  return std::count_if(std::begin(items), std::end(items),
                       [&](const auto& item) { return std::invoke(test, std::invoke(projection, item)); });
}
template <class Items, class Value, class Projection = identity>
constexpr auto count(Items&& items, const Value& value, Projection projection = {}) {
  return ranges::count_if(
      items, [&](const auto& item) { return item == value; }, projection);
}
template <class Items, class Out>
constexpr auto copy(Items&& items, Out out) {
  struct End {
    Out out;
  };
  return End{std::copy(std::begin(items), std::end(items), out)};
}
template <class Items, class Out, class Test>
constexpr void copy_if(Items&& items, Out out, Test test) {
  std::copy_if(std::begin(items), std::end(items), out, test);
}
template <class Items, class Value>
constexpr void fill(Items&& items, const Value& value) {
  std::fill(std::begin(items), std::end(items), value);
}
template <class Items, class Value>
constexpr void replace(Items&& items, const Value& before, const Value& after) {
  std::replace(std::begin(items), std::end(items), before, after);
}
template <class Items, class Out, class Change>
constexpr void transform(Items&& items, Out out, Change change) {
  std::transform(std::begin(items), std::end(items), out, [&](const auto& item) { return std::invoke(change, item); });
}
template <class Less, class Projection>
constexpr auto projected(Less less, Projection projection) {
  return [=](const auto& a, const auto& b) {
    return std::invoke(less, std::invoke(projection, a), std::invoke(projection, b));
  };
}
template <class Items, class Less = std::less<>, class Projection = identity>
constexpr void sort(Items&& items, Less less = {}, Projection projection = {}) {
  std::sort(std::begin(items), std::end(items), ranges::projected(less, projection));
}
template <class Items, class Less = std::less<>, class Projection = identity>
constexpr void stable_sort(Items&& items, Less less = {}, Projection projection = {}) {
  std::stable_sort(std::begin(items), std::end(items), ranges::projected(less, projection));
}
template <class Items, class Less = std::less<>, class Projection = identity>
constexpr auto max_element(Items&& items, Less less = {}, Projection projection = {}) {
  return std::max_element(std::begin(items), std::end(items), ranges::projected(less, projection));
}
template <class Items, class Less = std::less<>, class Projection = identity>
constexpr auto min_element(Items&& items, Less less = {}, Projection projection = {}) {
  return std::min_element(std::begin(items), std::end(items), ranges::projected(less, projection));
}
template <class Items>
constexpr auto max(Items&& items) {
  return *std::max_element(std::begin(items), std::end(items));
}
template <class Items>
constexpr auto min(Items&& items) {
  return *std::min_element(std::begin(items), std::end(items));
}
template <class Items, class Value>
constexpr auto lower_bound(Items&& items, const Value& value) {
  return std::lower_bound(std::begin(items), std::end(items), value);
}
template <class Items>
constexpr bool is_sorted(Items&& items) {
  return std::is_sorted(std::begin(items), std::end(items));
}
template <class Items, class Same>
constexpr auto adjacent_find(Items&& items, Same same) {
  return std::adjacent_find(std::begin(items), std::end(items), same);
}
template <class Items, class Others, class Same = std::equal_to<>>
constexpr bool equal(Items&& items, Others&& others, Same same = {}) {
  return std::equal(std::begin(items), std::end(items), std::begin(others), std::end(others), same);
}
template <class Items, class Others, class Same = std::equal_to<>>
constexpr auto mismatch(Items&& items, Others&& others, Same same = {}) {
  return std::mismatch(std::begin(items), std::end(items), std::begin(others), std::end(others), same);
}
template <class Items, class Others>
constexpr bool is_permutation(Items&& items, Others&& others) {
  return std::is_permutation(std::begin(items), std::end(items), std::begin(others), std::end(others));
}
template <class Items>
constexpr auto minmax(Items&& items) {
  struct Ends {
    std::decay_t<decltype(*std::begin(items))> min, max;
  };
  const auto found = std::minmax_element(std::begin(items), std::end(items));
  return Ends{*found.first, *found.second};
}

}  // namespace ranges

// Correctly rounded, as the C library's functions there are; no locale is ever set.
template <class Number>
from_chars_result parse_number(const char* first, const char* last, Number& value) {
  const std::string copy(first, last);
  char* end = nullptr;
  const Number found = sizeof(Number) == sizeof(float) ? static_cast<Number>(std::strtof(copy.c_str(), &end))
                                                       : static_cast<Number>(std::strtod(copy.c_str(), &end));
  if (end == copy.c_str()) return {first, errc::invalid_argument};
  value = found;
  return {first + (end - copy.c_str()), errc{}};
}
inline from_chars_result from_chars(const char* first, const char* last, float& value) {
  return parse_number(first, last, value);
}
inline from_chars_result from_chars(const char* first, const char* last, double& value) {
  return parse_number(first, last, value);
}

inline to_chars_result give_chars(char* first, char* last, const std::string& text) {
  if (last - first < static_cast<std::ptrdiff_t>(text.size())) return {last, errc::value_too_large};
  return {std::copy(text.begin(), text.end(), first), errc{}};
}
/// The shortest digits that read back the same, without or with exponent, whichever is shorter.
template <class Number>
to_chars_result shortest_chars(char* first, char* last, Number value) {
  char buffer[64];
  for (int digits = 1; digits <= 17; ++digits) {
    std::snprintf(buffer, sizeof buffer, "%.*e", digits - 1, static_cast<double>(value));
    const double again = sizeof(Number) == sizeof(float) ? std::strtof(buffer, nullptr) : std::strtod(buffer, nullptr);
    if (again != static_cast<double>(value)) continue;
    const std::string scientific = buffer;
    const int exponent = std::atoi(scientific.c_str() + scientific.find('e') + 1);
    std::snprintf(buffer, sizeof buffer, "%.*f", std::max(0, digits - 1 - exponent), static_cast<double>(value));
    const std::string fixed = exponent < 40 && exponent > -40 ? buffer : std::string(99, '0');
    return give_chars(first, last, fixed.size() <= scientific.size() ? fixed : scientific);
  }
  std::snprintf(buffer, sizeof buffer, "%g", static_cast<double>(value));  // inf, nan
  return give_chars(first, last, buffer);
}
inline to_chars_result to_chars(char* first, char* last, float value) { return shortest_chars(first, last, value); }
inline to_chars_result to_chars(char* first, char* last, double value) { return shortest_chars(first, last, value); }
inline to_chars_result to_chars(char* first, char* last, double value, chars_format, int digits) {
  char buffer[512];
  std::snprintf(buffer, sizeof buffer, "%.*f", digits, value);
  return give_chars(first, last, buffer);
}

}  // namespace std
#endif
