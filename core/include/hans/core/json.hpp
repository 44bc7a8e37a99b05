// JSON (RFC 8259), read strictly and written canonically.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace hans {

/// A value on the heap that is copied like one: for members of a variant that would make all others as large.
template <class T>
class Boxed {
 public:
  Boxed(T value) : value_(std::make_unique<T>(std::move(value))) {}
  Boxed(const Boxed& other) : Boxed(*other.value_) {}
  Boxed(Boxed&&) noexcept = default;
  Boxed& operator=(Boxed other) noexcept {
    value_.swap(other.value_);
    return *this;
  }
  T& operator*() const { return *value_; }

 private:
  std::unique_ptr<T> value_;  // null only in what was moved from
};

/// A JSON value of 16 bytes, and what it points to. Objects keep the order in which keys were set. Whole numbers stay
/// integers, from the lowest std::int64_t to the highest std::uint64_t (a seed).
class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;

  Json() = default;  ///< null
  Json(std::nullptr_t) {}
  Json(bool value) : value_(value) {}
  Json(double value);  ///< infinity and NaN become null
  Json(float value);   ///< written as the shortest decimal that gives the same float
  template <std::integral Integer>
  Json(Integer value) {
    if constexpr (std::unsigned_integral<Integer>) {
      set_natural(value);
    } else {
      value_ = static_cast<std::int64_t>(value);
    }
  }
  Json(std::string value) : value_(Boxed(std::move(value))) {}
  Json(std::string_view value) : Json(std::string(value)) {}
  Json(const char* value) : Json(std::string(value)) {}
  static Json array(Array items = {});
  static Json object(Object members = {});

  /// The object of members written out: {{"key", value}, ...}. The values are moved into it.
  struct Member;
  static Json object(std::initializer_list<Member> members);

  bool is_null() const;
  bool is_bool() const;
  bool is_number() const;
  bool is_integer() const;
  bool is_string() const;
  bool is_array() const;
  bool is_object() const;

  /// The value as that type; each throws Error naming the kind found and the kind wanted.
  bool boolean() const;
  double number() const;
  std::int64_t integer() const;
  std::uint64_t natural() const;
  const std::string& string() const;
  const Array& items() const&;
  const Object& members() const&;
  void items() const&& = delete;  // would dangle: name the parsed value first
  void members() const&& = delete;

  /// The member called `key`: find gives null when there is none, at throws Error.
  const Json* find(std::string_view key) const;
  const Json& at(std::string_view key) const;

  /// Sets member `key` (this must be an object or null, which becomes one); adds to an array.
  Json& set(std::string_view key, Json value);
  Json& push(Json value);

  /// Compact text, or indented by `indent` blanks a level, arrays of single values on one line, with a final newline
  /// left to the caller. Same value, same bytes, everywhere.
  std::string dump(int indent = -1) const;

  /// Reads exactly one value. Throws Error with line and column on anything RFC 8259 forbids, on invalid UTF-8, on a
  /// repeated key, beyond 64 levels, and where the values would take more than 96 MiB and 16 times the text's size.
  static Json parse(std::string_view text);

 private:
  void set_natural(std::uint64_t value);
  void dump_to(std::string& out, int indent, int level) const;

  // std::uint64_t holds only what std::int64_t cannot, so that equal numbers are held alike.
  std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, float, Boxed<std::string>, Boxed<Array>,
               Boxed<Object>>
      value_;
};

struct Json::Member {
  std::string_view key;
  mutable Json value;  // an initializer list is const, and would be copied
};

}  // namespace hans
