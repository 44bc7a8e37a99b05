// Fuzz target: whatever the bytes are, an IDX file is read or refused, and what was read is written the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include <hans/core/error.hpp>
#include "../../data/detail/idx.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  hans::data::Idx idx;
  try {
    idx = hans::data::read_idx(file);
  } catch (const hans::Error& error) {
    if (std::string_view(error.what()).find('\n') != std::string_view::npos) std::abort();
    return 0;
  }
  const std::span values(data + (size - idx.values.size()), idx.values.size());
  if (hans::data::write_idx(idx.shape, values) != file) std::abort();
  return 0;
}
