// Export of networks to ONNX.
#pragma once

#include <hans/nn/onnx_file.hpp>
#include <hans/nn/sequential.hpp>

namespace hans::nn {

/// The ONNX format and operator set versions of exported files.
inline constexpr std::int64_t exported_ir_version = 9;
inline constexpr std::int64_t exported_opset = 20;

/// The network as an ONNX graph from "images" (raw images, samples x channels x height x width) to "logits" (samples x
/// classes), with a free number of samples. Preprocessing layers are included. Weights are bit for bit the network's,
/// named "0.weight", "0.bias", ... Equal networks give equal files. Dropout is exported although it acts in training
/// only; inference engines ignore it. To write a file: write_file(path, onnx::dump(export_onnx(net))).
///
/// import_onnx() of the result gives a network with the same logits and mostly the same layers. Differences: normalize
/// becomes three operators, constants combined with images get three axes, and a softmax at the end is removed.
onnx::File export_onnx(const Sequential& net);

}  // namespace hans::nn
