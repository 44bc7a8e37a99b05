// Reading and writing IDX.
#include "detail/idx.hpp"

#include <array>
#include <string>

#include <hans/core/error.hpp>
#include "detail/bytes.hpp"

namespace hans::data {

namespace {

constexpr std::uint32_t unsigned_bytes = 0x00000800;  // the magic number less its last byte, the rank
constexpr std::size_t highest_rank = 4;

// "10000x28x28". Not a Shape: the product may be too large for one.
std::string spelled(const std::array<std::size_t, highest_rank>& extents, std::size_t rank) {
  std::string out;
  for (std::size_t k = 0; k < rank; ++k) append(out, text(k == 0 ? "" : "x", extents[k]));
  return out;
}

}  // namespace

Idx read_idx(std::string_view file) {
  check(file.size() >= 4, "not an IDX file: it has only ", file.size(), " bytes");
  const auto magic = big<std::uint32_t>(file.data());
  const std::size_t rank = magic & 0xff;
  check((magic & 0xffffff00) == unsigned_bytes && rank >= 1 && rank <= highest_rank,
        "not an IDX file of unsigned bytes: it begins with ", magic, " instead of ", unsigned_bytes + 1,
        " (labels) or ", unsigned_bytes + 3, " (images)");
  const std::size_t header = 4 + 4 * rank;
  check(file.size() >= header, "the IDX header ends after ", file.size(), " of ", header, " bytes");
  std::array<std::size_t, highest_rank> extents{};
  // Compared with what is there before anything is multiplied further, so that no product overflows.
  const std::size_t there = file.size() - header;
  std::uint64_t promised = 1;
  bool empty = false;
  for (std::size_t k = 0; k < rank; ++k) {
    const auto extent = big<std::uint32_t>(file.data() + 4 + 4 * k);
    extents[k] = extent;
    empty = empty || extent == 0;
  }
  for (std::size_t k = 0; k < rank && !empty; ++k) {
    check(extents[k] <= there / promised, "the IDX header (", spelled(extents, rank), ") promises more than the ",
          there, " bytes that follow it: the file was cut short or its header is wrong");
    promised *= extents[k];
  }
  check((empty ? 0 : promised) == there, "the IDX header promises ", empty ? 0 : promised, " bytes but ", there,
        " follow it");
  return {Shape(std::span<const std::size_t>(extents.data(), rank)), file.substr(header)};
}

std::uint64_t idx_size(std::string_view start) {
  if (start.size() < 4) return 0;
  const auto magic = big<std::uint32_t>(start.data());
  const std::size_t rank = magic & 0xff, header = 4 + 4 * rank;
  if ((magic & 0xffffff00) != unsigned_bytes || rank < 1 || rank > highest_rank || start.size() < header) return 0;
  std::uint64_t bytes = 1;
  bool fits = true;
  for (std::size_t k = 0; k < rank; ++k) {
    const std::uint64_t extent = big<std::uint32_t>(start.data() + 4 + 4 * k);
    fits = fits && (extent == 0 || bytes <= (~std::uint64_t{0} >> 1) / extent);
    bytes = fits ? bytes * extent : 0;
  }
  return fits ? header + bytes : 0;
}

std::string write_idx(const Shape& shape, std::span<const std::uint8_t> values) {
  check(shape.rank() >= 1 && shape.rank() <= highest_rank, "an IDX file has one to four dimensions, not ", shape);
  check(values.size() == shape.elements(), "an IDX file of ", shape, " needs ", shape.elements(), " values, not ",
        values.size());
  std::string out;
  put_big(out, static_cast<std::uint32_t>(unsigned_bytes + shape.rank()));
  for (const std::size_t extent : shape) {
    check(extent <= 0xffffffff, "an IDX file cannot hold an extent of ", extent);
    put_big(out, static_cast<std::uint32_t>(extent));
  }
  for (const std::uint8_t value : values) out.push_back(static_cast<char>(value));
  return out;
}

}  // namespace hans::data
