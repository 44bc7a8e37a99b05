// Activations with settings; those without settings are in function_layers.hpp.
#pragma once

#include <hans/autodiff/functions.hpp>
#include <hans/nn/layer.hpp>

namespace hans::nn {

/// x where it is positive, else slope * x (Maas 2013).
struct LeakyRelu {
  float slope = 0.01F;

  static constexpr std::string_view name = "leaky_relu";
  static constexpr std::string_view meaning = "x where it is positive, else slope * x (Maas 2013)";
  static constexpr auto fields() { return std::tuple(field("slope", &LeakyRelu::slope, "for negative numbers")); }
  Var operator()(const Var& x, const Run&) const { return leaky_relu(x, real{slope}); }
};

/// x where it is positive, else alpha * (exp(x) - 1) (Clevert 2016).
struct Elu {
  float alpha = 1;

  static constexpr std::string_view name = "elu";
  static constexpr std::string_view meaning = "x where it is positive, else alpha * (exp(x) - 1) (Clevert 2016)";
  static constexpr auto fields() { return std::tuple(field("alpha", &Elu::alpha, "of negative numbers")); }
  Var operator()(const Var& x, const Run&) const { return elu(x, real{alpha}); }
};

/// gamma times elu (Klambauer 2017).
struct Selu {
  float alpha = 1.6732632F;
  float gamma = 1.0507009F;

  static constexpr std::string_view name = "selu";
  static constexpr std::string_view meaning = "gamma * elu (Klambauer 2017)";
  static constexpr auto fields() {
    return std::tuple(field("alpha", &Selu::alpha, "of negative numbers"), field("gamma", &Selu::gamma, "of all"));
  }
  Var operator()(const Var& x, const Run&) const { return selu(x, real{alpha}, real{gamma}); }
};

/// A linear function, limited to 0 .. 1.
struct HardSigmoid {
  float alpha = 0.2F;
  float beta = 0.5F;

  static constexpr std::string_view name = "hard_sigmoid";
  static constexpr std::string_view meaning = "alpha * x + beta, cut off at 0 and 1";
  static constexpr auto fields() {
    return std::tuple(field("alpha", &HardSigmoid::alpha, "slope"), field("beta", &HardSigmoid::beta, "value at 0"));
  }
  Var operator()(const Var& x, const Run&) const { return hard_sigmoid(x, real{alpha}, real{beta}); }
};

/// x times the standard normal distribution function of x (Hendrycks 2016), exact or approximated by tanh.
struct Gelu {
  enum class Form { erf, tanh };
  Form form = Form::erf;

  static constexpr std::string_view name = "gelu";
  static constexpr std::string_view meaning = "x times the normal distribution's function of x (Hendrycks 2016)";
  static constexpr auto fields() { return std::tuple(field("form", &Gelu::form, "exact, or approximated by tanh")); }
  Var operator()(const Var& x, const Run&) const { return gelu(x, form == Form::tanh); }
};
constexpr std::array<std::string_view, 2> enum_names(Gelu::Form) { return {"erf", "tanh"}; }

/// Limits every number to an interval.
struct Clip {
  float low = 0;
  float high = 1;

  static constexpr std::string_view name = "clip";
  static constexpr std::string_view meaning = "numbers outside an interval become its ends";
  static constexpr auto fields() {
    return std::tuple(field("low", &Clip::low, any_number.or_infinite(), "lower end"),
                      field("high", &Clip::high, any_number.or_infinite(), "upper end"));
  }
  Var operator()(const Var& x, const Run&) const { return clamp(x, real{low}, real{high}); }
};

}  // namespace hans::nn
