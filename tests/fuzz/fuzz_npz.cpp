// Fuzz target: whatever the bytes are, an archive of arrays is read within the limit or refused.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <hans/core/error.hpp>
#include <hans/data/npz.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint64_t most = 1 << 20;
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  const auto attempt = [](const auto& work) {
    try {
      work();
    } catch (const hans::Error& error) {
      if (std::string_view(error.what()).find('\n') != std::string_view::npos) std::abort();
    }
  };
  std::vector<std::string> names;
  attempt([&] { names = hans::data::npz_names(file); });
  std::vector<hans::data::NamedArray> arrays;
  for (std::size_t k = 0; k < names.size() && k < 8; ++k) {
    attempt([&] { arrays.push_back({names[k], hans::data::read_npz(file, names[k], most)}); });
  }
  // What was read is written and read back the same.
  const std::string again = hans::data::write_npz(arrays);
  for (const auto& [name, array] : arrays) {
    if (hans::data::read_npz(again, name).content != array.content) std::abort();
  }
  return 0;
}
