// ONNX files: what is in them, before anybody says what it means.
#pragma once

#include <cstdint>
#include <filesystem>
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

std::size_t size_of(Type type);  ///< bytes an element, 0 for texts
bool is_real(Type type);         ///< rather than whole

/// Bytes that several may share: those of a file beside the model are in memory once, however many tensors lie in it.
class Bytes {
 public:
  Bytes() = default;
  Bytes(std::string own) : owner_(std::make_shared<const std::string>(std::move(own))), view_(*owner_) {}
  Bytes(const char* own) : Bytes(std::string(own)) {}

  std::size_t size() const { return view_.size(); }
  const char* data() const { return view_.data(); }
  operator std::string_view() const { return view_; }

  /// `count` of them from `first` on; throws std::out_of_range if `first` is beyond the end.
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

/// The numbers behind a name.
struct TensorData {
  std::string name;
  Type type = Type::undefined;
  std::vector<std::int64_t> dims;
  Bytes bytes;  ///< as many elements as dims say, row-major, little-endian

  /// As reals. Throws Error for texts, and if there are not as many bytes as dims and type say.
  Tensor numbers() const;
};

/// One setting of a node; what it does not hold is empty.
struct Attribute {
  std::string name;
  float number = 0;
  std::int64_t integer = 0;
  std::string text = {};
  TensorData tensor = {};
  std::vector<float> numbers = {};
  std::vector<std::int64_t> integers = {};

  /// As numbered in the format. A file from before there were kinds has none.
  enum class Kind : std::int32_t { none = 0, number = 1, integer = 2, text = 3, tensor = 4, numbers = 6, integers = 7 };
  Kind kind = Kind::none;
};

Attribute attribute(std::string name, std::int64_t value);
Attribute attribute(std::string name, float value);
Attribute attribute(std::string name, const char* value);
Attribute attribute(std::string name, std::vector<std::int64_t> values);

struct Node {
  std::string name, op, domain;
  std::vector<std::string> inputs, outputs;
  std::vector<Attribute> attributes;

  /// The attribute of this name, or null.
  const Attribute* find(std::string_view attribute) const;
};

/// An extent, or the name of one that is left open.
struct Dim {
  bool known = false;
  std::int64_t value = 0;
  std::string symbol;
};

struct ValueInfo {
  std::string name;
  Type type = Type::undefined;
  bool has_shape = false;
  std::vector<Dim> dims;
};

struct Graph {
  std::string name;
  std::vector<Node> nodes;
  std::vector<TensorData> initializers;
  std::vector<ValueInfo> inputs, outputs;
};

struct File {
  std::int64_t ir_version = 8;
  std::int64_t opset = 0;  ///< of the operators that belong to ONNX itself
  std::string producer;
  Graph graph;
};

/// Gives `length` bytes from `offset` of a file that the model says holds some of its numbers; length < 0: up to its
/// end.
using External = std::function<Bytes(const std::string& file, std::int64_t offset, std::int64_t length)>;

/// Reads the bytes of a file; `where` names them in errors. Throws Error for anything malformed, truncated, of a size
/// or with numbers other than its type says, with external data where there is no `external`, or of so many small parts
/// that they would take far more memory than the file.
File parse(std::string_view bytes, std::string_view where, const External& external = {});

/// The files beside the model at `path`, or below; others are refused, and so is taking more than all of them hold
/// twice over. Each is read once and kept in memory.
External files_beside(const std::filesystem::path& path);

/// Reads a file, with files_beside().
File load(const std::filesystem::path& path);

/// The bytes of a file: fields in rising order, numbers raw, nothing that is unset. Equal files give equal bytes. Of an
/// attribute, what its kind says is written.
std::string dump(const File& file);

}  // namespace hans::nn::onnx
