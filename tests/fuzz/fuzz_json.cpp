// Fuzz target: whatever the bytes are, JSON is read or refused, and what was read is written and read back the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <hans/core/error.hpp>
#include <hans/core/json.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string once;
  try {
    once = hans::Json::parse(text).dump();
  } catch (const hans::Error& error) {
    if (std::string_view(error.what()).find('\n') != std::string_view::npos) std::abort();
    return 0;
  }
  // Outside the try: the library's own text must always read back.
  const hans::Json again = hans::Json::parse(once);
  if (again.dump() != once || hans::Json::parse(again.dump(2)).dump() != once) std::abort();
  return 0;
}
