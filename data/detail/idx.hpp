// IDX, the format of MNIST's files: a magic number, the extents, then the numbers.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <hans/core/shape.hpp>

namespace hans::data {

/// The bytes in an IDX file; `values` points into the file that was read.
struct Idx {
  Shape shape;
  std::string_view values;
};

/// Reads an IDX file of unsigned bytes with one to four dimensions. Throws Error unless the magic number is
/// right and the file is exactly as long as its header says. Allocates nothing.
Idx read_idx(std::string_view file);

/// How many bytes a file that begins so has if its header is right; 0 if that is no IDX header.
std::uint64_t idx_size(std::string_view start);
constexpr std::size_t longest_idx_header = 20;

/// The IDX file of `values`. Throws Error if they are not as many as `shape` has elements.
std::string write_idx(const Shape& shape, std::span<const std::uint8_t> values);

}  // namespace hans::data
