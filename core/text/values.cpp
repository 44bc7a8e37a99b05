// Parsing and printing of numbers and names.
#include <hans/core/values.hpp>

#include <algorithm>
#include <cmath>

#include <hans/core/error.hpp>
#include <hans/core/spec.hpp>
#include "detail/meant.hpp"

namespace hans {
namespace {

bool read_ratio(std::string_view word, double& out) {
  const std::size_t slash = word.find('/');
  if (slash == std::string_view::npos) return false;
  double above_line = 0;
  double below_line = 0;
  if (!read_number(word.substr(0, slash), above_line) || !read_number(word.substr(slash + 1), below_line)) return false;
  if (!std::isfinite(above_line) || !std::isfinite(below_line) || below_line == 0) return false;
  const double ratio = above_line / below_line;
  if (!std::isfinite(ratio)) return false;
  out = ratio;
  return true;
}

template <class Number>
void read_finite(std::string_view word, Number& out) {
  Number found = 0;
  if (!read_number(word, found)) {
    double ratio = 0;
    check_usage(read_ratio(word, ratio), "not a number; write one such as 0.3, 8/255 or 1e-3");
    found = static_cast<Number>(ratio);
    check_usage(std::isfinite(found), "too large a number");
  }
  out = found == 0 ? Number{0} : found;  // -0 would be a second spelling of the same parameter
}

}  // namespace

void read_value(std::string_view word, float& out) { read_finite(word, out); }
void read_value(std::string_view word, double& out) { read_finite(word, out); }

void read_value(std::string_view word, bool& out) {
  check_usage(word == "true" || word == "false", "neither true nor false");
  out = word == "true";
}

void read_value(std::string_view word, std::string& out) {
  check_usage(is_spec_word(word), "not a word of letters, digits and -_.+/");
  out = word;
}

void append_value(std::string& out, float value) { append(out, value); }
void append_value(std::string& out, double value) { append(out, value); }
void append_value(std::string& out, bool value) { append(out, value); }

void append_value(std::string& out, const std::string& value) {
  check_usage(is_spec_word(value), in_quotes(value),
              " cannot be written as a parameter: use letters, digits and -_.+/");
  append(out, value);
}

namespace detail {

std::int64_t read_signed(std::string_view word, std::int64_t low, std::int64_t high) {
  std::int64_t found = 0;
  check_usage(read_number(word, found) && found >= low && found <= high, "not an integer from ", low, " to ", high);
  return found;
}

std::uint64_t read_unsigned(std::string_view word, std::uint64_t high) {
  std::uint64_t found = 0;
  check_usage(read_number(word, found) && found <= high, "not an integer from 0 to ", high);
  return found;
}

std::size_t read_name(std::string_view word, std::span<const std::string_view> names) {
  const auto found = std::find(names.begin(), names.end(), word);
  if (found == names.end()) refuse_name(word, names);
  return static_cast<std::size_t>(found - names.begin());
}

void refuse_name(std::string_view word, std::span<const std::string_view> names) {
  const std::string meant = meant_by(word, names);
  throw UsageError(text("none of ", joined(names), meant.empty() ? "" : text("; did you mean ", meant, "?")));
}

std::string_view name_of(std::size_t index, std::span<const std::string_view> names) {
  check(index < names.size(), "value ", index, " of an enum has no name; it has ", names.size(), ": ", joined(names));
  return names[index];
}

std::string joined(std::span<const std::string_view> names) {
  std::string out;
  for (const std::string_view name : names) {
    if (!out.empty()) append(out, '|');
    append(out, name);
  }
  return out;
}

}  // namespace detail
}  // namespace hans
