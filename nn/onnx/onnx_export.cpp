// Export of networks to ONNX: each layer as ONNX nodes.
#include <hans/nn/onnx_export.hpp>

#include <algorithm>

#include <hans/core/error.hpp>
#include <hans/nn/walk.hpp>
#include "detail/onnx_exporter.hpp"

namespace hans::nn {
namespace onnx {
namespace {

constexpr std::int64_t float_type = static_cast<std::int64_t>(Type::f32),
                       bool_type = static_cast<std::int64_t>(Type::boolean);

/// Adds an elementwise operator with all operands of the layer.
void give_each(Exporter& work, const std::string& op, std::vector<Attribute> attributes = {}) {
  const Form form = work.form();
  std::vector<std::string> inputs;
  for (std::size_t k = 0; k < work.operands(); ++k) inputs.push_back(work.name(k, form));
  work.give(work.node(op, std::move(inputs), std::move(attributes)), form);
}

/// Adds a comparison of two operands.
void give_truths(Exporter& work, const char* op) {
  const Form form = work.form();
  const std::string found = work.node(op, {work.name(0, form), work.name(1, form)});
  work.give(work.node("Cast", {found}, {attribute("to", float_type)}), form);
}

/// Adds an operator along the last axis.
void give_row(Exporter& work, const char* op) {
  work.give(work.node(op, {work.name(0, Form::plain)}, {attribute("axis", std::int64_t{-1})}), Form::plain);
}

void export_layer(Exporter& work, const Abs&) { give_each(work, "Abs"); }
void export_layer(Exporter& work, const Add&) { give_each(work, "Add"); }
void export_layer(Exporter& work, const Divide&) { give_each(work, "Div"); }
void export_layer(Exporter& work, const Equal&) { give_truths(work, "Equal"); }
void export_layer(Exporter& work, const Erf&) { give_each(work, "Erf"); }
void export_layer(Exporter& work, const Exp&) { give_each(work, "Exp"); }
void export_layer(Exporter& work, const Greater&) { give_truths(work, "Greater"); }
void export_layer(Exporter& work, const Less&) { give_truths(work, "Less"); }
void export_layer(Exporter& work, const Log&) { give_each(work, "Log"); }
void export_layer(Exporter& work, const LogSoftmax&) { give_row(work, "LogSoftmax"); }
void export_layer(Exporter& work, const Maximum&) { give_each(work, "Max"); }
void export_layer(Exporter& work, const Minimum&) { give_each(work, "Min"); }
void export_layer(Exporter& work, const Multiply&) { give_each(work, "Mul"); }
void export_layer(Exporter& work, const Negate&) { give_each(work, "Neg"); }
void export_layer(Exporter& work, const Power&) { give_each(work, "Pow"); }
void export_layer(Exporter& work, const Prelu&) { give_each(work, "PRelu"); }
void export_layer(Exporter& work, const Relu&) { give_each(work, "Relu"); }
void export_layer(Exporter& work, const Round&) { give_each(work, "Round"); }
void export_layer(Exporter& work, const Sigmoid&) { give_each(work, "Sigmoid"); }
void export_layer(Exporter& work, const Softmax&) { give_row(work, "Softmax"); }
void export_layer(Exporter& work, const Softplus&) { give_each(work, "Softplus"); }
void export_layer(Exporter& work, const Sqrt&) { give_each(work, "Sqrt"); }
void export_layer(Exporter& work, const Subtract&) { give_each(work, "Sub"); }
void export_layer(Exporter& work, const Tanh&) { give_each(work, "Tanh"); }
void export_layer(Exporter& work, const Elu& layer) { give_each(work, "Elu", {attribute("alpha", layer.alpha)}); }

void export_layer(Exporter& work, const LeakyRelu& layer) {
  give_each(work, "LeakyRelu", {attribute("alpha", layer.slope)});
}

void export_layer(Exporter& work, const Selu& layer) {
  give_each(work, "Selu", {attribute("alpha", layer.alpha), attribute("gamma", layer.gamma)});
}

void export_layer(Exporter& work, const HardSigmoid& layer) {
  give_each(work, "HardSigmoid", {attribute("alpha", layer.alpha), attribute("beta", layer.beta)});
}

void export_layer(Exporter& work, const Gelu& layer) {
  give_each(work, "Gelu", {attribute("approximate", layer.form == Gelu::Form::tanh ? "tanh" : "none")});
}

void export_layer(Exporter& work, const Clip& layer) {
  const Form form = work.form();
  work.give(work.node("Clip", {work.name(0, form), work.numbers("low", Tensor::full({}, layer.low)),
                               work.numbers("high", Tensor::full({}, layer.high))}),
            form);
}

void export_layer(Exporter& work, const Dropout& layer) {
  const Form form = work.form();
  work.give(work.node("Dropout", {work.name(0, form), work.numbers("rate", Tensor::full({}, layer.rate.value()))}),
            form);
}

void export_layer(Exporter& work, const Normalize& layer) {
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

void export_layer(Exporter& work, const Where&) {
  const Form form = work.form();
  const std::string condition = work.node("Cast", {work.name(0, form)}, {attribute("to", bool_type)});
  work.give(work.node("Where", {condition, work.name(1, form), work.name(2, form)}), form);
}

void export_layer(Exporter& work, const Flatten&) {
  // With one channel or one pixel, both forms flatten to the same row.
  const Shape& in = work.in().shape;
  const bool same = work.in().image() && (in[2] == 1 || in[0] * in[1] == 1);
  work.give(work.node("Flatten", {work.name(0, same ? work.form() : Form::plain)}), Form::plain);
}

void export_layer(Exporter& work, const Reshape&) {
  std::vector<std::int64_t> dims{0};  // 0 keeps the number of samples
  for (const std::size_t extent : work.out()) dims.push_back(static_cast<std::int64_t>(extent));
  const std::string x = work.name(0, Form::plain);
  work.give(work.node("Reshape", {x, work.whole("shape", dims)}), Form::plain);
}

void export_layer(Exporter& work, const Transpose& layer) {
  std::vector<std::int64_t> order{0};
  for (const std::size_t axis : layer.order.value().all) order.push_back(Exporter::axis(axis, Form::plain));
  work.give(work.transposed(work.name(0, Form::plain), std::move(order)), Form::plain);
}

void export_layer(Exporter& work, const Take& layer) {
  const Form form = work.form();
  const std::int64_t axis = Exporter::axis(layer.axis, form);
  const auto extent = static_cast<std::int64_t>(work.in().shape[layer.axis]);
  std::string x = work.name(0, form);
  std::vector<std::int64_t> indices;
  for (const real index : work.other(0).values())
    indices.push_back(index < 0 ? extent : static_cast<std::int64_t>(index));
  if (std::ranges::count(indices, extent) > 0) {  // the fill value is added after the last element
    const std::size_t rank = work.in().shape.rank() + 1;
    std::vector<std::int64_t> pads(2 * rank);
    pads[rank + static_cast<std::size_t>(axis)] = 1;
    x = work.node("Pad", {x, work.whole("pads", pads), work.numbers("fill", Tensor::full({}, layer.fill))});
  }
  work.give(work.node("Gather", {x, work.whole("indices", indices)}, {attribute("axis", axis)}), form);
}

void export_layer(Exporter& work, const Concat& layer) {
  // Constants are repeated for every sample.
  const Form form = work.form();
  std::string samples;
  for (std::size_t k = 0; k < work.operands() && samples.empty(); ++k) {
    if (!work.in(k).constant) samples = work.name(k, form);
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

void export_layer(Exporter& work, const Reduce& layer) {
  constexpr const char* ops[] = {"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL2"};  // as Reduction
  const std::vector<std::size_t>& axes = layer.axes.value().all;
  // Without the reduced axes, the form is unchanged only if the remaining axes have the same order in both forms.
  const bool keeps_height = std::ranges::count(axes, 0U) == 0, keeps_width = std::ranges::count(axes, 1U) == 0;
  const bool keeps_channels = std::ranges::count(axes, 2U) == 0;
  const bool same = layer.keep || !keeps_channels || (!keeps_height && !keeps_width);
  const Form form = same ? work.form() : Form::plain;
  std::vector<std::int64_t> dims;
  for (const std::size_t axis : axes) dims.push_back(Exporter::axis(axis, form));
  std::ranges::sort(dims);
  const std::string x = work.name(0, form);
  work.give(work.node(ops[static_cast<std::size_t>(layer.by.value())], {x, work.whole("axes", dims)},
                      {attribute("keepdims", std::int64_t{layer.keep ? 1 : 0})}),
            layer.keep ? form : Form::plain);
}

void export_layer(Exporter& work, const Matmul&) {
  const std::string a = work.name(0, Form::plain), b = work.name(1, Form::plain);
  work.give(work.node("MatMul", {a, b}), Form::plain);
}

void export_layer(Exporter& work, const Constant&) { work.give(work.weights() == 0 ? work.other(0) : work.weight(0)); }

void export_layer(Exporter& work, const GaussianNoise&) {
  throw Error(text("layer ", work.layer(), ", ", GaussianNoise::name, ", cannot be written as ONNX"));
}

/// Adds the nodes of each layer. The value on the walk is the layer's index in the exporter.
struct LayerExport {
  std::size_t operator()(const auto& layer, const LayerAt& at, std::span<std::size_t> operands) const {
    work.begin(at.position, operands);
    export_layer(work, layer);
    return at.position;
  }
  Exporter& work;
};

}  // namespace
}  // namespace onnx

onnx::File export_onnx(const Sequential& net) {
  onnx::Exporter work(net);
  walk_forward(net, work.images(), onnx::LayerExport{work});
  return {exported_ir_version, exported_opset, "hans", work.finish()};
}

}  // namespace hans::nn
