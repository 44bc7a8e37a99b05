// Parsing of ONNX tensors; private to the file reader.
#pragma once

#include <hans/nn/onnx_tensor.hpp>
#include "protobuf.hpp"

namespace hans::nn::onnx {

/// The element type in a field. Throws Error for an unknown number.
Type type_of(const protobuf::Field& field);

/// Parses a tensor message. Throws Error unless the number of bytes matches dims and type.
TensorData read_tensor(const protobuf::Field& message, const External& external);

}  // namespace hans::nn::onnx
