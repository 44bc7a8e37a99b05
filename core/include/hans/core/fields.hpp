// Parameter descriptions: parsing, JSON, help and tests all use one list of fields per type.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <hans/core/error.hpp>
#include <hans/core/json.hpp>
#include <hans/core/range.hpp>
#include <hans/core/required.hpp>
#include <hans/core/spec.hpp>
#include <hans/core/values.hpp>

namespace hans {

/// One parameter of `Owner`. An aggregate lists each parameter once:
///
///     struct Fgsm {
///       Required<float> eps;
///       Norm norm = Norm::linf;
///       std::optional<float> clip_min{};
///     static constexpr std::string_view name = "fgsm";     // optional: version and specification beside it
///       static constexpr auto fields() {
///         return std::tuple(field("eps", &Fgsm::eps, at_least(0), "largest change of a feature"),
///                           field("norm", &Fgsm::norm, "norm of the ball"),
///                           field("clip_min", &Fgsm::clip_min, any_number.or_infinite(), "lower end of the box",
///                                 "data's box"));
///       }
///     void validate() const;  // optional: checks that involve several parameters; throws UsageError
///     };
///
/// A value is a float, double, integer, bool, std::string (a word), an enum, a Required or std::optional of these, or
/// any type with the functions listed in core/values.hpp.
template <class Owner, class Value>
struct Field {
  std::string_view name;
  Value Owner::*member;
  Range range;
  std::string_view meaning;
  std::string_view unset;  ///< help text for an empty optional: "data's box"
};

template <class Owner, class Value>
constexpr Field<Owner, Value> field(std::string_view name, Value Owner::*member, Range range, std::string_view meaning,
                                    std::string_view unset = "unset") {
  return {name, member, range, meaning, unset};
}

template <class Owner, class Value>
constexpr Field<Owner, Value> field(std::string_view name, Value Owner::*member, std::string_view meaning,
                                    std::string_view unset = "unset") {
  return {name, member, any_number, meaning, unset};
}

/// The help for one parameter.
struct FieldInfo {
  std::string name;
  std::string kind;          ///< "number", "integer", "true|false", "word", "linf|l2", or the result of value_help
  std::string default_text;  ///< "required", the default as written in a SPEC, or the field's `unset`
  std::string range;         ///< ">= 0"; empty if every value of the kind is allowed
  std::string meaning;
  bool required = false;
};

namespace detail {

Json number_json(float value);
Json number_json(double value);

void check_range(float value, const Range& range);
void check_range(double value, const Range& range);
void check_range(std::int64_t value, const Range& range);
void check_range(std::uint64_t value, const Range& range);

/// Throws UsageError: not an integer in this range. `least` and `most` are the type's limits; they stand for infinite
/// ends.
[[noreturn]] void refuse_integer(const Range& range, std::string_view least, std::string_view most);
}  // namespace detail

/// Constructs and fills aggregates with Required members, for the functions below only.
class FieldAccess {
 public:
  /// A T with every default in place; its required members are value-initialised.
  template <class T>
  static T blank() {
    return T{};
  }

  /// The value inside a Required or std::optional, to read into.
  template <class T>
  static T& slot(T& value) {
    return value;
  }
  template <class T>
  static T& slot(Required<T>& value) {
    return value.value_;
  }
  template <class T>
  static T& slot(std::optional<T>& value) {
    return value ? *value : value.emplace();  // keeps the old value: repeatable parameters append to it
  }

