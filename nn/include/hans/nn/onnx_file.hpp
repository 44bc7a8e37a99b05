// ONNX files: what is in them, before anybody says what it means.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hans/nn/onnx_tensor.hpp>

namespace hans::nn::onnx {

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
