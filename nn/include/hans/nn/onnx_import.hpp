// Import of networks from ONNX.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <hans/nn/model_file.hpp>
#include <hans/nn/onnx_file.hpp>
#include <hans/nn/preprocess.hpp>

namespace hans::nn {

/// What the network gives: the logits before a final softmax, which attacks need; or the graph's output as it is.
enum class OnnxOutput { logits, graph };

/// The network in `file` as layers of this library. `notes` receives remarks on how it was read, e.g. which output was
/// used and that a final softmax was removed. nn/README.md lists operators, opsets and what is not supported. Throws
/// Error that names the node.
///
/// The image is the graph's input, height x width x channels. An input of one axis is interpreted as a square image of
/// one or three channels. `preprocess` becomes the network's first layers.
Model import_onnx(const onnx::File& file, const Preprocess& preprocess, std::vector<std::string>& notes,
                  OnnxOutput output = OnnxOutput::logits);

/// Imports a file from disk; errors name it. The model's SHA-256 covers the bytes of the file, then those that it uses
/// of external files, in order of use.
Model load_onnx(const std::filesystem::path& path, const Preprocess& preprocess, std::vector<std::string>& notes,
                OnnxOutput output = OnnxOutput::logits);

}  // namespace hans::nn
