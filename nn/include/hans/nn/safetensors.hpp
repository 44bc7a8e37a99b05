// Named tensors with text beside them: the safetensors format.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hans/core/tensor.hpp>

namespace hans::nn {

/// Eight bytes of header length, a JSON header, numbers: little-endian, in the order written. The product's model files
/// and checkpoints are such files, with their description in `metadata`.
struct Safetensors {
  std::vector<std::pair<std::string, std::string>> metadata;
  std::vector<std::pair<std::string, Tensor>> tensors;

  const std::string* find(std::string_view key) const;  ///< metadata, or null
  const std::string& at(std::string_view key) const;    ///< metadata; throws Error if there is none
  const Tensor& tensor(std::string_view name) const;    ///< throws Error if there is none

  /// The bytes of the file. A metadata entry "sha256" is added over everything else, in this order: each key and value,
  /// each name, shape and numbers.
  std::string dump() const;

  /// Reads such bytes; `where` names them in errors. Takes numbers of types F32, F64, F16, BF16,
  /// I64 and I32, as the nearest real ones. Throws Error for anything malformed,
  /// overlapping, out of bounds, not finite, or whose "sha256", if there is one, does not match.
  static Safetensors parse(std::string_view bytes, std::string_view where);
};

}  // namespace hans::nn
