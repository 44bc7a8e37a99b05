// Fuzz target: whatever the bytes are, they are read as weights and given to a network, or refused in one line.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <hans/core/error.hpp>
#include <hans/nn/state_dict.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hans;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  static const nn::Sequential start = nn::Sequential::parse(
      "2x2x2;conv2d:filters=2,kernel=1;batch_norm;flatten;linear:units=2;linear:units=2,bias=false", Rng(1));
  nn::Sequential net = start;
  try {
    nn::load_state_dict(net, nn::parse_state_dict(bytes, "input"));
  } catch (const Error& error) {
    if (std::string_view(error.what()).find('\n') != std::string_view::npos) std::abort();
    for (std::size_t k = 0; k < net.weights().size(); ++k) {
      if (!identical(net.weights()[k], start.weights()[k])) std::abort();
    }
    return 0;
  }
  // What was taken is given back, and taken again.
  nn::Sequential again = start;
  nn::load_state_dict(again, nn::parse_state_dict(nn::dump_npz({net}), "again"));
  if (nn::dump_safetensors({net}) != nn::dump_safetensors({again})) std::abort();
  return 0;
}
