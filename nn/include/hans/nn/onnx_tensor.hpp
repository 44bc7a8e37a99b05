// Tensors in ONNX files.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hans/core/tensor.hpp>

namespace hans::nn::onnx {

/// Element types, numbered as in the format.
enum class Type : std::int32_t {
  undefined = 0,
  f32 = 1,
  u8 = 2,
  i8 = 3,
  u16 = 4,
  i16 = 5,
  i32 = 6,
  i64 = 7,
  text = 8,
  boolean = 9,
  f16 = 10,
  f64 = 11,
  u32 = 12,
  u64 = 13,
  bf16 = 16
};

std::size_t size_of(Type type);  ///< bytes per element; 0 for text
bool is_real(Type type);         ///< a floating-point type

/// Shared bytes: a file beside the model is in memory once, however many tensors it contains.
class Bytes {
 public:
  Bytes() = default;
  Bytes(std::string own) : owner_(std::make_shared<const std::string>(std::move(own))), view_(*owner_) {}
  Bytes(const char* own) : Bytes(std::string(own)) {}

  std::size_t size() const { return view_.size(); }
  const char* data() const { return view_.data(); }
  operator std::string_view() const { return view_; }

  /// `count` bytes from `first` on; throws std::out_of_range if `first` is beyond the end.
  Bytes part(std::size_t first, std::size_t count) const {
    Bytes same = *this;
    same.view_ = view_.substr(first, count);
    return same;
  }

  friend bool operator==(const Bytes& a, const Bytes& b) { return a.view_ == b.view_; }

 private:
  std::shared_ptr<const std::string> owner_;
  std::string_view view_;
};

/// A named tensor of a file.
struct TensorData {
  std::string name;
  Type type = Type::undefined;
  std::vector<std::int64_t> dims;
  Bytes bytes;  ///< elements as dims say, row-major, little-endian

  /// The elements as reals. Throws Error for text, and if the number of bytes contradicts dims and type.
  Tensor numbers() const;
};

/// Gives `length` bytes at `offset` of the external data file `file`; length is not negative.
using External = std::function<Bytes(const std::string& file, std::int64_t offset, std::int64_t length)>;

}  // namespace hans::nn::onnx
