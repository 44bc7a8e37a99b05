// Reading and writing the value of a parameter.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include <hans/core/text.hpp>

namespace hans {

// To use your own type as a parameter, declare these functions beside it (found by argument-dependent lookup):
//
//     // throws UsageError that says what is allowed
//     void read_value(std::string_view word, T& out);
//     // a word, or a SPEC without brackets if nested
//     void append_value(std::string& out, const T& value);
//     // what is allowed, such as "same|valid"
//     std::string value_help(const T&);
//     // optional, a declaration suffices: T is written as [SPEC], in brackets
//     void is_nested_value(const T&);
//
// T needs a default constructor. An enum needs only `constexpr std::array<std::string_view, N> enum_names(E)` (or a
// span) beside it; entry i is the name of value i.

void read_value(std::string_view word, float& out);   ///< 0.3, 8/255 (divided in double, then rounded), inf
void read_value(std::string_view word, double& out);  ///< the same
void read_value(std::string_view word, bool& out);
void read_value(std::string_view word, std::string& out);
void append_value(std::string& out, float value);
void append_value(std::string& out, double value);
void append_value(std::string& out, bool value);
void append_value(std::string& out, const std::string& value);

/// An integer type other than bool.
template <class T>
concept WholeNumber = std::integral<T> && !std::same_as<T, bool>;

/// An enum whose values have names.
template <class T>
concept NamedEnum = std::is_enum_v<T> && requires(T value) {
  enum_names(value);
};

/// The name of a value.
template <NamedEnum T>
constexpr std::string_view enum_name(T value) {
  return enum_names(value)[static_cast<std::size_t>(value)];
}

namespace detail {

std::int64_t read_signed(std::string_view word, std::int64_t low, std::int64_t high);
std::uint64_t read_unsigned(std::string_view word, std::uint64_t high);
std::size_t read_name(std::string_view word, std::span<const std::string_view> names);
/// Throws UsageError: `word` is none of `names`.
[[noreturn]] void refuse_name(std::string_view word, std::span<const std::string_view> names);
std::string_view name_of(std::size_t index, std::span<const std::string_view> names);
std::string joined(std::span<const std::string_view> names);

}  // namespace detail

template <WholeNumber Integer>
void read_value(std::string_view word, Integer& out) {
  using Limits = std::numeric_limits<Integer>;
  if constexpr (std::signed_integral<Integer>) {
    out = static_cast<Integer>(detail::read_signed(word, Limits::min(), Limits::max()));
  } else {
    out = static_cast<Integer>(detail::read_unsigned(word, Limits::max()));
  }
}

template <WholeNumber Integer>
void append_value(std::string& out, Integer value) {
  append(out, value);
}

template <NamedEnum Enum>
void read_value(std::string_view word, Enum& out) {
  const auto names = enum_names(Enum{});
  out = static_cast<Enum>(detail::read_name(word, names));
}

template <NamedEnum Enum>
void append_value(std::string& out, Enum value) {
  const auto names = enum_names(Enum{});
  append(out, detail::name_of(static_cast<std::size_t>(value), names));
}

}  // namespace hans
