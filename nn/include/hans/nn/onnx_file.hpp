// The content of ONNX files, without interpretation.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hans/nn/onnx_tensor.hpp>

namespace hans::nn::onnx {

/// An attribute of a node; members that it does not set are empty.
struct Attribute {
  std::string name;
  float number = 0;
  std::int64_t integer = 0;
  std::string text = {};
  TensorData tensor = {};
  std::vector<float> numbers = {};
  std::vector<std::int64_t> integers = {};

  /// Numbered as in the format. Attributes of very old files have no kind.
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
  std::int64_t opset = 0;  ///< version of the standard ONNX operator set
  std::string producer;
  Graph graph;
};

/// Parses the bytes of a file; `where` names it in errors. Throws Error for a file that is malformed or truncated, for
/// a tensor whose size or elements contradict its type, for external data without `external`, and for so many small
/// parts that they would take far more memory than the file.
File parse(std::string_view bytes, std::string_view where, const External& external = {});

/// Reads external data from files in the folder of the model at `path` or below; refuses any other place, and reading
/// more than twice the total size of those files. Each file is read once and kept in memory.
External files_beside(const std::filesystem::path& path);

/// Reads a file and its external data (files_beside()).
File load(const std::filesystem::path& path);

/// The bytes of a file: fields in rising order, raw numbers, no unset fields. Equal files give equal bytes. Of an
/// attribute, only the member of its kind is written.
std::string dump(const File& file);

}  // namespace hans::nn::onnx
