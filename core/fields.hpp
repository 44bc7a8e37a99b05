// One description of a thing's parameters, many uses (law 3): text, JSON, help and tests come from one list.
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

/// One parameter of `Owner`. An aggregate lists its parameters once:
///
///     struct Fgsm {
///       Required<float> eps;
///       Norm norm = Norm::linf;
///       std::optional<float> clip_min{};
///       static constexpr std::string_view name = "fgsm";     // and, where there is one, version
///       static constexpr auto fields() {
///         return std::tuple(field("eps", &Fgsm::eps, at_least(0), "largest change of a feature"),
///                           field("norm", &Fgsm::norm, "norm of the ball"),
///                           field("clip_min", &Fgsm::clip_min, any_number.or_infinite(), "lower end of the box",
///                                 "data's box"));
///       }
///       void validate() const;  // optional: what no single range can say; throws UsageError
///     };
///
/// A value is a float, double, integer, bool, std::string (a word), an enum, a Required or std::optional of
/// these, or any type with the functions of core/values.hpp.
template <class Owner, class Value>
struct Field {
  std::string_view name;
  Value Owner::*member;
  Range range;
  std::string_view meaning;
  std::string_view unset;  ///< what an empty optional means, for the help: "data's box"
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

/// What the help says of one parameter.
struct FieldInfo {
  std::string name;
  std::string kind;          ///< "number", "integer", "true|false", "word", "linf|l2", or what value_help says
  std::string default_text;  ///< "required", the default as written in a SPEC, or the field's `unset`
  std::string range;         ///< ">= 0"; empty if anything of the kind will do
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

/// Throws UsageError: no integer in this range, whose open ends are the type's `least` and `most`.
[[noreturn]] void refuse_integer(const Range& range, std::string_view least, std::string_view most);
/// Throws UsageError if an item has no field or a required field has no item; the line lists what is allowed.
void check_items(const Spec& spec, std::span<const FieldInfo> fields);
/// Throws UsageError: which value of which key is refused, and why.
[[noreturn]] void refuse(std::string_view name, const Spec::Item& item, std::string_view why);
/// Throws UsageError unless a value in brackets meets a type that takes a SPEC.
void check_nesting(const Spec::Item& item, bool takes_spec);

}  // namespace detail

/// What may make and fill an aggregate with Required members. For the functions below.
class FieldAccess {
 public:
  /// A T with every default in place and nothing in its required members.
  template <class T>
  static T blank() {
    return T{};
  }

  /// The value behind a Required or std::optional, for reading into.
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
    return value ? *value : value.emplace();  // what may be given several times adds to what is there
  }

  /// The value to be written, or null for an empty std::optional.
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

  template <class T>
  static constexpr bool is_required(const Required<T>&) {
    return true;
  }
  template <class T>
  static constexpr bool is_required(const T&) {
    return false;
  }
};

namespace detail {

/// T for T, Required<T> and std::optional<T>.
template <class Value>
using Bare = std::remove_reference_t<decltype(FieldAccess::slot(std::declval<Value&>()))>;

template <class T>
constexpr bool takes_spec(const T& value) {
  if constexpr (requires { is_nested_value(value); }) {
    return is_nested_value(value);
  } else {
    return false;
  }
}

template <class T>
void check_number(const T& value, const Range& range) {
  if constexpr (std::floating_point<T>) {
    check_range(value, range);
  } else if constexpr (WholeNumber<T>) {
    using Wide = std::conditional_t<std::signed_integral<T>, std::int64_t, std::uint64_t>;
    check_range(static_cast<Wide>(value), range);
  }
}

/// The names of an enum's values that the range admits: "linf|l2".
template <NamedEnum T>
std::string names_in(const Range& range) {
  const auto names = enum_names(T{});
  std::span<const std::string_view> admitted(names);
  if (range.high < static_cast<double>(names.size())) {
    admitted = admitted.first(static_cast<std::size_t>(range.high) + 1);
  }
  return joined(admitted);
}

/// What is no integer, or no name, is refused with what the parameter takes in place of what its type does.
template <class T>
void read_in_range(std::string_view word, const Range& range, T& out) {
  try {
    read_value(word, out);
  } catch (const UsageError&) {
    using Limits = std::numeric_limits<T>;
    if constexpr (WholeNumber<T>) refuse_integer(range, text(Limits::min()), text(Limits::max()));
    if constexpr (NamedEnum<T>) throw UsageError(text("none of ", names_in<T>(range)));
    throw;
  }
  check_number(out, range);
}

template <class T>
void read_checked(const Spec::Item& item, const Range& range, T& out) {
  check_nesting(item, takes_spec(out));
  read_in_range(item.value, range, out);
}

template <class T>
std::string value_text(const T& value) {
  std::string out;
  append_value(out, value);
  return out;
}

/// As it stands in a SPEC, with its brackets.
template <class T>
std::string bracketed_text(const T& value) {
  return takes_spec(value) ? text('[', value_text(value), ']') : value_text(value);
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
    return names_in<T>(range);
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
    return Json(value_text(value));
  }
}

