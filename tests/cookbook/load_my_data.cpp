// Load my data: images from memory and from an .npz file become a data set that everything else takes.
#include <hans/hans.hpp>

#include <cstdio>

int main() {
  using namespace hans;
  // Bytes (0 to 255) or floats (0 to 1), count x height x width x channels. The data set checks every number and label.
  std::string pixels;
  for (int i = 0; i < 20 * 8 * 8; ++i) pixels.push_back(static_cast<char>(i * 37 % 256));
  const std::vector<int> labels(20, 3);
  const data::Dataset from_memory("mine", Shape{8, 8, 1}, pixels, labels, 10);

  // numpy.savez("mine.npz", images=..., labels=...) writes the same file.
  const std::vector<std::uint8_t> bytes(pixels.begin(), pixels.end());
  const std::vector<std::int64_t> numbers(labels.begin(), labels.end());
  write_file("mine.npz", data::write_npz({{"images", data::Array::of(Shape{20, 8, 8, 1}, bytes)},
                                          {"labels", data::Array::of(Shape{20}, numbers)}}));
  const data::Dataset from_file = data::load("mine.npz", data::Part::test, 10);

  // The attacks work on samples: float images in [0, 1], labels, and the place of each image in the data set.
  const data::Samples samples = from_file.first(5);
  std::printf("%zu images of %zu x %zu, the first pixel is %.3f; the hash names the data: %s\n", from_file.size(),
              from_file.image_shape()[0], from_file.image_shape()[1], static_cast<double>(samples.images.values()[0]),
              from_file.sha256().substr(0, 12).c_str());
  return from_file.sha256() == from_memory.sha256() ? 0 : 1;
}
