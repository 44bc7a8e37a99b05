// Save: a model file read back, and the same network for other programs as ONNX and as PyTorch's state dict.
#include <hans/hans.hpp>

#include <cstdio>

int main() {
  using namespace hans;
  const nn::Model model = nn::load_model("mine.hans");  // throws Error for a file that is damaged or changed
  std::printf("%s\n", model.net.summary().c_str());

  write_file("mine.onnx", nn::onnx::dump(nn::export_onnx(model.net)));
  write_file("mine.safetensors", nn::dump_safetensors(model));

  // The weights are the same bits in each file. Weights alone have no architecture, so the network comes first.
  nn::Sequential copy = nn::Sequential::parse(model.net.architecture(), Rng{0});
  nn::load_state_dict(copy, nn::parse_state_dict(read_file("mine.safetensors"), "mine.safetensors"));
  const Tensor images = data::load("mnist-5k").first(10).images;
  const Tensor of_copy = nn::logits(copy, images), of_model = nn::logits(model.net, images);
  const bool equal = std::ranges::equal(of_copy.values(), of_model.values());
  std::printf("the copy gives %s logits\n", equal ? "the same" : "other");
  return equal ? 0 : 1;
}
