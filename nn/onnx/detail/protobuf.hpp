// The wire format of protocol buffers; private to the ONNX reader and writer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hans::nn::protobuf {

/// Wire types of fields.
enum Wire : std::uint32_t { varint_wire = 0, eight_bytes = 1, with_length = 2, four_bytes = 5 };

/// One field of a message. The accessors throw Error with the byte position if the field has another type.
struct Field {
  std::uint32_t number = 0;
  std::uint32_t wire = 0;    ///< its wire type
  std::uint64_t value = 0;   ///< of integers and floating-point numbers
  std::string_view bytes;    ///< of text and messages
  std::size_t position = 0;  ///< in the file

  std::int64_t integer() const;
  float real_number() const;
  std::string_view message() const;  ///< or text

  /// Appends the values of a repeated field, packed or not: integers, or numbers of `size` bytes.
  void integers(std::vector<std::int64_t>& to) const;
  void fixed(std::string& to, std::size_t size) const;
};

/// Iterates over the fields of a message that begins at byte `position` of the file.
class Reader {
 public:
  explicit Reader(std::string_view bytes, std::size_t position = 0) : bytes_(bytes), start_(position) {}

  /// Reads the next field; false at the end. Throws Error if the message is malformed.
  bool next(Field& field);

  bool done() const { return at_ == bytes_.size(); }
  std::uint64_t varint();

 private:
  std::size_t position() const { return start_ + at_; }
  std::string_view take(std::uint64_t count);

  std::string_view bytes_;
  std::size_t start_, at_ = 0;
};

/// Appends fields to `out`.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}
  void integer(std::uint32_t field, std::int64_t value);
  void real_number(std::uint32_t field, float value);
  void message(std::uint32_t field, std::string_view bytes);  ///< or text

 private:
  void varint(std::uint64_t value);
  std::string& out_;
};

}  // namespace hans::nn::protobuf
