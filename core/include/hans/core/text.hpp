// Text from values: the same characters for every locale, standard library and compiler.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace hans {

/// Appends `value` to `out`. Numbers become the shortest decimal that reads back as the same value ("0.3", "1e-07",
/// "inf"), whatever the locale. Further overloads are declared with the types they print.
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

/// Concatenates `parts`: text("got ", 3, " of ", shape).
template <class... Parts>
std::string text(const Parts&... parts) {
  std::string out;
  (append(out, parts), ...);
  return out;
}

/// `value` with exactly `digits` decimals ("9.31"), rounded to nearest.
std::string fixed(double value, unsigned digits);

/// `word` in single quotes, safe for a one-line message: control characters and invalid UTF-8 become \xNN per byte, and
/// text beyond 200 bytes is cut. For words from outside.
std::string in_quotes(std::string_view word);

/// Parses all of `word` as a number in the C locale; false if it is none. Accepts "inf" and "-inf", never NaN.
bool read_number(std::string_view word, double& value);
bool read_number(std::string_view word, float& value);
bool read_number(std::string_view word, std::int64_t& value);
bool read_number(std::string_view word, std::uint64_t& value);

}  // namespace hans
