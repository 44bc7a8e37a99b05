// ONNX operators that work on each number by itself.
#include <algorithm>
#include <cmath>
#include <limits>

#include <hans/autodiff/arrays.hpp>
#include <hans/autodiff/functions.hpp>
#include <hans/autodiff/ops.hpp>
#include <hans/core/error.hpp>
#include <hans/nn/activation_layers.hpp>
#include <hans/nn/array_layers.hpp>
#include <hans/nn/onnx_importer.hpp>

namespace hans::nn::onnx {
namespace {

/// A function of one operand: where the numbers lie does not matter.
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

/// Whole numbers are divided towards 0.
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

/// As it is in evaluation.
void dropout(Work& work) {
  check(!work.has(2) || work.known(2, "training_mode").data()[0] == 0, "in training mode");
  const Value x = work.in(0);
  const float rate = work.has(1) ? static_cast<float>(work.known(1, "ratio").data()[0]) : work.number("ratio", 0.5F);
  if (x.known() || rate == 0) return pass_on(work);
  work.give(formed_like(x, work.build.add(Dropout{.rate = rate}, x)));  // for whoever trains it on
}

void cast(Work& work) {
  Value x = work.in(0);
  const Type to = static_cast<Type>(work.integer("to", 0));
  const bool real_type = to == Type::f32 || to == Type::f64 || to == Type::f16 || to == Type::bf16;
  if (x.known() && !real_type) {
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
    if (work.has(input)) return static_cast<float>(work.known(input, "limit").data()[0]);
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

std::map<std::string_view, Operation> elementwise_operations() {
  return {{"Abs", unary<hans::abs>},
          {"Add", binary < hans::operator+> }, {"Cast", cast}, {"Clip", clip}, {"Div", divide}, {"Dropout", dropout},
           {"Elu", elu}, {"Equal", binary<hans::equal>}, {"Erf", unary<hans::erf>}, {"Exp", unary<hans::exp>},
           {"Gelu", gelu}, {"Greater", binary<hans::greater>}, {"HardSigmoid", hard_sigmoid}, {"HardSwish", hard_swish},
           {"Identity", pass_on}, {"LeakyRelu", leaky_relu}, {"Less", binary<hans::less>}, {"Log", unary<hans::log>},
           {"Max", several<hans::maximum>}, {"Min", several<hans::minimum>},
           {"Mul", binary < hans::operator*> },
            {"Neg", unary<(hans::operator-)>},
            {"PRelu", prelu},
            {"Pow", binary<hans::pow>},
            {"Relu", unary<hans::relu>},
            {"Round", unary<hans::round>},
            {"Selu", selu},
            {"Sigmoid", unary<hans::sigmoid>},
            {"Softplus", unary<hans::softplus>},
            {"Sqrt", unary<hans::sqrt>},
            {"Sub", binary<(hans::operator-)>},
            {"Sum", several<(hans::operator+)>},
            {"Tanh", unary<hans::tanh>},
            {"Where", where}};
}

}  // namespace hans::nn::onnx
