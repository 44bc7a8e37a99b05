// IDX, the format of MNIST's files: a magic number, the extents, then the elements.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <hans/core/shape.hpp>

namespace hans::data {

/// The content of an IDX file; `values` points into the file's bytes.
struct Idx {
  Shape shape;
  std::string_view values;
};

/// Parses an IDX file of unsigned bytes with one to four dimensions. Throws Error unless the magic number is right and
/// the file has exactly the length that its header implies. Allocates nothing.
Idx read_idx(std::string_view file);

/// The file size that the IDX header in `start` implies; 0 if `start` is not an IDX header.
std::uint64_t idx_size(std::string_view start);
constexpr std::size_t longest_idx_header = 20;

/// The IDX file of `values`. Throws Error if their number is not that of the elements of `shape`.
std::string write_idx(const Shape& shape, std::span<const std::uint8_t> values);

}  // namespace hans::data
