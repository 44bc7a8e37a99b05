// Fuzz target: whatever the bytes are, an array is read or refused, and what was read is written and read back the
// same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <hans/core/error.hpp>
#include <hans/data/npy.hpp>

namespace {

/// True unless `work` refuses in one line.
template <class Work>
bool works(const Work& work) {
  try {
    work();
    return true;
  } catch (const hans::Error& error) {
    if (std::string_view(error.what()).find('\n') != std::string_view::npos) std::abort();
    return false;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using hans::data::Array;
  Array array;
  if (!works([&] { array = hans::data::read_npy({reinterpret_cast<const char*>(data), size}); })) return 0;
  works([&] { array.floats(); });
  works([&] { array.doubles(); });
  works([&] { array.integers(); });
  works([&] { array.text(); });
  // Outside a try: the library's own files must always read back.
  const Array again = hans::data::read_npy(hans::data::write_npy(array));
  const bool same = again.shape == array.shape && again.kind == array.kind && again.width == array.width &&
                    again.content == array.content;
  if (!same) std::abort();
  return 0;
}
