// ONNX graphs made in code, for the tests.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <hans/nn/onnx_file.hpp>
#include <hans/nn/onnx_import.hpp>

namespace onnx_testing {

using namespace hans::nn::onnx;
using Dims = std::vector<std::int64_t>;

inline std::string float_bytes(const std::vector<float>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

inline TensorData reals(std::string name, Dims dims, const std::vector<float>& values) {
  return {std::move(name), Type::f32, std::move(dims), float_bytes(values)};
}

/// Small different numbers.
inline TensorData weights(std::string name, Dims dims) {
  std::size_t count = 1;
  for (const std::int64_t extent : dims) count *= static_cast<std::size_t>(extent);
  std::vector<float> values(count);
  for (std::size_t k = 0; k < count; ++k) values[k] = static_cast<float>((k * 37 + 11) % 23) / 16 - 0.7F;
  return reals(std::move(name), std::move(dims), values);
}

inline TensorData wholes(std::string name, Dims dims, const std::vector<std::int64_t>& values) {
  return {std::move(name), Type::i64, std::move(dims),
          std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(std::int64_t))};
}

inline Node node(std::string op, std::vector<std::string> inputs, std::vector<std::string> outputs,
                 std::vector<Attribute> attributes = {}) {
  return {"", std::move(op), "", std::move(inputs), std::move(outputs), std::move(attributes)};
}

/// Extents; -1 is one that is left open.
inline ValueInfo value(std::string name, const Dims& dims, Type type = Type::f32) {
  ValueInfo made{std::move(name), type, true, {}};
  for (const std::int64_t extent : dims)
    made.dims.push_back({extent > 0, extent > 0 ? extent : 0, extent > 0 ? "" : "N"});
  return made;
}

/// A graph from "x" to "y".
inline File file(const Dims& input, std::vector<Node> nodes, std::vector<TensorData> tensors = {},
                 std::int64_t opset = 17) {
  File made;
  made.opset = opset;
  made.producer = "test";
  made.graph.name = "graph";
  made.graph.nodes = std::move(nodes);
  made.graph.initializers = std::move(tensors);
  made.graph.inputs = {value("x", input)};
  made.graph.outputs = {value("y", {-1, -1})};
  return made;
}

inline hans::nn::Model imported(const File& given, const std::string& preprocess = "none") {
  std::vector<std::string> notes;
  return hans::nn::import_onnx(parse(dump(given), "test"), hans::nn::read_preprocess(preprocess), notes);
}

}  // namespace onnx_testing
