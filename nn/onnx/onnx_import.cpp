// Import of networks from ONNX: from a graph to layers.
#include <hans/nn/onnx_import.hpp>

#include <algorithm>

#include <hans/autodiff/functions.hpp>
#include <hans/core/error.hpp>
#include <hans/core/file.hpp>
#include <hans/core/hash.hpp>
#include <hans/nn/array_layers.hpp>
#include "detail/onnx_importer.hpp"

namespace hans::nn {
namespace onnx {
namespace {

constexpr std::int64_t first_opset = 7, last_opset = 21;

const Operators& operators() {
  static const Operators all = [] {
    Operators joined = elementwise_operators();
    joined.merge(array_operators());
    joined.merge(product_operators());
    joined.merge(reduction_operators());
    joined.merge(selection_operators());
    return joined;
  }();
  return all;
}

/// The import budget of a graph: four numbers for each stored real, two for each stored integer, which may occupy a
/// single byte.
Budget budget_of(const Graph& graph) {
  std::uint64_t numbers = 0, bytes = 0;
  const auto add = [&](const TensorData& tensor) {
    const std::size_t size = size_of(tensor.type);
    if (size > 0) numbers += tensor.bytes.size() / size * (is_real(tensor.type) ? 4 : 2);
    bytes += tensor.bytes.size();
  };
  std::ranges::for_each(graph.initializers, add);
  for (const Node& node : graph.nodes) {
    for (const Attribute& attribute : node.attributes) add(attribute.tensor);
  }
  return {numbers, bytes};
}

/// The graph's input for one image, without the sample axis, and whether it has that axis.
struct Entry {
  Dims sample;
  bool batched = true;
};

Entry entry_of(const ValueInfo& input, const Preprocess& preprocess) {
  Entry entry;
  if (preprocess.shape) {
    const Shape& shape = *preprocess.shape;
    entry.sample.assign(shape.begin(), shape.end());
    if (shape.rank() == input.dims.size() && input.has_shape) {
      check(shape[0] == 1, "the shape ", shape, " has as many axes as the input, so the first one is the batch: 1");
      entry.sample.erase(entry.sample.begin());
    }
    return entry;
  }
  check(input.has_shape, "the file does not say the shape of its input ", in_quotes(input.name),
        "; say it: --preprocess shape=1x28x28");
  for (const Dim& dim : input.dims) entry.sample.push_back(dim.known ? dim.value : -1);
  entry.batched = entry.sample.size() > 1;
  if (entry.batched) entry.sample.erase(entry.sample.begin());
  for (const std::int64_t extent : entry.sample) {
    check(extent > 0, "the file leaves an extent of its input ", in_quotes(input.name),
          " open; say it: --preprocess shape=1x28x28");
  }
  check(!entry.sample.empty() && entry.sample.size() <= 3, "an input of ", input.dims.size(),
        " axes is no image; expected samples x channels x height x width, or fewer");
  return entry;
}

/// The image shape for such an input: height x width x channels.
Shape image_of(const Dims& sample, Layout layout) {
  const Shape all = to_shape(sample);
  check(all.elements() <= most_features, "an input of ", all, " has more than ", most_features, " features");
  if (sample.size() == 3 && layout == Layout::nhwc) return all;
  // Channels first. 28x28x1 would be a row of features then; --preprocess layout=nhwc makes it an image.
  if (sample.size() == 3 && (all[1] > 1 || all[2] > 1) && (all[0] <= 4 || all[2] > 4)) return {all[1], all[2], all[0]};
  if (sample.size() == 2 && all[0] > 1 && all[1] > 1) return {all[0], all[1], 1};
  for (const std::size_t channels : {std::size_t{1}, std::size_t{3}}) {
    std::size_t side = 1;
    while (side * side * channels < all.elements()) ++side;
    if (side * side * channels == all.elements()) return {side, side, channels};
  }
  return {1, all.elements(), 1};
}

/// The preprocessed image, in the form of the graph's input.
Value entry_value(Builder& build, const Entry& entry, const Preprocess& preprocess, bool whole) {
  Value x = build.images();
  if (preprocess.scale != 1 || preprocess.mean || preprocess.std) {
    x = formed_like(x, build.add(Normalize(preprocess), x));
  }
  if (whole) x = formed_like(x, build.add(hans::round, x));
  if (preprocess.layout == Layout::nhwc) {
    x.dims = {1, x.dims[2], x.dims[3], x.dims[1]};
    x.order = Order::plain;
  }
  Dims dims = entry.sample;
  dims.insert(dims.begin(), 1);
  x = build.reshaped(x, dims);
  if (!entry.batched) {
    x.dims = entry.sample;
    x.batched = false;
  }
  x.whole = whole;
  return x;
}

/// The logits before the output `name`.
Value logits_of(Importer& importer, const Graph& graph, const Names& names, const std::string& name,
                std::vector<std::string>& notes) {
  const auto producer = [&](const std::string& value) {
    const auto found = names.nodes.find(value);
    return found == names.nodes.end() ? nullptr : &graph.nodes[found->second];
  };
  // All nodes have been translated, so the graph has no cycles.
  const Node* last = producer(name);
  while (last != nullptr && last->op == "Identity") last = producer(last->inputs[0]);
  if (last != nullptr && (last->op == "Softmax" || last->op == "LogSoftmax")) {
    notes.push_back(text("its output ", in_quotes(name), " is a ", last->op, "; the logits before it are used"));
    return importer.value(last->inputs[0]);
  }
  return importer.value(name);
}

}  // namespace

Value stored(const TensorData& tensor) {
  Value made;
  made.dims = tensor.dims;
  made.whole = !is_real(tensor.type);
  made.constant = tensor.numbers();
  return made;
}

Names::Names(const Graph& graph) {
  std::set<std::string_view> inputs, outputs;
  const auto once = [](bool is_new, std::string_view name) {
    check(is_new, "it gives the name ", in_quotes(name), " to two values");
  };
  for (const TensorData& tensor : graph.initializers)
    once(initializers.emplace(tensor.name, &tensor).second, tensor.name);
  for (const ValueInfo& input : graph.inputs) once(inputs.insert(input.name).second, input.name);
  for (const ValueInfo& output : graph.outputs) once(outputs.insert(output.name).second, output.name);
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    for (const std::string& output : graph.nodes[n].outputs) {
      if (output.empty()) continue;
      once(nodes.emplace(output, n).second && !stored(output) && !inputs.contains(output), output);
    }
  }
}

Importer::Importer(const File& file, const Names& names, const Shape& image)
    : build(image, budget_of(file.graph)), file_(file), names_(names) {
  for (std::size_t n = 0; n < file.graph.nodes.size(); ++n) {
    for (const std::string& input : file.graph.nodes[n].inputs) uses_[input] = {uses_[input].count + 1, n};
  }
  for (const ValueInfo& output : file.graph.outputs) ++uses_[output.name].count;
}

Value Importer::value(const std::string& name) {
  if (const auto found = values_.find(name); found != values_.end()) return found->second;
  const auto found = names_.initializers.find(name);
  check(found != names_.initializers.end(), "nothing before it gives ", in_quotes(name));
  return values_.insert_or_assign(name, stored(*found->second)).first->second;
}

bool Importer::known(const std::string& name) {
  const auto found = values_.find(name);
  return found != values_.end() ? found->second.known() : names_.stored(name);
}

void Importer::translate(std::size_t index) {
  if (done_.contains(index)) return;
  const Node& node = file_.graph.nodes[index];
  const auto found = operators().find(node.op);
  const std::string op = found == operators().end() ? in_quotes(node.op) : node.op;
  try {
    check(found != operators().end(), "is not supported");
    check(node.domain.empty() || node.domain == "ai.onnx", "of the domain ", in_quotes(node.domain),
          " is not supported");
    Work work(*this, node, found->second);
    found->second.translate(work);
  } catch (const MemoryError&) {
    throw;
  } catch (const Error& error) {
    throw Error(
        text("node ", index, ", ", op, node.name.empty() ? "" : text(" ", in_quotes(node.name)), ": ", error.what()));
  }
}

Work::Work(Importer& given, const Node& node, const Operator& kind)
    : importer(given), build(given.build), node_(node), inputs_(node.inputs.size()) {
  check(!node.outputs.empty(), "it has no output");
  output_ = node.outputs[0];
  while (inputs_ > 0 && node.inputs[inputs_ - 1].empty()) --inputs_;
  for (std::size_t k = 0; k < kind.least; ++k) check(has(k), "its input ", k, " is missing");
  check(inputs_ <= kind.most, "it has ", inputs_, " inputs; ", kind.most, " are the most");
}

std::int64_t Work::opset() const { return importer.file_.opset; }

Value Work::in(std::size_t input) {
  check(has(input), "its input ", input, " is missing");
  Value value = importer.value(node_.inputs[input]);
  check(!value.index || node_.op == "Cast" || node_.op == "Identity", "its input ", input,
        " is the index that ArgMax gives; that can only be the output of the graph");
  return value;
}

void Work::give(Value value, std::size_t output) {
  check(output < node_.outputs.size(), "it has no output ", output);
  importer.name(output == 0 ? output_ : node_.outputs[output], std::move(value));
}

Tensor Work::known(std::size_t input, std::string_view what) {
  const Value value = in(input);
  check(value.known(), "its ", what, " (", in_quotes(node_.inputs[input]), ") depends on the image");
  return *value.constant;
}

Dims Work::whole(std::size_t input, std::string_view what) {
  const Tensor numbers = known(input, what);
  build.budget.take_work(numbers.size(), 16);
  constexpr auto limit = real{1} * (std::int64_t{1} << 60);
  Dims made;
  for (const real number : numbers.values()) {
    check(number == number, "its ", what, " holds a NaN");
    made.push_back(static_cast<std::int64_t>(std::clamp(number, -limit, limit)));
  }
  return made;
}

real Work::scalar(std::size_t input, std::string_view what) {
  const Tensor numbers = known(input, what);
  check(numbers.size() == 1, "its ", what, " is of shape ", numbers.shape(), ", not one number");
  return numbers.data()[0];
}

const Attribute* Work::attribute(std::string_view name, Attribute::Kind kind) const {
  const Attribute* found = node_.find(name);
  check(found == nullptr || found->kind == kind || found->kind == Attribute::Kind::none, "its attribute ",
        in_quotes(name), " is of kind ", found == nullptr ? 0 : static_cast<std::int32_t>(found->kind), ", not ",
        static_cast<std::int32_t>(kind));
  return found;
}

std::int64_t Work::integer(std::string_view name, std::optional<std::int64_t> usual) {
  const Attribute* found = attribute(name, Attribute::Kind::integer);
  check(found != nullptr || usual, "its attribute ", in_quotes(name), " is missing");
  return found == nullptr ? *usual : found->integer;
}
float Work::number(std::string_view name, float usual) {
  const Attribute* found = attribute(name, Attribute::Kind::number);
  return found == nullptr ? usual : found->number;
}
Dims Work::integers(std::string_view name, Dims usual) {
  const Attribute* found = attribute(name, Attribute::Kind::integers);
  return found == nullptr ? usual : found->integers;
}

Dims Work::extents(std::string_view name, Dims usual) {
  Dims found = integers(name, std::move(usual));
  constexpr std::int64_t most = std::int64_t{1} << 24;
  for (const std::int64_t extent : found) {
    check(-most <= extent && extent <= most, name, " ", to_text(found), ": ", extent, " is out of range");
  }
  return found;
}
std::string Work::word(std::string_view name, std::string_view usual) {
  const Attribute* found = attribute(name, Attribute::Kind::text);
  return found == nullptr ? std::string(usual) : found->text;
}

std::size_t Work::axis(std::int64_t axis, std::size_t rank) const {
  const auto axes = static_cast<std::int64_t>(rank);
  check(-axes <= axis && axis < axes, "axis ", axis, " of ", rank);
  return static_cast<std::size_t>(axis < 0 ? axis + axes : axis);
}

std::vector<std::size_t> Work::axes(const Dims& given, std::size_t rank) const {
  check(given.size() <= rank && rank < Shape::max_rank, "axes ", to_text(given), " of ", rank);
  std::vector<std::size_t> made;
  for (const std::int64_t each : given) {
    made.push_back(axis(each, rank));
    check(std::ranges::count(made, made.back()) == 1, "axes ", to_text(given), " name one twice");
  }
  return made;
}

std::optional<Tensor> Work::bias_behind(std::size_t units, std::size_t axis, std::size_t rank) {
  const Importer::Use use = importer.uses_[output_];
  if (use.count != 1) return {};
  const Node& behind = importer.file_.graph.nodes[use.node];
  if (behind.op != "Add" || !behind.domain.empty() || behind.inputs.size() != 2 || behind.outputs.size() != 1)
    return {};
  const std::size_t place_here = behind.inputs[0] == output_ ? 0 : 1;
  const std::string& other = behind.inputs[1 - place_here];
  // The single use may also be an output of the graph.
  if (behind.inputs[place_here] != output_ || !importer.known(other)) return {};
  const Value value = importer.value(other);
  if (value.constant->size() != units || value.rank() > rank || value.whole) return {};
  const std::size_t place = axis - (rank - value.rank());  // wraps if the constant has too few axes
  if (place >= value.rank() || value.dims[place] != static_cast<std::int64_t>(units)) return {};
  importer.done_.insert(use.node);
  output_ = behind.outputs[0];
  return value.constant->reshaped({units});
}

}  // namespace onnx

