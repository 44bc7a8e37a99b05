// Hostile ONNX graphs: nodes of all operators, known and unknown, with operands and attributes that fit more or less.
// A node that makes the graph unusable is mostly taken out again, so that graphs become deep.
#include "../../nn/onnx/detail/onnx_importer.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>
#include <vector>

#include <hans/core/error.hpp>
#include <hans/nn/onnx_import.hpp>

#include "hostile.hpp"
#include "use_network.hpp"

namespace hostile {
namespace {

using namespace hans::nn::onnx;

const std::vector<std::pair<std::string, Operator>>& operators() {
  static const std::vector<std::pair<std::string, Operator>> all = [] {
    std::vector<std::pair<std::string, Operator>> joined{{"LSTM", {nullptr, 1, 3}}, {"", {nullptr, 0, 2}}};
    for (const Operators& kind :
         {elementwise_operators(), array_operators(), product_operators(), reduction_operators()}) {
      for (const auto& [name, each] : kind) joined.emplace_back(name, each);
    }
    return joined;
  }();
  return all;
}

enum class Setting { integer, number, integers, word, tensor, numbers };
struct Named {
  const char* name;
  Setting setting;
};
constexpr std::array attributes{Named{"axis", Setting::integer},
                                Named{"axes", Setting::integers},
                                Named{"perm", Setting::integers},
                                Named{"keepdims", Setting::integer},
                                Named{"kernel_shape", Setting::integers},
                                Named{"strides", Setting::integers},
                                Named{"dilations", Setting::integers},
                                Named{"pads", Setting::integers},
                                Named{"group", Setting::integer},
                                Named{"auto_pad", Setting::word},
                                Named{"output_padding", Setting::integers},
                                Named{"output_shape", Setting::integers},
                                Named{"ceil_mode", Setting::integer},
                                Named{"count_include_pad", Setting::integer},
                                Named{"alpha", Setting::number},
                                Named{"beta", Setting::number},
                                Named{"epsilon", Setting::number},
                                Named{"momentum", Setting::number},
                                Named{"ratio", Setting::number},
                                Named{"min", Setting::number},
                                Named{"max", Setting::number},
                                Named{"to", Setting::integer},
                                Named{"mode", Setting::word},
                                Named{"value", Setting::tensor},
                                Named{"value", Setting::number},
                                Named{"value_int", Setting::integer},
                                Named{"value_ints", Setting::integers},
                                Named{"value_float", Setting::number},
                                Named{"value_floats", Setting::numbers},
                                Named{"shape", Setting::integers},
                                Named{"starts", Setting::integers},
                                Named{"ends", Setting::integers},
                                Named{"split", Setting::integers},
                                Named{"num_outputs", Setting::integer},
                                Named{"transA", Setting::integer},
                                Named{"transB", Setting::integer},
                                Named{"start", Setting::integer},
                                Named{"end", Setting::integer},
                                Named{"allowzero", Setting::integer},
                                Named{"noop_with_empty_axes", Setting::integer},
                                Named{"coordinate_transformation_mode", Setting::word},
                                Named{"nearest_mode", Setting::word},
                                Named{"keep_aspect_ratio_policy", Setting::word},
                                Named{"approximate", Setting::word}};
constexpr std::array words{"SAME_UPPER",
                           "SAME_LOWER",
                           "VALID",
                           "NOTSET",
                           "nearest",
                           "constant",
                           "edge",
                           "wrap",
                           "reflect",
                           "asymmetric",
                           "floor",
                           "ceil",
                           "not_larger",
                           "not_smaller",
                           "half_pixel",
                           "align_corners",
                           "half_pixel_symmetric",
                           "tanh",
                           "none",
                           "",
                           "linear",
                           "tf_crop_and_resize"};

/// Which attributes an operator has, if it has any.
const std::vector<std::pair<std::string_view, std::vector<std::string_view>>> usual{
    {"Conv", {"kernel_shape", "strides", "pads", "dilations", "group", "auto_pad"}},
    {"ConvTranspose", {"strides", "pads", "dilations", "group", "auto_pad", "output_shape", "output_padding"}},
    {"MaxPool", {"kernel_shape", "strides", "pads", "ceil_mode", "auto_pad"}},
    {"AveragePool", {"kernel_shape", "strides", "pads", "ceil_mode", "count_include_pad", "auto_pad"}},
    {"Concat", {"axis"}},
    {"Constant", {"value", "value_int", "value_ints", "value_float", "value_floats"}},
    {"ConstantOfShape", {"value"}},
    {"Cast", {"to"}},
    {"Clip", {"min", "max"}},
    {"Gemm", {"alpha", "beta", "transA", "transB"}},
    {"Pad", {"mode", "pads", "value"}},
    {"Resize", {"mode", "coordinate_transformation_mode", "nearest_mode", "axes", "keep_aspect_ratio_policy"}},
    {"Split", {"axis", "split", "num_outputs"}},
    {"Slice", {"starts", "ends", "axes"}},
    {"Transpose", {"perm"}},
    {"Reshape", {"shape", "allowzero"}},
    {"Softmax", {"axis"}},
    {"ArgMax", {"axis", "keepdims"}},
    {"Gather", {"axis"}},
    {"Flatten", {"axis"}},
};

Dims some_dims(Random& random, std::size_t most_rank) {
  Dims dims(random.below(most_rank + 1));
  for (std::int64_t& each : dims) each = random.one_in(12) ? extent(random) : random.of({1, 1, 2, 3, 4, 5, 8, 10});
  return dims;
}

Dims some_integers(Random& random) {
  Dims made(random.one_in(40) ? random.below(3000) : random.below(5));
  for (std::int64_t& each : made) each = random.one_in(10) ? extent(random) : random.of({0, 1, 1, 2, 2, 3, -1, -2, 4});
  return made;
}

/// A tensor with as many numbers as it says, mostly, and no more than are quickly made.
TensorData some_tensor(std::string name, Random& random) {
  TensorData made;
  made.name = std::move(name);
  made.type = random.one_in(3) ? Type::i64 : Type::f32;
  if (random.one_in(10)) made.type = static_cast<Type>(random.below(18));
  made.dims = made.type == Type::i64 && !random.one_in(4) ? Dims{random.of<std::int64_t>({0, 1, 1, 2, 3, 4, 8})}
                                                          : some_dims(random, random.one_in(10) ? 7 : 4);
  std::int64_t count = 1;
  for (const std::int64_t each : made.dims) count = each >= 0 && each <= 100 && count <= 10000 ? count * each : 0;
  std::string bytes;
  for (std::int64_t k = 0; k < count && size_of(made.type) > 0; ++k) {
    if (made.type == Type::f32) {
      const float value = random.one_in(20) ? random.of({0.0F, -1.0F, 1e30F, std::numeric_limits<float>::infinity(),
                                                         std::numeric_limits<float>::quiet_NaN()})
                                            : static_cast<float>(random.below(64)) / 32 - 1;
      bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
    } else {
      const std::int64_t value = random.one_in(8) ? extent(random) : random.of({0, 1, 2, 3, 4, -1, -1, 1, 10});
      bytes.append(reinterpret_cast<const char*>(&value), size_of(made.type));
    }
  }
  if (random.one_in(60)) bytes.resize(random.below(bytes.size() + 9));
  made.bytes = std::move(bytes);
  return made;
}

Attribute some_attribute(std::string name, Setting setting, Random& random) {
  if (random.one_in(30)) setting = random.of({Setting::integer, Setting::number, Setting::integers, Setting::word});
  Attribute made;
  made.name = std::move(name);
  switch (setting) {
    case Setting::integer:
      made.kind = Attribute::Kind::integer;
      made.integer = random.one_in(10) ? extent(random) : random.of({0, 1, 1, 2, 3, -1, -2, 7, 9});
      break;
    case Setting::number:
      made.kind = Attribute::Kind::number;
      made.number = random.of({0.0F, 1.0F, 0.5F, 2.0F, -1.0F, 1e-5F, std::numeric_limits<float>::quiet_NaN()});
      break;
    case Setting::integers:
      made.kind = Attribute::Kind::integers;
      made.integers = some_integers(random);
      break;
    case Setting::word:
      made.kind = Attribute::Kind::text;
      made.text = random.of(words);
      break;
    case Setting::tensor:
      made.kind = Attribute::Kind::tensor;
      made.tensor = some_tensor("", random);
      break;
    case Setting::numbers:
      made.kind = Attribute::Kind::numbers;
      made.numbers.assign(random.below(5), 0.5F);
      break;
  }
  if (random.one_in(40)) made.kind = static_cast<Attribute::Kind>(random.below(12));
  return made;
}

struct Graphs {
  Random& random;
  File file;
  std::vector<std::string> values{"x"};  // that can be operands
  std::size_t next = 0;

