// Networks made elsewhere: the ONNX format.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <hans/nn/model_file.hpp>
#include <hans/nn/onnx_file.hpp>
#include <hans/nn/preprocess.hpp>

namespace hans::nn {

/// The network in `file`, as layers of this library, and what to know about how it was read: which output was taken,
/// that probabilities were taken back to logits. Operators, opsets and what is not supported: nn/README.md. Throws
/// Error that names the node.
///
/// The image is the file's input, height x width x channels. An input of one axis is taken for a square image of one
/// or three channels. `preprocess` becomes the network's first layers.
Model import_onnx(const onnx::File& file, const Preprocess& preprocess, std::vector<std::string>& notes);

/// The same for a file on disk, whose name stands in errors; with the SHA-256 of its bytes, followed by
/// those it takes from files beside it, in its order.
Model load_onnx(const std::filesystem::path& path, const Preprocess& preprocess, std::vector<std::string>& notes);

}  // namespace hans::nn