Model import_onnx(const onnx::File& file, const Preprocess& preprocess, std::vector<std::string>& notes,
                  OnnxOutput output) {
  using namespace onnx;
  const Graph& graph = file.graph;
  const Names names(graph);
  check(first_opset <= file.opset && file.opset <= last_opset, "its opset is ", file.opset, ", supported are ",
        first_opset, " to ", last_opset);
  const ValueInfo* input = nullptr;
  for (const ValueInfo& each : graph.inputs) {
    if (names.stored(each.name)) continue;
    check(input == nullptr, "it has several inputs, ", in_quotes(input == nullptr ? "" : input->name), " and ",
          in_quotes(each.name), "; a classifier has one");
    input = &each;
  }
  check(input != nullptr && !graph.outputs.empty(), "it has no input or no output");
  const Entry entry = entry_of(*input, preprocess);
  Importer importer(file, names, image_of(entry.sample, preprocess.layout));
  const bool whole = input->type == Type::u8 || input->type == Type::i8 || input->type == Type::i32 ||
                     input->type == Type::i64 || input->type == Type::u16 || input->type == Type::i16;
  importer.name(input->name, entry_value(importer.build, entry, preprocess, whole));
  for (std::size_t index = 0; index < graph.nodes.size(); ++index) importer.translate(index);
  if (graph.outputs.size() > 1) {
    notes.push_back(text("it has ", graph.outputs.size(), " outputs; the first one, ", in_quotes(graph.outputs[0].name),
                         ", is used"));
  }
  const std::string& name = graph.outputs[0].name;
  Model model{importer.build.finish(output == OnnxOutput::graph ? importer.value(name)
                                                                : logits_of(importer, graph, names, name, notes))};
  model.preprocessing = preprocess_text(preprocess);
  model.training = {{"made by", file.producer.empty() ? "unknown" : file.producer}, {"opset", text(file.opset)}};
  return model;
}

Model load_onnx(const std::filesystem::path& path, const Preprocess& preprocess, std::vector<std::string>& notes,
                OnnxOutput output) {
  const std::string bytes = read_file(path);
  const std::string where = in_quotes(path.string());
  Sha256 hash;
  hash.add(bytes);
  using onnx::Bytes;
  const onnx::External beside = onnx::files_beside(path);
  const onnx::File file =
      onnx::parse(bytes, where, [&](const std::string& name, std::int64_t offset, std::int64_t length) {
        Bytes numbers = beside(name, offset, length);
        hash.add(numbers);
        return numbers;
      });
  try {
    Model model = import_onnx(file, preprocess, notes, output);
    model.sha256 = hash.hex();
    return model;
  } catch (const MemoryError&) {
    throw;
  } catch (const Error& error) {
    throw Error(text(where, " cannot be used: ", error.what()));
  }
}

}  // namespace hans::nn
