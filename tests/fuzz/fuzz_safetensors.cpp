// Fuzz target: whatever the bytes are, they are read as named tensors, and as a model, or refused in one line.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <hans/core/error.hpp>
#include <hans/nn/model_file.hpp>
#include <hans/nn/safetensors.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  const auto attempt = [](const auto& work) {
    try {
      work();
    } catch (const hans::Error& error) {
      if (std::string_view(error.what()).find('\n') != std::string_view::npos) std::abort();
    }
  };
  attempt([&] { (void)hans::nn::parse_model(file, "input"); });
  std::string written;
  attempt([&] { written = hans::nn::Safetensors::parse(file, "input").dump(); });
  if (written.empty()) return 0;
  // What was read is written, with a checksum, and read back the same.
  if (hans::nn::Safetensors::parse(written, "written").dump() != written) std::abort();
  std::string again;
  attempt([&] { again = hans::nn::dump_model(hans::nn::parse_model(written, "written")); });
  if (!again.empty() && hans::nn::dump_model(hans::nn::parse_model(again, "again")) != again) std::abort();
  return 0;
}