  /// The value to write; null for an empty std::optional.
  template <class T>
  static const T* peek(const T& value) {
    return &value;
  }
  template <class T>
  static const T* peek(const Required<T>& value) {
    return &value.value_;
  }
  template <class T>
  static const T* peek(const std::optional<T>& value) {
    return value ? &*value : nullptr;
  }
};

namespace detail {

/// T, for each of T, Required<T> and std::optional<T>.
template <class Value>
using Bare = std::remove_reference_t<decltype(FieldAccess::slot(std::declval<Value&>()))>;

template <class T>
constexpr bool is_required = false;
template <class T>
constexpr bool is_required<Required<T>> = true;

/// The names of the enum values inside the range.
template <NamedEnum T>
std::span<const std::string_view> names_in(const Range& range) {
  static constexpr auto names = enum_names(T{});
  const std::span<const std::string_view> all(names);
  return range.high < static_cast<double>(all.size()) ? all.first(static_cast<std::size_t>(range.high) + 1) : all;
}

template <class T>
void check_number(const T& value, const Range& range) {
  if constexpr (std::floating_point<T>) {
    check_range(value, range);
  } else if constexpr (WholeNumber<T>) {
    using Wide = std::conditional_t<std::signed_integral<T>, std::int64_t, std::uint64_t>;
    check_range(static_cast<Wide>(value), range);
  } else if constexpr (NamedEnum<T>) {
    const auto names = enum_names(T{});
    if (static_cast<double>(value) > range.high) {
      refuse_name(name_of(static_cast<std::size_t>(value), names), names_in<T>(range));
    }
  }
}

/// Reads a value and checks its range. If the word is not an integer or an enum name, the error states what the
/// parameter allows, not what its type does.
template <class T>
void read_in_range(std::string_view word, const Range& range, T& out) {
  try {
    read_value(word, out);
  } catch (const UsageError&) {
    using Limits = std::numeric_limits<T>;
    if constexpr (WholeNumber<T>) refuse_integer(range, text(Limits::min()), text(Limits::max()));
    if constexpr (NamedEnum<T>) refuse_name(word, names_in<T>(range));
    throw;
  }
  check_number(out, range);
}

template <class T>
std::string kind_of(const Range& range) {
  if constexpr (std::floating_point<T>) {
    return "number";
  } else if constexpr (std::same_as<T, bool>) {
    return "true|false";
  } else if constexpr (std::integral<T>) {
    return "integer";
  } else if constexpr (std::same_as<T, std::string>) {
    return "word";
  } else if constexpr (NamedEnum<T>) {
    return joined(names_in<T>(range));
  } else {
    return value_help(T{});
  }
}

template <class T>
Json value_json(const T& value) {
  if constexpr (std::floating_point<T>) {
    return number_json(value);
  } else if constexpr (std::integral<T>) {
    return Json(value);
  } else {
    std::string out;
    append_value(out, value);
    return Json(out);
  }
}

/// Operations on a type-erased member: a T, Required<T> or std::optional<T>. One table per type, so that the functions
/// below are compiled once and not once per aggregate.
struct MemberKind {
  bool required, is_number, takes_spec;
  const void* (*value)(const void* member);  ///< the T; null for an empty optional
  void (*read)(std::string_view word, const Range& range, void* member);
  void (*check)(const void* value, const Range& range);
  void (*append)(std::string& out, const void* value);
  std::string (*kind)(const Range& range);
  Json (*json)(const void* value);
};

/// A value written as a nested SPEC, such as an attack inside a defence.
template <class T>
concept NestedValue = requires(const T& value) {
  is_nested_value(value);
};

template <class Member>
const MemberKind& member_kind() {
  using T = Bare<Member>;
  static constexpr MemberKind kind{
      is_required<Member>,
      std::floating_point<T> || WholeNumber<T>,
      NestedValue<T>,
      [](const void* member) -> const void* { return FieldAccess::peek(*static_cast<const Member*>(member)); },
      [](std::string_view word, const Range& range, void* member) {
        read_in_range(word, range, FieldAccess::slot(*static_cast<Member*>(member)));
      },
      [](const void* value, const Range& range) { check_number(*static_cast<const T*>(value), range); },
      [](std::string& out, const void* value) { append_value(out, *static_cast<const T*>(value)); },
      kind_of<T>,
      [](const void* value) { return value_json(*static_cast<const T*>(value)); }};
  return kind;
}

/// A field of one particular object.
struct Member {
  std::string_view name, meaning, unset;
  Range range;
  const MemberKind* kind;
  void* place;

