// Tensors in ONNX files: locating their bytes and converting them to reals.
#include "detail/onnx_tensor.hpp"

#include <algorithm>
#include <cstring>

#include <hans/core/error.hpp>
#include "../../data/detail/bytes.hpp"

namespace hans::nn::onnx {
namespace {

using protobuf::Field;
using protobuf::Reader;

template <class Number>
real as_it_is(Number value) {
  return static_cast<real>(value);
}
real truth(std::uint8_t value) { return value == 0 ? real{0} : real{1}; }
real half(std::uint16_t bits) { return static_cast<real>(data::half_number(bits)); }
real brain(std::uint16_t bits) { return static_cast<real>(data::brain_number(bits)); }

template <class Number, real (*as_real)(Number) = as_it_is<Number>>
void convert(const Bytes& bytes, std::span<real> to) {
  for (std::size_t k = 0; k < to.size(); ++k) {
    Number value;
    std::memcpy(&value, bytes.data() + k * sizeof(Number), sizeof(Number));
    to[k] = as_real(value);
  }
}

/// The properties of an element type; all 0 for types that are not numeric.
struct TypeInfo {
  Type type = Type::undefined;
  std::size_t size = 0;     ///< bytes per element
  std::uint32_t field = 0;  ///< of TensorProto, for numbers that are not raw
  void (*convert)(const Bytes& bytes, std::span<real> to) = nullptr;
};
constexpr TypeInfo element_types[] = {
    {Type::f32, 4, 4, convert<float>},
    {Type::u8, 1, 5, convert<std::uint8_t>},
    {Type::i8, 1, 5, convert<std::int8_t>},
    {Type::u16, 2, 5, convert<std::uint16_t>},
    {Type::i16, 2, 5, convert<std::int16_t>},
    {Type::i32, 4, 5, convert<std::int32_t>},
    {Type::boolean, 1, 5, convert<std::uint8_t, truth>},
    {Type::f16, 2, 5, convert<std::uint16_t, half>},
    {Type::bf16, 2, 5, convert<std::uint16_t, brain>},
    {Type::i64, 8, 7, convert<std::int64_t>},
    {Type::f64, 8, 10, convert<double>},
    {Type::u32, 4, 11, convert<std::uint32_t>},
    {Type::u64, 8, 11, convert<std::uint64_t>},
};

TypeInfo info_of(Type type) {
  const auto found = std::ranges::find(element_types, type, &TypeInfo::type);
  return found == std::end(element_types) ? TypeInfo{} : *found;
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

/// The location of external data.
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

/// Integers as bytes; they must fit the element type.
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

}  // namespace

Type type_of(const Field& field) {
  const std::int64_t number = field.integer();
  check(0 <= number && number < 64, "element type ", number, " is unknown");
  return static_cast<Type>(number);
}

TensorData read_tensor(const Field& message, const External& external) {
  constexpr std::uint32_t raw_field = 9;
  TensorData made;
  std::vector<std::int64_t> wholes;
  std::string fixed;
  std::uint32_t filled = 0;  // the field that contains the numbers
  bool outside = false;
  Elsewhere place;
  Reader reader(message.message(), message.position);
  for (Field field; reader.next(field);) {
    if (field.number == 1) field.integers(made.dims);
    if (field.number == 2) made.type = type_of(field);
    if (field.number == 8) made.name = field.message();
    if (field.number == 13) read_place(field, place);
    if (field.number == 14) outside = field.integer() == 1;
    if (field.number != raw_field && std::ranges::count(element_types, field.number, &TypeInfo::field) == 0) continue;
    if (field.wire == protobuf::with_length && field.bytes.empty()) continue;
    check(filled == 0 || filled == field.number, "tensor ", in_quotes(made.name), " has numbers in the fields ", filled,
          " and ", field.number);
    filled = field.number;
    if (filled == raw_field) {
      made.bytes = std::string(field.message());
    } else if (filled == 4 || filled == 10) {
      field.fixed(fixed, filled == 4 ? 4 : 8);
    } else {
      field.integers(wholes);
    }
  }
  const std::size_t size = count_of(made) * size_of(made.type);
  check(filled == 0 || filled == raw_field || filled == info_of(made.type).field, "tensor ", in_quotes(made.name),
        " of type ", static_cast<std::int32_t>(made.type), " has its numbers in field ", filled, ", not in ",
        info_of(made.type).field);
  if (outside) {
    check(external != nullptr, "tensor ", in_quotes(made.name), " lies in another file, ", in_quotes(place.file));
    made.bytes = external(place.file, place.offset, place.length < 0 ? static_cast<std::int64_t>(size) : place.length);
  } else if (filled == 4 || filled == 10) {
    made.bytes = std::move(fixed);
  } else if (filled != raw_field) {
    made.bytes = bytes_of(wholes, made.type, made.name);
  }
  check_size(made);
  return made;
}

std::size_t size_of(Type type) { return info_of(type).size; }

bool is_real(Type type) { return type == Type::f32 || type == Type::f64 || type == Type::f16 || type == Type::bf16; }

Tensor TensorData::numbers() const {
  check(size_of(type) > 0, "tensor ", in_quotes(name), " holds no numbers (element type ",
        static_cast<std::int32_t>(type), ")");
  check_size(*this);
  std::vector<std::size_t> extents(dims.begin(), dims.end());
  check(extents.size() <= Shape::max_rank, "tensor ", in_quotes(name), " has ", extents.size(), " axes, more than ",
        Shape::max_rank);
  Tensor made = Tensor::uninitialised(Shape(extents));
  info_of(type).convert(bytes, made.mutable_values());
  return made;
}

}  // namespace hans::nn::onnx
