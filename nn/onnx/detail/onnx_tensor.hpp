// Tensors in ONNX files: private to the reader.
#pragma once

#include <hans/nn/onnx_tensor.hpp>
#include "protobuf.hpp"

namespace hans::nn::onnx {

/// The element type that a field names. Throws Error if there is none of this number.
Type type_of(const protobuf::Field& field);

/// The tensor in a message. Throws Error unless it has the bytes that its dims and type say.
TensorData read_tensor(const protobuf::Field& message, const External& external);

}  // namespace hans::nn::onnx
