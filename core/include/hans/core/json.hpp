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

/// A heap-allocated value with value semantics. Keeps a variant small when one of its members is large.
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
  std::unique_ptr<T> value_;  // null only after a move
};

/// A JSON value; 16 bytes plus what it points to. Objects keep insertion order. Whole numbers stay integers, from the
/// lowest std::int64_t to the highest std::uint64_t (seeds need the latter).
class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;

  Json() = default;  ///< null
  Json(std::nullptr_t) {}
  Json(bool value) : value_(value) {}
  Json(double value);  ///< infinity and NaN become null
  Json(float value);   ///< written as the shortest decimal that reads back as the same float
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

  /// An object from a member list: {{"key", value}, ...}. The values are moved, not copied.
  struct Member;
  static Json object(std::initializer_list<Member> members);

  bool is_null() const;
  bool is_bool() const;
  bool is_number() const;
  bool is_integer() const;
  bool is_string() const;
  bool is_array() const;
  bool is_object() const;

  /// The value as that type. Throws Error that names the actual and the requested kind.
  bool boolean() const;
  double number() const;
  std::int64_t integer() const;
  std::uint64_t natural() const;
  const std::string& string() const;
  const Array& items() const&;
  const Object& members() const&;
  void items() const&& = delete;  // would dangle: name the parsed value first
  void members() const&& = delete;

  /// The member called `key`. If there is none, find() gives null and at() throws Error.
  const Json* find(std::string_view key) const;
  const Json& at(std::string_view key) const;

  /// set() sets a member of an object, or of null, which becomes an object. push() appends to an array. Both throw
  /// Error for any other kind.
  Json& set(std::string_view key, Json value);
  Json& push(Json value);

  /// The value as compact text, or indented by `indent` blanks per level with arrays of scalars on one line. Ends
  /// without a newline. Equal values give equal bytes on every machine.
  std::string dump(int indent = -1) const;

  /// Parses exactly one value. Throws Error with line and column for anything RFC 8259 forbids, invalid UTF-8, a
  /// repeated key, more than 64 levels, or values that would take more than 96 MiB and more than 16 times the text's
  /// size.
  static Json parse(std::string_view text);

 private:
  void set_natural(std::uint64_t value);
  void dump_to(std::string& out, int indent, int level) const;

  // std::uint64_t holds only what std::int64_t cannot, so equal numbers have equal representations.
  std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, float, Boxed<std::string>, Boxed<Array>,
               Boxed<Object>>
      value_;
};

struct Json::Member {
  std::string_view key;
  mutable Json value;  // mutable, because members of an initializer list are const and would be copied
};

}  // namespace hans
