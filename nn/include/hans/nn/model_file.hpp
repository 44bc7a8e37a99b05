// The .hans model file: everything needed to use a model and to know where it came from.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <hans/nn/sequential.hpp>

namespace hans::nn {

/// A model with its description. The file holds no time, host, thread count or kernel name, so equal training gives
/// equal files.
struct Model {
  Sequential net;
  std::string preprocessing = "none";         ///< what the first layers do to the raw [0, 1] image, for the record
  std::vector<std::string> class_names = {};  ///< empty, or one per class
  std::vector<std::pair<std::string, std::string>> training =
      {};                   ///< the record: recipe, data, data_sha256, seed, version
  std::string sha256 = {};  ///< of the file's bytes; set by save and load
};

/// The bytes of the file.
std::string dump_model(const Model& model);

/// Writes it (see write_file) and returns the SHA-256 of its bytes.
std::string save_model(const Model& model, const std::filesystem::path& path);

/// Throws Error naming the file for anything malformed, incomplete, changed since it was written (checksum) or made for
/// other shapes than the architecture asks for.
Model load_model(const std::filesystem::path& path);
Model parse_model(std::string_view bytes, std::string_view where);

}  // namespace hans::nn
