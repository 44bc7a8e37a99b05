// Elementwise ONNX operators.
#include <algorithm>
#include <cmath>
#include <limits>

#include <hans/autodiff/arrays.hpp>
#include <hans/autodiff/functions.hpp>
#include <hans/autodiff/ops.hpp>
#include <hans/core/error.hpp>
#include <hans/nn/activation_layers.hpp>
#include <hans/nn/array_layers.hpp>
#include "detail/onnx_importer.hpp"

namespace hans::nn::onnx {
namespace {

/// Adds an elementwise layer of one operand, whose layout does not matter.
Value each(Work& work, const Layer& layer) {
  const Value x = work.in(0);
  Value made = formed_like(x, work.build.add(layer, x));
  made.whole = x.whole;
  return made;
}

template <Var (*function)(const Var&)>
void unary(Work& work) {
  work.give(each(work, function));
}

template <Var (*function)(const Var&, const Var&)>
void binary(Work& work) {
  work.give(work.build.combine(function, {work.in(0), work.in(1)}));
}

template <Var (*function)(const Var&, const Var&)>
void several(Work& work) {
  Value made = work.in(0);
  for (std::size_t k = 1; k < work.inputs(); ++k) made = work.build.combine(function, {made, work.in(k)});
  work.give(made);
}

/// Integer division rounds towards 0.
void divide(Work& work) {
  Value made = work.build.combine(hans::operator/, {work.in(0), work.in(1)});
  if (made.whole) {
    check(made.known(), "a division of whole numbers that depend on the image");
    for (real& value : made.constant->mutable_values()) value = std::trunc(value);
  }
  work.give(made);
}

void pass_on(Work& work) {
  check(!work.wants(1), "only its first output is supported");
  work.give(work.in(0));
}

/// Dropout in evaluation mode.
void dropout(Work& work) {
  check(!work.has(2) || work.scalar(2, "training_mode") == 0, "in training mode");
  const Value x = work.in(0);
  const float rate = work.has(1) ? static_cast<float>(work.scalar(1, "ratio")) : work.number("ratio", 0.5F);
  if (x.known() || rate == 0) return pass_on(work);
  work.give(formed_like(x, work.build.add(Dropout{.rate = rate}, x)));  // kept for further training
}

void cast(Work& work) {
  Value x = work.in(0);
  const Type to = static_cast<Type>(work.integer("to"));
  const bool real_type = is_real(to);
  if (x.known() && !real_type) {
    work.build.budget.take_numbers(x.constant->size());
    for (real& value : x.constant->mutable_values()) {
      value = to == Type::boolean ? static_cast<real>(value != 0) : std::trunc(value);
    }
  }
  check(x.known() || real_type || x.whole || to == Type::boolean,
        "to whole numbers of what depends on the image: no gradient would pass");
  x.whole = !real_type;
  work.give(x);
}

void clip(Work& work) {
  const auto limit = [&](std::size_t input, std::string_view attribute, float usual) {
    if (work.has(input)) return static_cast<float>(work.scalar(input, attribute));
    return work.number(attribute, usual);
  };
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const float high = limit(2, "max", infinity);
  work.give(each(work, Clip{.low = std::min(limit(1, "min", -infinity), high), .high = high}));
}

void leaky_relu(Work& work) { work.give(each(work, LeakyRelu{.slope = work.number("alpha", 0.01F)})); }
void elu(Work& work) { work.give(each(work, Elu{.alpha = work.number("alpha", 1)})); }
void selu(Work& work) {
  work.give(each(work, Selu{.alpha = work.number("alpha", 1.67326319217681884765625F),
                            .gamma = work.number("gamma", 1.05070102214813232421875F)}));
}
void hard_sigmoid(Work& work) {
  work.give(each(work, HardSigmoid{.alpha = work.number("alpha", 0.2F), .beta = work.number("beta", 0.5F)}));
}
void hard_swish(Work& work) {
  work.give(
      work.build.combine(hans::operator*, {work.in(0), each(work, HardSigmoid{.alpha = 1.0F / 6, .beta = 0.5F})}));
}
void gelu(Work& work) {
  const std::string form = work.word("approximate", "none");
  check(form == "none" || form == "tanh", "approximate = ", in_quotes(form));
  work.give(each(work, Gelu{.form = form == "tanh" ? Gelu::Form::tanh : Gelu::Form::erf}));
}

void prelu(Work& work) { work.give(work.build.combine(hans::prelu, {work.in(0), work.in(1)}, true)); }

void where(Work& work) { work.give(work.build.combine(Where{}, {work.in(0), work.in(1), work.in(2)})); }

}  // namespace

Operators elementwise_operators() {
  return {{"Abs", {unary<hans::abs>, 1, 1}},
          {"Add", {binary<(hans::operator+)>, 2, 2}},
          {"Cast", {cast, 1, 1}},
          {"Clip", {clip, 1, 3}},
          {"Div", {divide, 2, 2}},
          {"Dropout", {dropout, 1, 3}},
          {"Elu", {elu, 1, 1}},
          {"Equal", {binary<hans::equal>, 2, 2}},
          {"Erf", {unary<hans::erf>, 1, 1}},
          {"Exp", {unary<hans::exp>, 1, 1}},
          {"Gelu", {gelu, 1, 1}},
          {"Greater", {binary<hans::greater>, 2, 2}},
          {"HardSigmoid", {hard_sigmoid, 1, 1}},
          {"HardSwish", {hard_swish, 1, 1}},
          {"Identity", {pass_on, 1, 1}},
          {"LeakyRelu", {leaky_relu, 1, 1}},
          {"Less", {binary<hans::less>, 2, 2}},
          {"Log", {unary<hans::log>, 1, 1}},
          {"Max", {several<hans::maximum>, 1, Operator::any_number}},
          {"Min", {several<hans::minimum>, 1, Operator::any_number}},
          {"Mul", {binary<(hans::operator*)>, 2, 2}},
          {"Neg", {unary<(hans::operator-)>, 1, 1}},
          {"PRelu", {prelu, 2, 2}},
          {"Pow", {binary<hans::pow>, 2, 2}},
          {"Relu", {unary<hans::relu>, 1, 1}},
          {"Round", {unary<hans::round>, 1, 1}},
          {"Selu", {selu, 1, 1}},
          {"Sigmoid", {unary<hans::sigmoid>, 1, 1}},
          {"Softplus", {unary<hans::softplus>, 1, 1}},
          {"Sqrt", {unary<hans::sqrt>, 1, 1}},
          {"Sub", {binary<(hans::operator-)>, 2, 2}},
          {"Sum", {several<(hans::operator+)>, 1, Operator::any_number}},
          {"Tanh", {unary<hans::tanh>, 1, 1}},
          {"Where", {where, 3, 3}}};
}

}  // namespace hans::nn::onnx
