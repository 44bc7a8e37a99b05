// ONNX files: what is in them, before anybody says what it means. Field numbers are those of onnx.proto.
#include <hans/nn/onnx_file.hpp>

#include <algorithm>
#include <cstring>

#include <hans/core/error.hpp>
#include "../../data/detail/bytes.hpp"
#include "detail/protobuf.hpp"

namespace hans::nn::onnx {
namespace {

using protobuf::Field;
using protobuf::Reader;

/// What a file is read with: where numbers outside of it come from, and how much memory its parts may take.
class Reading {
 public:
  Reading(const External& outside, std::size_t bytes) : external(outside), left_((std::size_t{1} << 26) + 12 * bytes) {}

  /// Adds a part of the file, which may be much larger in memory than there.
  template <class Part>
  void add(std::vector<Part>& parts, Part part) {
    constexpr std::size_t size = 2 * sizeof(Part);  // a growing vector has room for as many again
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

Type type_of(const Field& field) {
  const std::int64_t number = field.integer();
  check(0 <= number && number < 64, "element type ", number, " is unknown");
  return static_cast<Type>(number);
}

std::size_t count_of(const TensorData& tensor) {
  std::size_t count = 1;
  for (const std::int64_t extent : tensor.dims) {
    check(extent >= 0 && (extent == 0 || count <= (std::size_t{1} << 40) / static_cast<std::size_t>(extent)), "tensor ",
          in_quotes(tensor.name), " has an extent of ", extent);
    count *= static_cast<std::size_t>(extent);
  }
  return count;
}

void check_size(const TensorData& tensor) {
  const std::size_t size = size_of(tensor.type);
  const std::size_t count = count_of(tensor);
  check(size == 0 || tensor.bytes.size() == count * size, "tensor ", in_quotes(tensor.name), " has ", count,
        " elements of ", size, " bytes, but ", tensor.bytes.size(), " bytes");
}

/// Where the numbers of a tensor are that are not in the file.
struct Elsewhere {
  std::string file;
  std::int64_t offset = 0, length = -1;
};

void read_place(const Field& entry, Elsewhere& place) {
  std::string key, value;
  Reader reader(entry.message(), entry.position);
  for (Field field; reader.next(field);) {
    if (field.number == 1) key = field.message();
    if (field.number == 2) value = field.message();
  }
  if (key == "location") place.file = value;
  if (key == "offset") check(read_number(value, place.offset), "an offset of ", in_quotes(value));
  if (key == "length") check(read_number(value, place.length), "a length of ", in_quotes(value));
}

/// In which field a tensor of this type has its numbers, unless they are raw; 0: it has no numbers.
std::uint32_t field_of(Type type) {
  switch (type) {
    case Type::f32:
      return 4;
    case Type::u8:
    case Type::i8:
    case Type::u16:
    case Type::i16:
    case Type::i32:
    case Type::boolean:
    case Type::f16:
    case Type::bf16:
      return 5;
    case Type::i64:
      return 7;
    case Type::f64:
      return 10;
    case Type::u32:
    case Type::u64:
      return 11;
    default:
      return 0;
  }
}

/// The bytes of whole numbers, which must fit elements of this type.
std::string bytes_of(const std::vector<std::int64_t>& wholes, Type type, std::string_view name) {
  const std::size_t size = size_of(type);
  const bool with_sign = type == Type::i8 || type == Type::i16 || type == Type::i32;
  const int bits = static_cast<int>(8 * size) - (with_sign ? 1 : 0);
  std::string bytes;
  bytes.reserve(wholes.size() * size);
  for (const std::int64_t whole : wholes) {
    const bool fits = size == 8 || (whole >> bits == 0) || (with_sign && whole >> bits == -1);
    check(fits && (type != Type::boolean || whole < 2), "tensor ", in_quotes(name), " holds ", whole,
          ", which no element of type ", static_cast<std::int32_t>(type), " can be");
    for (std::size_t k = 0; k < size; ++k) bytes.push_back(static_cast<char>(whole >> (8 * k) & 0xff));
  }
  return bytes;
}

TensorData read_tensor(const Field& message, const Reading& reading) {
  constexpr std::uint32_t raw_field = 9;
  TensorData made;
  std::vector<std::int64_t> wholes;
  std::string fixed;
  std::uint32_t filled = 0;  // the field that has the numbers
  bool outside = false;
  Elsewhere place;
  Reader reader(message.message(), message.position);
  for (Field field; reader.next(field);) {
    switch (field.number) {
      case 1:
        field.integers(made.dims);
        break;
      case 2:
        made.type = type_of(field);
        break;
      case 8:
        made.name = field.message();
        break;
      case 4:
      case 5:
      case 7:
      case raw_field:
      case 10:
      case 11:
        if (field.wire == protobuf::with_length && field.bytes.empty()) break;
        check(filled == 0 || filled == field.number, "tensor ", in_quotes(made.name), " has numbers in the fields ",
              filled, " and ", field.number);
        filled = field.number;
        if (filled == raw_field) {
          made.bytes = std::string(field.message());
        } else if (filled == 4 || filled == 10) {
          field.fixed(fixed, filled == 4 ? 4 : 8);
        } else {
          field.integers(wholes);
        }
        break;
      case 13:
        read_place(field, place);
        break;
      case 14:
        outside = field.integer() == 1;
        break;
      default:
        break;
    }
  }
  const std::size_t size = size_of(made.type);
  const std::size_t count = count_of(made);
  check(filled == 0 || filled == raw_field || filled == field_of(made.type), "tensor ", in_quotes(made.name),
        " of type ", static_cast<std::int32_t>(made.type), " has its numbers in field ", filled, ", not in ",
        field_of(made.type));
  if (outside) {
    const External& external = reading.external;
    check(external != nullptr, "tensor ", in_quotes(made.name), " lies in another file, ", in_quotes(place.file));
    made.bytes =
        external(place.file, place.offset, place.length < 0 ? static_cast<std::int64_t>(count * size) : place.length);
  } else if (filled == 4 || filled == 10) {
    made.bytes = std::move(fixed);
  } else if (filled != raw_field) {
    made.bytes = bytes_of(wholes, made.type, made.name);
  }
  check_size(made);
  return made;
}

Attribute read_attribute(const Field& message, const Reading& reading) {
  Attribute made;
  std::string numbers;
  Reader reader(message.message(), message.position);
  for (Field field; reader.next(field);) {
    switch (field.number) {
      case 1:
        made.name = field.message();
        break;
      case 2:
        made.number = field.real_number();
        break;
      case 3:
        made.integer = field.integer();
        break;
      case 4:
        made.text = field.message();
        break;
      case 5:
        made.tensor = read_tensor(field, reading);
        break;
      case 7:
        field.fixed(numbers, 4);
        break;
      case 8:
        field.integers(made.integers);
        break;
      case 20:
        made.kind = static_cast<Attribute::Kind>(field.integer());
        break;
      default:
        break;
    }
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
    if (field.number == 5) reading.add(made.attributes, read_attribute(field, reading));
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

/// Type and shape lie two messages deep: TypeProto, TypeProto.Tensor, TensorShapeProto.
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
    if (field.number == 5) reading.add(made.initializers, read_tensor(field, reading));
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

template <class Number>
Number at(const Bytes& bytes, std::size_t index) {
  Number value;
  std::memcpy(&value, bytes.data() + index * sizeof(Number), sizeof(Number));
  return value;
}

template <class Number>
void convert(const Bytes& bytes, std::span<real> to) {
  for (std::size_t k = 0; k < to.size(); ++k) to[k] = static_cast<real>(at<Number>(bytes, k));
}

}  // namespace

std::size_t size_of(Type type) {
  switch (type) {
    case Type::u8:
    case Type::i8:
    case Type::boolean:
      return 1;
    case Type::u16:
    case Type::i16:
    case Type::f16:
    case Type::bf16:
      return 2;
    case Type::f32:
    case Type::i32:
    case Type::u32:
      return 4;
    case Type::f64:
    case Type::i64:
    case Type::u64:
      return 8;
    default:
      return 0;
  }
}

bool is_real(Type type) { return type == Type::f32 || type == Type::f64 || type == Type::f16 || type == Type::bf16; }

const Attribute* Node::find(std::string_view attribute) const {
  const auto found = std::ranges::find(attributes, attribute, &Attribute::name);
  return found == attributes.end() ? nullptr : &*found;
}

Tensor TensorData::numbers() const {
  check(size_of(type) > 0, "tensor ", in_quotes(name), " holds no numbers (element type ",
        static_cast<std::int32_t>(type), ")");
  check_size(*this);
  std::vector<std::size_t> extents(dims.begin(), dims.end());
  check(extents.size() <= Shape::max_rank, "tensor ", in_quotes(name), " has ", extents.size(), " axes, more than ",
        Shape::max_rank);
  Tensor made = Tensor::uninitialised(Shape(extents));
  const std::span<real> to = made.mutable_values();
  switch (type) {
    case Type::f32:
      convert<float>(bytes, to);
      break;
    case Type::f64:
      convert<double>(bytes, to);
      break;
    case Type::u8:
      convert<std::uint8_t>(bytes, to);
      break;
    case Type::boolean:
      for (std::size_t k = 0; k < to.size(); ++k) to[k] = bytes.data()[k] == 0 ? real{0} : real{1};
      break;
    case Type::i8:
      convert<std::int8_t>(bytes, to);
      break;
    case Type::u16:
      convert<std::uint16_t>(bytes, to);
      break;
    case Type::i16:
      convert<std::int16_t>(bytes, to);
      break;
    case Type::i32:
      convert<std::int32_t>(bytes, to);
      break;
    case Type::u32:
      convert<std::uint32_t>(bytes, to);
      break;
    case Type::i64:
      convert<std::int64_t>(bytes, to);
      break;
    case Type::u64:
      convert<std::uint64_t>(bytes, to);
      break;
    case Type::f16:
      for (std::size_t k = 0; k < to.size(); ++k)
        to[k] = static_cast<real>(data::half_number(at<std::uint16_t>(bytes, k)));
      break;
    case Type::bf16:
      for (std::size_t k = 0; k < to.size(); ++k)
        to[k] = static_cast<real>(data::brain_number(at<std::uint16_t>(bytes, k)));
      break;
    default:  // checked above
      break;
  }
  return made;
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
