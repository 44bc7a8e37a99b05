// A parameter without a default value: an aggregate cannot be constructed without it.
#pragma once

#include <concepts>
#include <string>
#include <type_traits>
#include <utility>

#include <hans/core/text.hpp>

namespace hans {

template <class T>
class Required;

namespace detail {

// Compilers print this name where a required field is left out: the inaccessible constructor takes it.
struct a_field_without_a_default_such_as_eps_was_left_out {};

// What Required<T> refuses, and what it accepts if T is not a number.
template <class Given, class T>
concept WholeForFraction = std::floating_point<T> && std::integral<Given>;
template <class Given, class T>
concept WrongForWhole = std::integral<T> &&
    (std::floating_point<Given> || (std::same_as<Given, bool> && !std::same_as<T, bool>));
template <class Given, class T>
concept OtherValue =
    !std::is_arithmetic_v<T> && !std::same_as<std::remove_cvref_t<Given>, Required<T>> && std::convertible_to<Given, T>;

}  // namespace detail

/// A `T` without a default: `Fgsm{.eps = 0.3f}` compiles, `Fgsm{}` does not. A floating-point parameter refuses
/// integers, because `.eps = 8 / 255` would be 0; an integral parameter refuses floating-point numbers and bool.
/// Converts to `T` implicitly; write value() where a template has to deduce T.
template <class T>
class Required {
 public:
  constexpr Required(float value) requires std::floating_point<T> : value_(static_cast<T>(value)) {}
  constexpr Required(double value) requires std::floating_point<T> : value_(static_cast<T>(value)) {}
  template <detail::WholeForFraction<T> Given>
  Required(Given) = delete;  // an integer division gives 0: write 0.3f or 8 / 255.0f

  constexpr Required(T value) requires std::integral<T> : value_(value) {}
  template <detail::WrongForWhole<T> Given>
  Required(Given) = delete;

  template <detail::OtherValue<T> Given>
  constexpr Required(Given&& value) : value_(std::forward<Given>(value)) {}

  constexpr operator const T&() const { return value_; }
  constexpr const T& value() const { return value_; }

 private:
  friend class FieldAccess;  // constructs a blank value and fills it from text
  // clang-format off: compilers print this line
  constexpr Required(detail::a_field_without_a_default_such_as_eps_was_left_out = {}) {}  // write {.eps = 0.3f}
  // clang-format on

  T value_{};
};

template <class T>
void append(std::string& out, const Required<T>& required) {
  append(out, required.value());
}

}  // namespace hans
