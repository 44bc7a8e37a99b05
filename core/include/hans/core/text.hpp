// Text out of values: the same characters for every locale, standard library and compiler.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace hans {

/// Appends `value` to `out`. Numbers become the shortest decimal that reads back as the same value
/// ("0.3", "1e-07", "inf"); no locale is consulted. More overloads stand beside the types they print.
void append(std::string& out, std::string_view value);
void append(std::string& out, const char* value);
void append(std::string& out, bool value);
void append(std::string& out, char value);
void append(std::string& out, float value);
void append(std::string& out, double value);
void append_integer(std::string& out, std::int64_t value);
void append_integer(std::string& out, std::uint64_t value);

template <std::integral Integer>
void append(std::string& out, Integer value) {
  if constexpr (std::signed_integral<Integer>) {
    append_integer(out, static_cast<std::int64_t>(value));
  } else {
    append_integer(out, static_cast<std::uint64_t>(value));
  }
}

/// All `parts` one after the other: text("got ", 3, " of ", shape).
template <class... Parts>
std::string text(const Parts&... parts) {
  std::string out;
  (append(out, parts), ...);
  return out;
}

/// `value` with exactly `digits` decimals ("9.31"), rounded to nearest, for tables and sentences.
std::string fixed(double value, unsigned digits);

/// `word` in single quotes for a message of one line: control characters and what is not UTF-8 become \xNN a
/// byte, and what is longer than 200 bytes is cut. For words that come from outside.
std::string in_quotes(std::string_view word);

/// The number `word` spells, whole and in the C locale, or false. Accepts "inf" and "-inf", never NaN.
bool read_number(std::string_view word, double& value);
bool read_number(std::string_view word, float& value);
bool read_number(std::string_view word, std::int64_t& value);
bool read_number(std::string_view word, std::uint64_t& value);

}  // namespace hans
