// Layers without settings: functions of one or two values.
#pragma once

#include <algorithm>
#include <string_view>

#include <hans/autodiff/arrays.hpp>
#include <hans/autodiff/functions.hpp>
#include <hans/nn/layer.hpp>

namespace hans::nn {

/// `result`, with a straight-through gradient to `x` if the run asks for BPDA and `result` passes no gradient.
Var or_straight_through(const Var& x, const Var& result, const Run& run);

/// A string as a template argument.
template <std::size_t n>
struct Literal {
  char text[n];
  constexpr Literal(const char (&given)[n]) { std::copy_n(given, n, text); }
  constexpr operator std::string_view() const { return {text, n - 1}; }
};

/// The inputs that an element of the result depends on: those at its place, or others too.
enum class Reach { place, row };

/// A layer that applies a function of one value.
template <Var (*f)(const Var&), Literal named, Literal means, Reach reaches = Reach::place>
struct Unary {
  static constexpr std::string_view name = named, meaning = means;
  static constexpr auto function = f;
  static constexpr Reach reach = reaches;
  static constexpr auto fields() { return std::tuple(); }
  Var operator()(const Var& x, const Run& run) const { return or_straight_through(x, f(x), run); }
};

/// A layer that applies a function of two values, with broadcasting.
template <Var (*f)(const Var&, const Var&), Literal named, Literal means, Reach reaches = Reach::place>
struct Binary {
  static constexpr std::string_view name = named, meaning = means;
  static constexpr auto function = f;
  static constexpr Reach reach = reaches;
  static constexpr Operands operands{2, 2};
  static constexpr auto fields() { return std::tuple(); }
  Var operator()(Tape&, std::span<const Var> x, const Run& run) const {
    return or_straight_through(x[0], f(x[0], x[1]), run);
  }
};

struct Relu : Unary<hans::relu, "relu", "x where it is positive, else 0"> {};
struct Sigmoid : Unary<hans::sigmoid, "sigmoid", "1 / (1 + exp(-x))"> {};
struct Tanh : Unary<hans::tanh, "tanh", "hyperbolic tangent"> {};
struct Flatten : Unary<hans::flatten, "flatten", "all features of a sample in one row", Reach::row> {};
struct Add : Binary<(hans::operator+), "add", "the sum of two, broadcast"> {};
struct Subtract : Binary<(hans::operator-), "subtract", "the difference of two, broadcast"> {};
struct Multiply : Binary<(hans::operator*), "multiply", "the product of two, broadcast"> {};
struct Divide : Binary<(hans::operator/), "divide", "the quotient of two, broadcast"> {};
struct Power : Binary<hans::pow, "power", "one to the power of another, broadcast"> {};
struct Minimum : Binary<hans::minimum, "minimum", "the smaller of two, broadcast"> {};
struct Maximum : Binary<hans::maximum, "maximum", "the larger of two, broadcast"> {};
struct Prelu : Binary<hans::prelu, "prelu", "x where it is positive, else the second times x (He 2015)"> {};
struct Equal : Binary<hans::equal, "equal", "1 where two are equal, else 0"> {};
struct Greater : Binary<hans::greater, "greater", "1 where the first is greater, else 0"> {};
struct Less : Binary<hans::less, "less", "1 where the first is less, else 0"> {};
struct Matmul : Binary<hans::matmul, "matmul", "the product of matrices, broadcast", Reach::row> {};
struct Abs : Unary<hans::abs, "abs", "the absolute value"> {};
struct Negate : Unary<(hans::operator-), "negate", "-x"> {};
struct Sqrt : Unary<hans::sqrt, "sqrt", "the square root"> {};
struct Exp : Unary<hans::exp, "exp", "the exponential function"> {};
struct Log : Unary<hans::log, "log", "the natural logarithm"> {};
struct Erf : Unary<hans::erf, "erf", "the error function"> {};
struct Softplus : Unary<hans::softplus, "softplus", "log(1 + exp(x))"> {};
struct Softmax : Unary<hans::softmax, "softmax", "exp(x) over its sum, along the last axis", Reach::row> {};
struct LogSoftmax : Unary<hans::log_softmax, "log_softmax", "the logarithm of that", Reach::row> {};
struct Round : Unary<hans::round, "round", "the nearest whole number, of two the even one; no gradient passes"> {};

}  // namespace hans::nn
