// Networks for other programs: the ONNX format.
#pragma once

#include <hans/nn/onnx_file.hpp>
#include <hans/nn/sequential.hpp>

namespace hans::nn {

/// The versions of the format and of the operators in the files that are written.
inline constexpr std::int64_t exported_ir_version = 9;
inline constexpr std::int64_t exported_opset = 20;

/// The network as an ONNX graph from "images", the raw images as samples x channels x height x width, to "logits",
/// samples x classes; the number of samples is left open. Preprocessing layers are part of it. Weights are bit for bit
/// the network's, named "0.weight", "0.bias", ... Equal networks give equal files. Of training, only dropout is in the
/// file, and no program that evaluates it applies that. To a file: write_file(path, onnx::dump(export_onnx(net))).
///
/// Reading the file with import_onnx() gives a network with the same logits and mostly the same layers: normalize is
/// three operators, numbers that are combined with images have three axes, a softmax at the end is taken back to
/// logits.
onnx::File export_onnx(const Sequential& net);

}  // namespace hans::nn
