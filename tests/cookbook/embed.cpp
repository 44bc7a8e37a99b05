// Embed: the model file as bytes in the program, one image in, one class out, no files and no exception left uncaught.
#include <hans/hans.hpp>

#include <array>
#include <cstdio>
#include <exception>

namespace {

// The class of one image of 784 floats in [0, 1].
int classify(const hans::nn::Model& model, std::span<const float> pixels) {
  hans::Tensor image{hans::Shape{1, 28, 28, 1}};
  std::copy(pixels.begin(), pixels.end(), image.mutable_values().begin());
  return hans::nn::predict(model.net, image)[0];
}

}  // namespace

int main() try {
  hans::set_thread_count(1);  // changes no result
  // On a board: an array in flash. Here the bytes of a model that was just made.
  const std::string bytes = hans::nn::dump_model({hans::nn::make_model("linear", hans::Rng{1})});
  const hans::nn::Model model = hans::nn::parse_model(bytes, "the model in flash");

  std::array<float, 784> pixels{};
  for (std::size_t row = 4; row < 24; ++row) pixels[row * 28 + 14] = 1;  // a vertical stroke
  std::printf("hans %s says class %d\n", std::string(hans::version).c_str(), classify(model, pixels));
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
