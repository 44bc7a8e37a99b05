// Fuzz target: whatever the bytes are, they are expanded within the limit or refused, and come back after compression.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <hans/core/error.hpp>
#include "../../data/detail/deflate.hpp"
#include "../../data/detail/gzip.hpp"
#include "../../data/detail/inflate.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint64_t most = 1 << 20;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto expand = [&](const auto& run) {
    try {
      if (run().size() > most) std::abort();
    } catch (const hans::Error& error) {
      if (std::string_view(error.what()).find('\n') != std::string_view::npos) std::abort();
    }
  };
  expand([&] { return hans::data::gunzip(bytes, most); });
  expand([&] { return hans::data::zlib_expand(bytes, most); });
  expand([&] {
    std::string out;
    if (hans::data::inflate(bytes, out, most) > size) std::abort();
    return out;
  });
  // Outside the try: what was compressed here must always expand.
  std::string again;
  const std::string packed = hans::data::deflate(bytes);
  if (hans::data::inflate(packed, again, size) != packed.size() || again != bytes) std::abort();
  return 0;
}
