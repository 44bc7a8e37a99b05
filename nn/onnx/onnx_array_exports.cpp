// Layers as ONNX nodes: those that work on each number by itself, and those that rearrange and reduce.
#include <algorithm>

#include <hans/nn/activation_layers.hpp>
#include <hans/nn/array_layers.hpp>
#include <hans/nn/preprocess.hpp>
#include "detail/onnx_exporter.hpp"

namespace hans::nn::onnx {
namespace {

/// A template's argument.
struct Op {
  char text[16];
  template <std::size_t n>
  constexpr Op(const char (&given)[n]) : text{} {
    std::copy_n(given, n, text);
  }
};

constexpr std::int64_t float_type = static_cast<std::int64_t>(Type::f32),
                       bool_type = static_cast<std::int64_t>(Type::boolean);

/// An operator on each number by itself, of any operands.
void give_each(Exporter& work, const std::string& op, std::vector<Attribute> attributes = {}) {
  const Form form = work.form();
  std::vector<std::string> inputs;
  for (std::size_t k = 0; k < work.operands(); ++k) inputs.push_back(work.name(k, form));
  work.give(work.node(op, std::move(inputs), std::move(attributes)), form);
}

template <Op op>
void export_each(Exporter& work, const Spec&) {
  give_each(work, op.text);
}

/// One that gives truths.
template <Op op>
void export_comparison(Exporter& work, const Spec&) {
  const Form form = work.form();
  const std::string found = work.node(op.text, {work.name(0, form), work.name(1, form)});
  work.give(work.node("Cast", {found}, {attribute("to", float_type)}), form);
}

template <Op op>
void export_softmax(Exporter& work, const Spec&) {
  work.give(work.node(op.text, {work.name(0, Form::plain)}, {attribute("axis", std::int64_t{-1})}), Form::plain);
}

void export_leaky_relu(Exporter& work, const Spec& spec) {
  give_each(work, "LeakyRelu", {attribute("alpha", from_spec<LeakyRelu>(spec).slope)});
}

void export_elu(Exporter& work, const Spec& spec) {
  give_each(work, "Elu", {attribute("alpha", from_spec<Elu>(spec).alpha)});
}

void export_selu(Exporter& work, const Spec& spec) {
  const auto layer = from_spec<Selu>(spec);
  give_each(work, "Selu", {attribute("alpha", layer.alpha), attribute("gamma", layer.gamma)});
}

void export_hard_sigmoid(Exporter& work, const Spec& spec) {
  const auto layer = from_spec<HardSigmoid>(spec);
  give_each(work, "HardSigmoid", {attribute("alpha", layer.alpha), attribute("beta", layer.beta)});
}

void export_gelu(Exporter& work, const Spec& spec) {
  const bool by_tanh = from_spec<Gelu>(spec).form == Gelu::Form::tanh;
  give_each(work, "Gelu", {attribute("approximate", by_tanh ? "tanh" : "none")});
}

void export_clip(Exporter& work, const Spec& spec) {
  const auto layer = from_spec<Clip>(spec);
  const Form form = work.form();
  work.give(work.node("Clip", {work.name(0, form), work.numbers("low", Tensor::full({}, layer.low)),
                               work.numbers("high", Tensor::full({}, layer.high))}),
            form);
}

void export_dropout(Exporter& work, const Spec& spec) {
  const Form form = work.form();
  const real rate = from_spec<Dropout>(spec).rate;
  work.give(work.node("Dropout", {work.name(0, form), work.numbers("rate", Tensor::full({}, rate))}), form);
}

void export_normalize(Exporter& work, const Spec& spec) {
  const auto layer = from_spec<Normalize>(spec);
  const Form form = work.form();
  std::string x = work.name(0, form);
  const auto per_channel = [&](std::string_view what, const PerChannel& given) {
    const Tensor all({given.all.size()}, std::vector<real>(given.all.begin(), given.all.end()));
    return work.numbers(what, form == Form::plain ? all : all.reshaped({all.size(), 1, 1}));
  };
  if (layer.scale != 1) x = work.node("Mul", {x, work.numbers("scale", Tensor::full({}, layer.scale))});
  if (layer.mean) x = work.node("Sub", {x, per_channel("mean", *layer.mean)});
  if (layer.std) x = work.node("Div", {x, per_channel("std", *layer.std)});
  work.give(x == work.name(0, form) ? work.node("Identity", {x}) : x, form);
}

void export_where(Exporter& work, const Spec&) {
  const Form form = work.form();
  const std::string condition = work.node("Cast", {work.name(0, form)}, {attribute("to", bool_type)});
  work.give(work.node("Where", {condition, work.name(1, form), work.name(2, form)}), form);
}

void export_flatten(Exporter& work, const Spec&) {
  // Of one channel, or one pixel, both forms are the same row.
  const Shape& in = work.in().shape;
  const bool same = work.in().image() && (in[2] == 1 || in[0] * in[1] == 1);
  work.give(work.node("Flatten", {work.name(0, same ? work.form() : Form::plain)}), Form::plain);
}

void export_reshape(Exporter& work, const Spec&) {
  std::vector<std::int64_t> dims{0};  // as many samples as there are
  for (const std::size_t extent : work.out()) dims.push_back(static_cast<std::int64_t>(extent));
  const std::string x = work.name(0, Form::plain);
  work.give(work.node("Reshape", {x, work.whole("shape", dims)}), Form::plain);
}

void export_transpose(Exporter& work, const Spec& spec) {
  const auto layer = from_spec<Transpose>(spec);
  std::vector<std::int64_t> order{0};
  for (const std::size_t axis : layer.order.value().all) order.push_back(Exporter::axis(axis, Form::plain));
  work.give(work.transposed(work.name(0, Form::plain), std::move(order)), Form::plain);
}

void export_take(Exporter& work, const Spec& spec) {
  const auto layer = from_spec<Take>(spec);
  const Form form = work.form();
  const std::int64_t axis = Exporter::axis(layer.axis, form);
  const auto extent = static_cast<std::int64_t>(work.in().shape[layer.axis]);
  std::string x = work.name(0, form);
  std::vector<std::int64_t> indices;
  for (const real index : work.other(0).values())
    indices.push_back(index < 0 ? extent : static_cast<std::int64_t>(index));
  if (std::ranges::count(indices, extent) > 0) {  // the filling stands behind the last element
    const std::size_t rank = work.in().shape.rank() + 1;
    std::vector<std::int64_t> pads(2 * rank);
    pads[rank + static_cast<std::size_t>(axis)] = 1;
    x = work.node("Pad", {x, work.whole("pads", pads), work.numbers("fill", Tensor::full({}, layer.fill))});
  }
  work.give(work.node("Gather", {x, work.whole("indices", indices)}, {attribute("axis", axis)}), form);
}

void export_concat(Exporter& work, const Spec& spec) {
  const auto layer = from_spec<Concat>(spec);
  // Numbers of the network are repeated for each sample.
  const Form form = work.form();
  std::string samples;
  for (std::size_t k = 0; k < work.operands() && samples.empty(); ++k) {
    const bool batched = !work.in(k).constant;
    if (batched) samples = work.name(k, form);
  }
  std::vector<std::string> inputs;
  for (std::size_t k = 0; k < work.operands(); ++k) {
    inputs.push_back(work.name(k, form));
    if (!work.in(k).constant) continue;
    const std::string count = work.node("Shape", {samples}, {attribute("end", std::int64_t{1})});
    std::vector<std::int64_t> dims(work.in(k).shape.rank());
    for (std::size_t axis = 0; axis < dims.size(); ++axis) {
      dims[static_cast<std::size_t>(Exporter::axis(axis, form)) - 1] =
          static_cast<std::int64_t>(work.in(k).shape[axis]);
    }
    const std::string shape =
        work.node("Concat", {count, work.whole("extents", dims)}, {attribute("axis", std::int64_t{0})});
    inputs.back() = work.node("Expand", {inputs.back(), shape});
  }
  work.give(work.node("Concat", std::move(inputs), {attribute("axis", Exporter::axis(layer.axis, form))}), form);
}

void export_reduce(Exporter& work, const Spec& spec) {
  const auto layer = from_spec<Reduce>(spec);
  const std::vector<std::size_t>& axes = layer.axes.value().all;
  // Without the axes it is one form only if those that stay are in the same order in both.
  const bool keeps_height = std::ranges::count(axes, 0U) == 0, keeps_width = std::ranges::count(axes, 1U) == 0;
  const bool keeps_channels = std::ranges::count(axes, 2U) == 0;
  const bool same = layer.keep || !keeps_channels || (!keeps_height && !keeps_width);
  const Form form = same ? work.form() : Form::plain;
  std::vector<std::int64_t> dims;
  for (const std::size_t axis : axes) dims.push_back(Exporter::axis(axis, form));
  std::ranges::sort(dims);
  const char* op = "";
  switch (layer.by.value()) {
    case Reduction::sum:
      op = "ReduceSum";
      break;
    case Reduction::mean:
      op = "ReduceMean";
      break;
    case Reduction::max:
      op = "ReduceMax";
      break;
    case Reduction::min:
      op = "ReduceMin";
      break;
    case Reduction::l2:
      op = "ReduceL2";
      break;
  }
  const std::string x = work.name(0, form);
  work.give(work.node(op, {x, work.whole("axes", dims)}, {attribute("keepdims", std::int64_t{layer.keep ? 1 : 0})}),
            layer.keep ? form : Form::plain);
}

void export_matmul(Exporter& work, const Spec&) {
  const std::string a = work.name(0, Form::plain), b = work.name(1, Form::plain);
  work.give(work.node("MatMul", {a, b}), Form::plain);
}

}  // namespace

std::map<std::string_view, LayerExport> array_exports() {
  return {{"abs", export_each<"Abs">},
          {"add", export_each<"Add">},
          {"divide", export_each<"Div">},
          {"equal", export_comparison<"Equal">},
          {"erf", export_each<"Erf">},
          {"exp", export_each<"Exp">},
          {"flatten", export_flatten},
          {"greater", export_comparison<"Greater">},
          {"less", export_comparison<"Less">},
          {"log", export_each<"Log">},
          {"log_softmax", export_softmax<"LogSoftmax">},
          {"matmul", export_matmul},
          {"maximum", export_each<"Max">},
          {"minimum", export_each<"Min">},
          {"multiply", export_each<"Mul">},
          {"negate", export_each<"Neg">},
          {"power", export_each<"Pow">},
          {"prelu", export_each<"PRelu">},
          {"relu", export_each<"Relu">},
          {"round", export_each<"Round">},
          {"sigmoid", export_each<"Sigmoid">},
          {"softmax", export_softmax<"Softmax">},
          {"softplus", export_each<"Softplus">},
          {"sqrt", export_each<"Sqrt">},
          {"subtract", export_each<"Sub">},
          {"tanh", export_each<"Tanh">},
          {Clip::name, export_clip},
          {Concat::name, export_concat},
          {Dropout::name, export_dropout},
          {Elu::name, export_elu},
          {Gelu::name, export_gelu},
          {HardSigmoid::name, export_hard_sigmoid},
          {LeakyRelu::name, export_leaky_relu},
          {Normalize::name, export_normalize},
          {Reduce::name, export_reduce},
          {Reshape::name, export_reshape},
          {Selu::name, export_selu},
          {Take::name, export_take},
          {Transpose::name, export_transpose},
          {Where::name, export_where}};
}

}  // namespace hans::nn::onnx
