// Serialisation of ONNX files. Field numbers are those of onnx.proto.
#include <hans/nn/onnx_file.hpp>
#include "detail/protobuf.hpp"

namespace hans::nn::onnx {

using protobuf::Writer;

namespace {

/// A serialised message, written by `write`.
template <class Write>
std::string message_of(Write write) {
  std::string out;
  Writer writer(out);
  write(writer);
  return out;
}

void text_unless_empty(Writer& writer, std::uint32_t field, std::string_view value) {
  if (!value.empty()) writer.message(field, value);
}

std::string dump_tensor(const TensorData& tensor) {
  return message_of([&](Writer& writer) {
    for (const std::int64_t extent : tensor.dims) writer.integer(1, extent);
    writer.integer(2, static_cast<std::int32_t>(tensor.type));
    text_unless_empty(writer, 8, tensor.name);
    writer.message(9, tensor.bytes);
  });
}

std::string dump_attribute(const Attribute& attribute) {
  using Kind = Attribute::Kind;
  return message_of([&](Writer& writer) {
    writer.message(1, attribute.name);
    if (attribute.kind == Kind::number) writer.real_number(2, attribute.number);
    if (attribute.kind == Kind::integer) writer.integer(3, attribute.integer);
    if (attribute.kind == Kind::text) writer.message(4, attribute.text);
    if (attribute.kind == Kind::tensor) writer.message(5, dump_tensor(attribute.tensor));
    if (attribute.kind == Kind::numbers) {
      for (const float each : attribute.numbers) writer.real_number(7, each);
    }
    if (attribute.kind == Kind::integers) {
      for (const std::int64_t each : attribute.integers) writer.integer(8, each);
    }
    writer.integer(20, static_cast<std::int32_t>(attribute.kind));
  });
}

std::string dump_node(const Node& node) {
  return message_of([&](Writer& writer) {
    for (const std::string& input : node.inputs) writer.message(1, input);
    for (const std::string& output : node.outputs) writer.message(2, output);
    text_unless_empty(writer, 3, node.name);
    writer.message(4, node.op);
    for (const Attribute& attribute : node.attributes) writer.message(5, dump_attribute(attribute));
    text_unless_empty(writer, 7, node.domain);
  });
}

std::string dump_value_info(const ValueInfo& info) {
  const std::string shape = message_of([&](Writer& writer) {
    for (const Dim& dim : info.dims) {
      writer.message(1, message_of([&](Writer& one) {
                       if (dim.known) one.integer(1, dim.value);
                       if (!dim.known) text_unless_empty(one, 2, dim.symbol);
                     }));
    }
  });
  const std::string tensor = message_of([&](Writer& writer) {
    writer.integer(1, static_cast<std::int32_t>(info.type));
    if (info.has_shape) writer.message(2, shape);
  });
  return message_of([&](Writer& writer) {
    writer.message(1, info.name);
    writer.message(2, message_of([&](Writer& type) { type.message(1, tensor); }));
  });
}

}  // namespace

Attribute attribute(std::string name, std::int64_t value) {
  return {.name = std::move(name), .integer = value, .kind = Attribute::Kind::integer};
}
Attribute attribute(std::string name, float value) {
  return {.name = std::move(name), .number = value, .kind = Attribute::Kind::number};
}
Attribute attribute(std::string name, const char* value) {
  return {.name = std::move(name), .text = value, .kind = Attribute::Kind::text};
}
Attribute attribute(std::string name, std::vector<std::int64_t> values) {
  return {.name = std::move(name), .integers = std::move(values), .kind = Attribute::Kind::integers};
}

std::string dump(const File& file) {
  const std::string graph = message_of([&](Writer& writer) {
    for (const Node& node : file.graph.nodes) writer.message(1, dump_node(node));
    text_unless_empty(writer, 2, file.graph.name);
    for (const TensorData& tensor : file.graph.initializers) writer.message(5, dump_tensor(tensor));
    for (const ValueInfo& input : file.graph.inputs) writer.message(11, dump_value_info(input));
    for (const ValueInfo& output : file.graph.outputs) writer.message(12, dump_value_info(output));
  });
  return message_of([&](Writer& writer) {
    writer.integer(1, file.ir_version);
    text_unless_empty(writer, 2, file.producer);
    writer.message(7, graph);
    writer.message(8, message_of([&](Writer& opset) { opset.integer(2, file.opset); }));
  });
}

}  // namespace hans::nn::onnx