/// T::name and T::version where T has such constants; a parameter may be called the same.
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

/// Calls `visit` with every field of T, in order.
template <class T, class Visit>
void each_field(Visit visit) {
  std::apply([&visit](const auto&... fields) { (visit(fields), ...); }, T::fields());
}

}  // namespace detail

/// What the help, the list of allowed keys and the docs table say of T's parameters.
template <class T>
std::vector<FieldInfo> describe() {
  std::vector<FieldInfo> all;
  const T blank = FieldAccess::blank<T>();
  detail::each_field<T>([&](const auto& field) {
    const auto& member = blank.*field.member;
    using Value = detail::Bare<std::remove_cvref_t<decltype(member)>>;
    const bool required = FieldAccess::is_required(member);
    const Value* value = FieldAccess::peek(member);
    FieldInfo info;
    info.name = field.name;
    info.kind = detail::kind_of<Value>(field.range);
    info.default_text = required           ? "required"
                        : value == nullptr ? std::string(field.unset)
                                           : detail::bracketed_text(*value);
    if constexpr (std::floating_point<Value> || WholeNumber<Value>) append(info.range, field.range);
    info.meaning = field.meaning;
    info.required = required;
    all.push_back(std::move(info));
  });
  return all;
}

/// The T that `spec` asks for; what it leaves out keeps its default. `spec.name` and `spec.version` are for the
/// caller, who chose T by them. Throws UsageError on an unknown or missing key (the line lists what is allowed),
/// on a value that is malformed or out of range, and whatever T::validate throws.
template <class T>
T from_spec(const Spec& spec) {
  T out = FieldAccess::blank<T>();
  detail::check_items(spec, describe<T>());
  detail::each_field<T>([&](const auto& field) {
    const Spec::Item* item = spec.find(field.name);
    if (item == nullptr) return;
    try {
      detail::read_checked(*item, field.range, FieldAccess::slot(out.*field.member));
    } catch (const UsageError& error) {
      detail::refuse(spec.name, *item, error.what());
    }
  });
  if constexpr (requires { out.validate(); }) out.validate();
  return out;
}

/// The canonical SPEC of `value`: every parameter in declaration order, empty optionals left out, numbers as
/// the shortest decimal that reads back the same.
template <class T>
Spec to_spec(const T& value) {
  Spec spec;
  spec.name = detail::name_of_type<T>();
  spec.version = detail::version_of_type<T>();
  detail::each_field<T>([&](const auto& field) {
    const auto* found = FieldAccess::peek(value.*field.member);
    if (found == nullptr) return;
    spec.items.push_back({std::string(field.name), detail::value_text(*found), detail::takes_spec(*found)});
  });
  return spec;
}

/// Throws UsageError unless every number of `value` lies in its range and `value` passes its own validate: for
/// one made in code, which nobody has checked yet.
template <class T>
void check_fields(const T& value) {
  detail::each_field<T>([&](const auto& field) {
    const auto* found = FieldAccess::peek(value.*field.member);
    if (found == nullptr) return;
    try {
      detail::check_number(*found, field.range);
    } catch (const UsageError& error) {
      detail::refuse(detail::name_of_type<T>(), {std::string(field.name), detail::value_text(*found)}, error.what());
    }
  });
  if constexpr (requires { value.validate(); }) value.validate();
}

/// The parameters as a JSON object in declaration order, empty optionals left out; infinities are the strings
/// "inf" and "-inf", enums, words and nested SPECs strings.
template <class T>
Json to_json(const T& value) {
  Json object = Json::object();
  detail::each_field<T>([&](const auto& field) {
    const auto* found = FieldAccess::peek(value.*field.member);
    if (found != nullptr) object.set(field.name, detail::value_json(*found));
  });
  return object;
}

/// Whether both have the same canonical SPEC.
template <class T>
bool same_fields(const T& a, const T& b) {
  return to_spec(a) == to_spec(b);
}

/// All parameters in one line: "eps (number >= 0, required), norm (linf|l2, default linf)".
std::string allowed_text(std::span<const FieldInfo> fields);

}  // namespace hans
