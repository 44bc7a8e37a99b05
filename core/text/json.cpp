// JSON values and their canonical text.
#include <hans/core/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <type_traits>

#include <hans/core/error.hpp>
#include "detail/utf8.hpp"

namespace hans {
namespace {

constexpr std::array<std::string_view, 9> kinds{"null",     "a boolean", "an integer", "an integer", "a number",
                                                "a number", "a string",  "an array",   "an object"};

template <class T>
const T& get(const auto& value, std::string_view wanted) {
  const T* found = std::get_if<T>(&value);
  check(found != nullptr, "JSON: ", wanted, " is wanted, but there is ", kinds[value.index()]);
  return *found;
}

/// The boxed value of this type, or null.
template <class T>
T* inside(auto& value) {
  const auto* box = std::get_if<Boxed<T>>(&value);
  return box == nullptr ? nullptr : &**box;
}

/// Writes `text` as a JSON string. Invalid UTF-8 (e.g. in a file name) becomes U+FFFD.
void append_string(std::string& out, std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  constexpr std::string_view plain = "\"\\\b\f\n\r\t";
  constexpr std::string_view letters = "\"\\bfnrt";
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    const std::size_t escape = plain.find(c);
    const std::size_t length = utf8_length(text, at);
    const unsigned byte = static_cast<unsigned char>(c);
    if (escape != std::string_view::npos) {
      out += '\\';
      out += letters[escape];
    } else if (byte < 0x20) {
      out += "\\u00";
      out += hex[byte >> 4U];
      out += hex[byte & 15U];
    } else if (length == 0) {
      append_utf8(out, 0xfffd);
    } else {
      out += text.substr(at, length);
    }
    at += std::max<std::size_t>(length, 1);
  }
  out += '"';
}

void new_line(std::string& out, int indent, int level) {
  if (indent < 0) return;
  append(out, '\n');
  out.append(static_cast<std::size_t>(indent) * static_cast<std::size_t>(level), ' ');
}

}  // namespace

Json::Json(double value) {
  if (std::isfinite(value)) value_ = value;
}

Json::Json(float value) {
  if (std::isfinite(value)) value_ = value;
}

void Json::set_natural(std::uint64_t value) {
  if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    value_ = static_cast<std::int64_t>(value);
  } else {
    value_ = value;
  }
}

Json Json::array(Array items) {
  Json json;
  json.value_ = Boxed(std::move(items));
  return json;
}

Json Json::object(Object members) {
  Json json;
  json.value_ = Boxed(std::move(members));
  return json;
}

Json Json::object(std::initializer_list<Member> members) {
  Object all;
  all.reserve(members.size());
  for (const Member& member : members) all.emplace_back(member.key, std::move(member.value));
  return object(std::move(all));
}

bool Json::is_null() const { return std::holds_alternative<std::nullptr_t>(value_); }
bool Json::is_bool() const { return std::holds_alternative<bool>(value_); }
bool Json::is_integer() const {
  return std::holds_alternative<std::int64_t>(value_) || std::holds_alternative<std::uint64_t>(value_);
}
bool Json::is_number() const {
  return is_integer() || std::holds_alternative<double>(value_) || std::holds_alternative<float>(value_);
}
bool Json::is_string() const { return std::holds_alternative<Boxed<std::string>>(value_); }
bool Json::is_array() const { return std::holds_alternative<Boxed<Array>>(value_); }
bool Json::is_object() const { return std::holds_alternative<Boxed<Object>>(value_); }

bool Json::boolean() const { return get<bool>(value_, "a boolean"); }
const std::string& Json::string() const { return *get<Boxed<std::string>>(value_, "a string"); }
const Json::Array& Json::items() const& { return *get<Boxed<Array>>(value_, "an array"); }
const Json::Object& Json::members() const& { return *get<Boxed<Object>>(value_, "an object"); }

std::int64_t Json::integer() const {
  const auto* big = std::get_if<std::uint64_t>(&value_);
  check(big == nullptr, "JSON: the integer ", big == nullptr ? 0 : *big, " does not fit into 64 bits with a sign");
  return get<std::int64_t>(value_, "an integer");
}

std::uint64_t Json::natural() const {
  if (const auto* big = std::get_if<std::uint64_t>(&value_)) return *big;
  const std::int64_t value = get<std::int64_t>(value_, "an integer");
  check(value >= 0, "JSON: an integer of at least 0 is wanted, but there is ", value);
  return static_cast<std::uint64_t>(value);
}

double Json::number() const {
  if (const auto* value = std::get_if<std::int64_t>(&value_)) return static_cast<double>(*value);
  if (const auto* value = std::get_if<std::uint64_t>(&value_)) return static_cast<double>(*value);
  if (const auto* value = std::get_if<float>(&value_)) return static_cast<double>(*value);
  return get<double>(value_, "a number");
}

const Json* Json::find(std::string_view key) const {
  const Object& all = members();
  const auto found = std::find_if(all.begin(), all.end(), [key](const auto& member) { return member.first == key; });
  return found == all.end() ? nullptr : &found->second;
}

const Json& Json::at(std::string_view key) const {
  check(is_object(), "JSON: an object with the key ", in_quotes(key), " is wanted, but there is ",
        kinds[value_.index()]);
  const Json* found = find(key);
  check(found != nullptr, "JSON: the key ", in_quotes(key), " is missing");
  return *found;
}

Json& Json::set(std::string_view key, Json value) {
  if (is_null()) value_ = Boxed(Object{});
  members();  // throws if this is no object
  Object& all = *std::get<Boxed<Object>>(value_);
  for (auto& [name, member] : all) {
    if (name == key) {
      member = std::move(value);
      return *this;
    }
  }
  all.emplace_back(std::string(key), std::move(value));
  return *this;
}

Json& Json::push(Json value) {
  items();  // throws if this is no array
  (*std::get<Boxed<Array>>(value_)).push_back(std::move(value));
  return *this;
}

void Json::dump_to(std::string& out, int indent, int level) const {
  const auto bracketed = [&](const auto& all, bool on_lines, std::string_view brackets, auto write) {
    append(out, brackets[0]);
    for (std::size_t k = 0; k < all.size(); ++k) {
      if (k > 0) append(out, on_lines || indent < 0 ? "," : ", ");
      if (on_lines) new_line(out, indent, level + 1);
      write(all[k]);
    }
    if (on_lines && !all.empty()) new_line(out, indent, level);
    append(out, brackets[1]);
  };
  if (const Array* items = inside<Array>(value_)) {
    const bool nested =
        std::any_of(items->begin(), items->end(), [](const Json& item) { return item.is_array() || item.is_object(); });
    bracketed(*items, nested, "[]", [&](const Json& item) { item.dump_to(out, indent, level + 1); });
  } else if (const Object* members = inside<Object>(value_)) {
    bracketed(*members, true, "{}", [&](const auto& member) {
      append_string(out, member.first);
      append(out, indent < 0 ? ":" : ": ");
      member.second.dump_to(out, indent, level + 1);
    });
  } else if (is_string()) {
    append_string(out, string());
  } else if (is_null()) {
    append(out, "null");
  } else {
    std::visit(
        [&out](const auto& value) {
          if constexpr (std::is_arithmetic_v<std::remove_cvref_t<decltype(value)>>) append(out, value);
        },
        value_);
  }
}

std::string Json::dump(int indent) const {
  std::string out;
  dump_to(out, indent, 0);
  return out;
}

}  // namespace hans
