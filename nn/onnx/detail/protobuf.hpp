// The wire format of protocol buffers: private to the ONNX reader and writer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hans::nn::protobuf {

/// How a field is written.
enum Wire : std::uint32_t { varint_wire = 0, eight_bytes = 1, with_length = 2, four_bytes = 5 };

/// One field of a message. What is asked of it and not there is an Error that names the byte.
struct Field {
  std::uint32_t number = 0;
  std::uint32_t wire = 0;    ///< how it is written
  std::uint64_t value = 0;   ///< of all but texts and messages
  std::string_view bytes;    ///< of these
  std::size_t position = 0;  ///< in the file

  std::int64_t integer() const;
  float real_number() const;
  std::string_view message() const;  ///< or text

  /// Appends the values of a repeated field, which may be one or many in a row: integers, or numbers of `size` bytes.
  void integers(std::vector<std::int64_t>& to) const;
  void fixed(std::string& to, std::size_t size) const;
};

/// Goes through the fields of a message, which begins at byte `position` of the file.
class Reader {
 public:
  explicit Reader(std::string_view bytes, std::size_t position = 0) : bytes_(bytes), start_(position) {}

  /// The next field, or false at the end. Throws Error for what is no message.
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