  std::string operand() {
    if (random.one_in(30)) return random.of<const char*>({"", "nothing", "x", "y"});
    if (!random.one_in(3)) return random.one_in(2) ? values.back() : random.of(values);
    const std::string name = hans::text("c", next++);
    file.graph.initializers.push_back(some_tensor(name, random));
    return name;
  }

  Node node() {
    const auto& [name, kind] = random.of(operators());
    Node made;
    made.op = name.empty() ? hans::text("Op", random.below(100)) : name;
    const std::size_t most = std::min<std::size_t>(kind.most, 4);
    std::size_t inputs = kind.least + random.below(most - std::min(most, kind.least) + 1);
    if (random.one_in(15)) inputs = random.below(7);
    for (std::size_t k = 0; k < inputs; ++k) made.inputs.push_back(operand());
    const std::size_t outputs = name == "Split" ? 1 + random.below(3) : random.one_in(30) ? random.below(3) : 1;
    for (std::size_t k = 0; k < outputs; ++k) made.outputs.push_back(hans::text("v", next++));
    if (random.one_in(60) && !made.outputs.empty()) made.outputs[0] = random.of(values);
    for (const auto& [op, names] : usual) {
      if (op != made.op) continue;
      for (const std::string_view each : names) {
        if (random.one_in(2)) add_attribute(made, each);
      }
    }
    if (random.one_in(4)) add_attribute(made, random.of(attributes).name);
    if (random.one_in(80)) made.domain = random.of<const char*>({"com.example", "ai.onnx", "ai.onnx.ml"});
    if (random.one_in(5)) made.name = random.of<const char*>({"a", "b", "\x1b[31m\n"});
    return made;
  }

