// The content of ONNX files, without interpretation. Field numbers are those of onnx.proto.
#include <hans/nn/onnx_file.hpp>

#include <algorithm>
#include <cstring>

#include <hans/core/error.hpp>
#include "detail/onnx_tensor.hpp"

namespace hans::nn::onnx {
namespace {

using protobuf::Field;
using protobuf::Reader;

/// The context of parsing: access to external data, and a memory limit for the file's parts.
class Reading {
 public:
  Reading(const External& outside, std::size_t bytes) : external(outside), left_((std::size_t{1} << 26) + 12 * bytes) {}

  /// Adds a part of the file; it may need much more memory than space in the file.
  template <class Part>
  void add(std::vector<Part>& parts, Part part) {
    constexpr std::size_t size = 2 * sizeof(Part);  // a growing vector may have twice the capacity
    check(size <= left_,
          "it consists of so many small parts that they do not fit into the memory allowed for a file "
          "of this size");
    left_ -= size;
    parts.push_back(std::move(part));
  }

  const External& external;

 private:
  std::size_t left_;
};

Attribute read_attribute(const Field& message, const External& external) {
  Attribute made;
  std::string numbers;
  Reader reader(message.message(), message.position);
  for (Field field; reader.next(field);) {
    if (field.number == 1) made.name = field.message();
    if (field.number == 2) made.number = field.real_number();
    if (field.number == 3) made.integer = field.integer();
    if (field.number == 4) made.text = field.message();
    if (field.number == 5) made.tensor = read_tensor(field, external);
    if (field.number == 7) field.fixed(numbers, 4);
    if (field.number == 8) field.integers(made.integers);
    if (field.number == 20) made.kind = static_cast<Attribute::Kind>(field.integer());
  }
  check(!made.name.empty(), "an attribute at byte ", message.position, " has no name");
  made.numbers.resize(numbers.size() / sizeof(float));
  if (!numbers.empty()) std::memcpy(made.numbers.data(), numbers.data(), numbers.size());
  return made;
}

Node read_node(const Field& message, Reading& reading) {
  Node made;
  Reader reader(message.message(), message.position);
  for (Field field; reader.next(field);) {
    if (field.number == 1) reading.add(made.inputs, std::string(field.message()));
    if (field.number == 2) reading.add(made.outputs, std::string(field.message()));
    if (field.number == 3) made.name = field.message();
    if (field.number == 4) made.op = field.message();
    if (field.number == 5) reading.add(made.attributes, read_attribute(field, reading.external));
    if (field.number == 7) made.domain = field.message();
  }
  check(!made.op.empty(), "a node at byte ", message.position, " has no operator");
  return made;
}

Dim read_dim(const Field& message) {
  Dim made;
  Reader reader(message.message(), message.position);
  for (Field field; reader.next(field);) {
    if (field.number == 1) made.value = field.integer();
    if (field.number == 2) made.symbol = field.message();
  }
  made.known = made.value > 0;
  return made;
}

/// Type and shape are nested two messages deep: TypeProto, TypeProto.Tensor, TensorShapeProto.
void read_type(const Field& message, ValueInfo& made, Reading& reading) {
  Reader types(message.message(), message.position);
  for (Field type; types.next(type);) {
    if (type.number != 1) continue;
    Reader tensors(type.message(), type.position);
    for (Field field; tensors.next(field);) {
      if (field.number == 1) made.type = type_of(field);
      if (field.number != 2) continue;
      made.has_shape = true;
      Reader shapes(field.message(), field.position);
      for (Field dim; shapes.next(dim);) {
        if (dim.number == 1) reading.add(made.dims, read_dim(dim));
      }
    }
  }
}

ValueInfo read_value_info(const Field& message, Reading& reading) {
  ValueInfo made;
  Reader reader(message.message(), message.position);
  for (Field field; reader.next(field);) {
    if (field.number == 1) made.name = field.message();
    if (field.number == 2) read_type(field, made, reading);
  }
  return made;
}

Graph read_graph(const Field& message, Reading& reading) {
  Graph made;
  Reader reader(message.message(), message.position);
  for (Field field; reader.next(field);) {
    if (field.number == 1) reading.add(made.nodes, read_node(field, reading));
    if (field.number == 2) made.name = field.message();
    if (field.number == 5) reading.add(made.initializers, read_tensor(field, reading.external));
    if (field.number == 11) reading.add(made.inputs, read_value_info(field, reading));
    if (field.number == 12) reading.add(made.outputs, read_value_info(field, reading));
    check(field.number != 15, "sparse tensors are not supported");
  }
  return made;
}

void read_opset(const Field& message, File& file) {
  std::string domain;
  std::int64_t version = 0;
  Reader reader(message.message(), message.position);
  for (Field field; reader.next(field);) {
    if (field.number == 1) domain = field.message();
    if (field.number == 2) version = field.integer();
  }
  if (domain.empty() || domain == "ai.onnx") file.opset = std::max(file.opset, version);
}

}  // namespace

const Attribute* Node::find(std::string_view attribute) const {
  const auto found = std::ranges::find(attributes, attribute, &Attribute::name);
  return found == attributes.end() ? nullptr : &*found;
}

File parse(std::string_view bytes, std::string_view where, const External& external) {
  try {
    File file;
    bool found = false;
    Reading reading(external, bytes.size());
    Reader reader(bytes);
    for (Field field; reader.next(field);) {
      if (field.number == 1) file.ir_version = field.integer();
      if (field.number == 2) file.producer = field.message();
      if (field.number == 8) read_opset(field, file);
      check(field.number != 25, "functions defined in the file are not supported");
      if (field.number != 7) continue;
      check(!found, "it holds two graphs");
      file.graph = read_graph(field, reading);
      found = true;
    }
    check(found, "it holds no graph");
    return file;
  } catch (const Error& error) {
    throw Error(text(where, " is not a usable ONNX file: ", error.what()));
  }
}

}  // namespace hans::nn::onnx
