// Conversion between numbers and text by to_chars and from_chars, which ignore the locale.
#include <hans/core/text.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <system_error>

#include "detail/utf8.hpp"

namespace hans {
namespace {

template <class Number, class... Format>
void append_chars(std::string& out, Number value, Format... format) {
  std::array<char, 64> small;  // enough for the shortest form of any number
  const auto [end, error] = std::to_chars(small.data(), small.data() + small.size(), value, format...);
  if (error == std::errc{}) {
    out.append(small.data(), end);
    return;
  }
  const std::size_t start = out.size();
  for (std::size_t room = 2 * small.size();; room *= 2) {
    out.resize(start + room);
    const auto written = std::to_chars(out.data() + start, out.data() + out.size(), value, format...);
    if (written.ec == std::errc{}) return out.resize(static_cast<std::size_t>(written.ptr - out.data()));
  }
}

// Spellings of NaN by to_chars ("nan", "-nan", "nan(ind)") depend on the library; one spelling keeps the bytes equal.
template <class Number>
void append_float(std::string& out, Number value) {
  if (value != value) {
    out += "nan";
  } else {
    append_chars(out, value);
  }
}

template <class Integer>
bool read_integer(std::string_view word, Integer& value) {
  Integer found{};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), found);
  if (error != std::errc{} || end != word.data() + word.size()) return false;
  value = found;
  return true;
}

template <class Number>
bool read_decimal(std::string_view word, Number& value) {
  constexpr Number endless = std::numeric_limits<Number>::infinity();
  if (word == "inf" || word == "-inf") {
    value = word.front() == '-' ? -endless : endless;
    return true;
  }
  // from_chars also accepts "nan(7)", "INF" and "infinity"; allow only digits, a point and an exponent.
  if (word.find_first_not_of("0123456789.eE+-") != std::string_view::npos) return false;
  Number found{};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), found);
  if (error != std::errc{} || end != word.data() + word.size() || found == endless || found == -endless) return false;
  value = found;
  return true;
}

}  // namespace

void append(std::string& out, std::string_view value) { out.append(value); }
void append(std::string& out, const char* value) { out.append(value); }
void append(std::string& out, bool value) { out.append(value ? "true" : "false"); }
void append(std::string& out, char value) { out.push_back(value); }
void append(std::string& out, float value) { append_float(out, value); }
void append(std::string& out, double value) { append_float(out, value); }
void append_integer(std::string& out, std::int64_t value) { append_chars(out, value); }
void append_integer(std::string& out, std::uint64_t value) { append_chars(out, value); }

std::string fixed(double value, unsigned digits) {
  std::string out;
  if (value != value) {
    append(out, value);
  } else {
    append_chars(out, value, std::chars_format::fixed, static_cast<int>(digits));
  }
  return out;
}

std::string in_quotes(std::string_view word) {
  constexpr std::size_t most = 200;
  std::size_t end = 0;
  while (end < word.size() && end < most) end += std::max<std::size_t>(utf8_length(word, end), 1);
  return text('\'', visible(word.substr(0, end)), end < word.size() ? "...'" : "'");
}

bool read_number(std::string_view word, double& value) { return read_decimal(word, value); }
bool read_number(std::string_view word, float& value) { return read_decimal(word, value); }
bool read_number(std::string_view word, std::int64_t& value) { return read_integer(word, value); }
bool read_number(std::string_view word, std::uint64_t& value) { return read_integer(word, value); }

}  // namespace hans
