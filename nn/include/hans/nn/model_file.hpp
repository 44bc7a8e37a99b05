// The .hans model file: everything needed to use a model, and its origin.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <hans/nn/safetensors.hpp>
#include <hans/nn/sequential.hpp>

namespace hans::nn {

/// A model with its description. The file contains no time, host, thread count or kernel name, so equal training gives
/// equal files.
struct Model {
  Sequential net;
  std::string preprocessing = "none";         ///< what the first layers do to the raw [0, 1] image; informative
  std::vector<std::string> class_names = {};  ///< empty, or one per class
  std::vector<std::pair<std::string, std::string>> training =
      {};                                    ///< how it was trained: recipe, data, data_sha256, seed, version
  NumberType numbers = NumberType::float32;  ///< how the file stores its tensors
  std::string sha256 = {};                   ///< of the file's bytes; set by save and load
};

/// The SHA-256 over name, shape and stored bytes of every tensor: that of the same weights in files of other versions.
std::string weights_sha256(const Model& model);

/// The bytes of the file. Throws Error for a number that model.numbers does not have.
std::string dump_model(const Model& model);

/// Writes the file (see write_file) and returns the SHA-256 of its bytes.
std::string save_model(const Model& model, const std::filesystem::path& path);

/// Reads the file. Throws Error with its name if it is malformed, incomplete, fails its checksum, or has tensors of
/// shapes that its architecture does not ask for.
Model load_model(const std::filesystem::path& path);
Model parse_model(std::string_view bytes, std::string_view where);

}  // namespace hans::nn
