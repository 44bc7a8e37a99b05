// Fuzz target: whatever the bytes are, they are read as an ONNX file and made a network, or refused in one line.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <hans/core/error.hpp>
#include <hans/nn/onnx_import.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto attempt = [](const auto& work) {
    try {
      work();
    } catch (const hans::Error& error) {
      if (std::string_view(error.what()).find('\n') != std::string_view::npos) std::abort();
    }
  };
  std::string written;
  attempt([&] { written = hans::nn::onnx::dump(hans::nn::onnx::parse(bytes, "input")); });
  if (written.empty()) return 0;
  // What was read is written, and read back the same.
  if (hans::nn::onnx::dump(hans::nn::onnx::parse(written, "written")) != written) std::abort();
  attempt([&] {
    std::vector<std::string> notes;
    (void)hans::nn::import_onnx(hans::nn::onnx::parse(bytes, "input"), {}, notes);
  });
  return 0;
}
