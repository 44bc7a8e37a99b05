// The safetensors format: named tensors with text metadata.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hans/core/tensor.hpp>

namespace hans::nn {

/// How the numbers of a file are stored: as F32 (F64 by the library in double), or as F16, IEEE binary16.
enum class NumberType { float32, float16 };
constexpr std::array<std::string_view, 2> enum_names(NumberType) { return {"float32", "float16"}; }

/// Eight bytes of header length, a JSON header, then the numbers, little-endian and in the order written. Model files
/// and checkpoints of hans have this format, with their description in `metadata`.
struct Safetensors {
  std::vector<std::pair<std::string, std::string>> metadata;
  std::vector<std::pair<std::string, Tensor>> tensors;
  NumberType numbers = NumberType::float32;  ///< parse() says float16 if all tensors are stored so

  const std::string* find(std::string_view key) const;  ///< a metadata value, or null
  const std::string& at(std::string_view key) const;    ///< a metadata value; throws Error if there is none
  const Tensor& tensor(std::string_view name) const;    ///< throws Error if there is none

  /// The SHA-256 over name, shape and stored numbers of every tensor: without metadata.
  std::string tensors_sha256() const;

  /// The bytes of the file. Throws Error for a number that `numbers` does not have. Adds a metadata entry "sha256" over
  /// everything else, in this order: every key and value, then every name, shape and numbers.
  std::string dump() const;

  /// Parses the bytes of a file; `where` names it in errors. Converts numbers of types F32, F64, F16, BF16, I64 and I32
  /// to the nearest real. Throws Error for a file that is malformed or has tensors that overlap, are out of bounds or
  /// are not finite, and if its "sha256", if any, does not match.
  static Safetensors parse(std::string_view bytes, std::string_view where);
};

/// Throws Error that says what to do instead, where `bytes` are a model as other programs save it. Those of a
/// safetensors file are none.
void refuse_foreign(std::string_view bytes, std::string_view where);

}  // namespace hans::nn