  void add_attribute(Node& to, std::string_view name) {
    for (const Named& each : attributes) {
      if (each.name != name) continue;
      to.attributes.push_back(some_attribute(each.name, each.setting, random));
      return;
    }
  }
};

bool usable(const File& file) {
  try {
    std::vector<std::string> notes;
    (void)hans::nn::import_onnx(file, {}, notes);
    return true;
  } catch (const hans::Error& error) {
    check_message(error);
    return false;
  }
}

}  // namespace

std::string make_onnx(Random& random) {
  Graphs graphs{random, {}};
  Graph& graph = graphs.file.graph;
  graphs.file.opset = random.one_in(20) ? extent(random) : random.of({7, 9, 10, 11, 12, 13, 17, 18, 21});
  Dims input = random.of<Dims>({{-1, 1, 4, 4}, {-1, 3, 5, 6}, {1, 8}, {-1, 12}, {2, 1, 6, 6}, {-1, 2, 9}, {8}});
  if (random.one_in(15)) input = some_dims(random, 7);
  ValueInfo x{"x", random.one_in(10) ? Type::u8 : Type::f32, !random.one_in(40), {}};
  for (const std::int64_t each : input) x.dims.push_back({each > 0, each > 0 ? each : 0, each > 0 ? "" : "N"});
  graph.inputs = {x};
  graph.outputs = {{"x", Type::f32, false, {}}};
  const std::size_t nodes = 1 + random.below(14);
  for (std::size_t n = 0; n < nodes; ++n) {
    const std::size_t initializers = graph.initializers.size();
    Node made = graphs.node();
    const bool any = !made.outputs.empty() && !made.outputs[0].empty();
    const std::string output = any ? made.outputs[0] : "x";
    const std::vector<std::string> outputs = made.outputs;
    graph.nodes.push_back(std::move(made));
    graph.outputs[0].name = output;
    if (!usable(graphs.file) && !random.one_in(12)) {
      graph.nodes.pop_back();
      graph.initializers.resize(initializers);
    } else {
      for (const std::string& each : outputs) graphs.values.push_back(each);
    }
  }
  graph.outputs[0].name = random.one_in(10) ? random.of(graphs.values) : graphs.values.back();
  if (random.one_in(30)) graph.outputs.push_back(graph.outputs[0]);
  if (random.one_in(30)) graph.inputs.push_back(graph.inputs[0]);
  if (random.one_in(30) && !graph.nodes.empty()) graph.nodes.push_back(random.of(graph.nodes));
  if (random.one_in(30) && graph.nodes.size() > 1) std::swap(graph.nodes.front(), graph.nodes.back());
  std::string bytes = dump(graphs.file);
  return random.one_in(3) ? damaged(std::move(bytes), random) : bytes;
}

void use_onnx(std::string_view bytes) {
  // A file beside the model of 1,000 bytes.
  const Bytes beside(std::string(1000, '\x3c'));
  const File file = parse(bytes, "case", [&](const std::string&, std::int64_t offset, std::int64_t length) {
    hans::check(0 <= offset && offset <= 1000 && 0 <= length && length <= 1000 - offset, "outside");
    return beside.part(static_cast<std::size_t>(offset), static_cast<std::size_t>(length));
  });
  std::vector<std::string> notes;
  use_network(hans::nn::import_onnx(file, {}, notes).net);
}

}  // namespace hostile
