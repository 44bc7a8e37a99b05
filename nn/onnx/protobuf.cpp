// The wire format of protocol buffers.
#include "detail/protobuf.hpp"

#include <algorithm>
#include <bit>

#include <hans/core/error.hpp>

namespace hans::nn::protobuf {
namespace {

std::uint64_t little(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t k = bytes.size(); k-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[k]);
  return value;
}

void append_little(std::string& out, std::uint64_t value, std::size_t bytes) {
  for (std::size_t k = 0; k < bytes; ++k) out.push_back(static_cast<char>(value >> (8 * k) & 0xff));
}

}  // namespace

std::int64_t Field::integer() const {
  check(wire == varint_wire, "field ", number, " at byte ", position, " is no integer");
  return static_cast<std::int64_t>(value);
}

float Field::real_number() const {
  check(wire == four_bytes, "field ", number, " at byte ", position, " is no number of four bytes");
  return std::bit_cast<float>(static_cast<std::uint32_t>(value));
}

std::string_view Field::message() const {
  check(wire == with_length, "field ", number, " at byte ", position, " is no text or message");
  return bytes;
}

void Field::integers(std::vector<std::int64_t>& to) const {
  if (wire != with_length) {
    to.push_back(integer());
    return;
  }
  to.reserve(to.size() +
             static_cast<std::size_t>(std::ranges::count_if(bytes, [](char byte) { return (byte & 0x80) == 0; })));
  Reader packed(bytes, position);
  while (!packed.done()) to.push_back(static_cast<std::int64_t>(packed.varint()));
}

void Field::fixed(std::string& to, std::size_t size) const {
  if (wire == with_length) {
    check(bytes.size() % size == 0, "field ", number, " at byte ", position, " holds ", bytes.size(),
          " bytes, no multiple of ", size);
    to.append(bytes);
    return;
  }
  check(wire == (size == 4 ? four_bytes : eight_bytes), "field ", number, " at byte ", position,
        " holds no numbers of ", size, " bytes");
  append_little(to, value, size);
}

std::uint64_t Reader::varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    check(at_ < bytes_.size(), "it ends within a number at byte ", position());
    const auto byte = static_cast<unsigned char>(bytes_[at_++]);
    check(shift < 63 || (shift == 63 && byte <= 1), "the number before byte ", position(), " has more than 64 bits");
    value |= std::uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) return value;
  }
}

std::string_view Reader::take(std::uint64_t count) {
  check(count <= bytes_.size() - at_, "it says ", count, " bytes follow at byte ", position(), ", but only ",
        bytes_.size() - at_, " do");
  const std::string_view taken = bytes_.substr(at_, static_cast<std::size_t>(count));
  at_ += taken.size();
  return taken;
}

bool Reader::next(Field& field) {
  if (done()) return false;
  field = Field{};
  field.position = position();
  const std::uint64_t key = varint();
  check(key >> 3 > 0 && key >> 3 < (1U << 29), "byte ", field.position, " begins field ", key >> 3,
        ", which cannot be");
  field.number = static_cast<std::uint32_t>(key >> 3);
  field.wire = static_cast<std::uint32_t>(key & 7);
  switch (field.wire) {
    case varint_wire:
      field.value = varint();
      break;
    case eight_bytes:
      field.value = little(take(8));
      break;
    case with_length: {
      const std::uint64_t length = varint();
      field.position = position();
      field.bytes = take(length);
      break;
    }
    case four_bytes:
      field.value = little(take(4));
      break;
    default:
      throw Error(text("byte ", field.position, " begins a field of kind ", field.wire, ", which is not supported"));
  }
  return true;
}

void Writer::varint(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out_.push_back(static_cast<char>(value | 0x80));
  out_.push_back(static_cast<char>(value));
}

void Writer::integer(std::uint32_t field, std::int64_t value) {
  varint(std::uint64_t{field} << 3 | varint_wire);
  varint(static_cast<std::uint64_t>(value));
}

void Writer::real_number(std::uint32_t field, float value) {
  varint(std::uint64_t{field} << 3 | four_bytes);
  append_little(out_, std::bit_cast<std::uint32_t>(value), 4);
}

void Writer::message(std::uint32_t field, std::string_view bytes) {
  varint(std::uint64_t{field} << 3 | with_length);
  varint(bytes.size());
  out_.append(bytes);
}

}  // namespace hans::nn::protobuf