  const void* value() const { return kind->value(place); }
};

template <class T>
std::vector<Member> members(T& owner) {
  static constexpr auto all = T::fields();  // static: the list is data, not code that builds it
  return std::apply(
      [&owner](const auto&... fields) {
        return std::vector<Member>{{fields.name, fields.meaning, fields.unset, fields.range,
                                    &member_kind<std::remove_cvref_t<decltype(owner.*fields.member)>>(),
                                    &(owner.*fields.member)}...};
      },
      all);
}
/// Read-only use: nothing may be written through `place`.
template <class T>
std::vector<Member> members(const T& owner) {
  return members(const_cast<T&>(owner));
}

std::vector<FieldInfo> describe_members(std::span<const Member> blank);
void read_members(const Spec& spec, std::span<const Member> blank);
void write_members(std::span<const Member> members, Spec& spec);
void check_members(std::string_view name, std::span<const Member> members);
Json members_json(std::span<const Member> members);

/// T::name, T::version and T::specification if T has these constants, else empty. A parameter may have the same name.
template <class T>
constexpr std::string_view name_of_type() {
  if constexpr (requires { requires std::same_as<decltype(&T::name), const std::string_view*>; }) {
    return T::name;
  } else {
    return {};
  }
}
template <class T>
constexpr std::string_view version_of_type() {
  if constexpr (requires { requires std::same_as<decltype(&T::version), const std::string_view*>; }) {
    return T::version;
  } else {
    return {};
  }
}
/// The version of T's results. A SPEC may pin it after "@" to select T rather than a later type of the same name.
template <class T>
constexpr std::string_view specification_of_type() {
  if constexpr (requires { requires std::same_as<decltype(&T::specification), const std::string_view*>; }) {
    return T::specification;
  } else {
    return version_of_type<T>().empty() ? "1" : version_of_type<T>();
  }
}

}  // namespace detail

/// The parameters of T, for the help, the list of allowed keys and the tables in the documentation.
template <class T>
std::vector<FieldInfo> describe() {
  return detail::describe_members(detail::members(FieldAccess::blank<T>()));
}

/// The T that `spec` describes; omitted parameters keep their defaults. Ignores `spec.name` and `spec.version`, by
/// which the caller chose T. Throws UsageError for an unknown key (with the list of allowed ones), a missing required
/// key, a malformed value or one out of range; and whatever T::validate throws.
template <class T>
T from_spec(const Spec& spec) {
  T out = FieldAccess::blank<T>();
  detail::read_members(spec, detail::members(out));
  if constexpr (requires { out.validate(); }) out.validate();
  return out;
}

/// The canonical SPEC of `value`: every parameter in declaration order, without empty optionals, numbers as the
/// shortest decimal that reads back the same.
template <class T>
Spec to_spec(const T& value) {
  Spec spec;
  spec.name = detail::name_of_type<T>();
  spec.version = detail::version_of_type<T>();
  detail::write_members(detail::members(value), spec);
  return spec;
}

/// Throws UsageError unless every number of `value` is in range and its validate() passes. For values built in code,
/// which from_spec has not checked.
template <class T>
void check_fields(const T& value) {
  detail::check_members(detail::name_of_type<T>(), detail::members(value));
  if constexpr (requires { value.validate(); }) value.validate();
}

/// The parameters as a JSON object in declaration order, without empty optionals. Infinities become the strings "inf"
/// and "-inf"; enums, words and nested SPECs become strings.
template <class T>
Json to_json(const T& value) {
  return detail::members_json(detail::members(value));
}

/// Whether both have the same canonical SPEC.
template <class T>
bool same_fields(const T& a, const T& b) {
  return to_spec(a) == to_spec(b);
}

/// All parameters on one line: "eps (number >= 0, required), norm (linf|l2, default linf)".
std::string allowed_text(std::span<const FieldInfo> fields);

}  // namespace hans
