// How names, folders and files become data sets, and what is refused.
#include <array>
#include <cstdlib>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include <hans/data/dataset.hpp>
#include <hans/data/npz.hpp>
#include "../../data/detail/bytes.hpp"
#include "../../data/detail/checksum.hpp"
#include "../../data/detail/deflate.hpp"
#include "../../data/detail/idx.hpp"

#include "data_testing.hpp"

namespace hans::data::load_test {
namespace {

using testing_data::error_of;
using testing_data::TemporaryFolder;

/// Of a name; 0 if it is not found.
std::size_t images_of(std::string_view name) {
  try {
    return load(name).size();
  } catch (const Error&) {
    return 0;
  }
}

std::vector<real> numbers(const Tensor& tensor) { return {tensor.values().begin(), tensor.values().end()}; }

real of_byte(int byte) { return real{static_cast<float>(byte) / 255.0f}; }

TEST(Load, TheEmbeddedDigits) {
  const Dataset train = load("mnist-5k/train"), test = load("mnist-5k");
  EXPECT_EQ(train.name(), "mnist-5k/train");
  EXPECT_EQ(test.name(), "mnist-5k/test");
  EXPECT_EQ(load("mnist-5k", Part::train).name(), "mnist-5k/train");
  EXPECT_EQ(train.size(), 4500u);
  EXPECT_EQ(test.size(), 500u);
  EXPECT_EQ(train.classes(), 10u);
  EXPECT_EQ(train.image_shape(), (Shape{28, 28, 1}));
  for (const Dataset& part : {train, test}) {
    for (std::size_t k = 0; k < part.size(); ++k) ASSERT_EQ(part.labels()[k], static_cast<int>(k % 10));
  }
  EXPECT_EQ(train.sha256(), "0ed17d4afe4bb3af05012ca633302dc9abf3bc9ee17db0fc1d6567aa2cdf25a4");
  EXPECT_EQ(test.sha256(), "88144679ff6bf24b45bf1fb800aab603f288b13680e2205584c8de98d91fd0e9");
}

TEST(Load, TheEmbeddedDigitsAreMnists) {
  const std::filesystem::path shared = testing_data::shared_folder();
  if (shared.empty()) GTEST_SKIP() << "no shared data; set HANS_SHARED";
  const Dataset full = load((shared / "data/mnist/train").string());
  ASSERT_EQ(full.size(), 60000u);
  std::array<std::vector<std::uint32_t>, 10> of_class;
  for (std::uint32_t k = 0; k < full.size(); ++k) of_class[static_cast<std::size_t>(full.labels()[k])].push_back(k);
  std::vector<std::uint32_t> first;
  for (std::size_t k = 0; k < 5000; ++k) first.push_back(of_class[k % 10][k / 10]);
  EXPECT_TRUE(identical(load("mnist-5k/train").first(4500).images, full.gather(std::span(first).first(4500)).images));
  EXPECT_TRUE(identical(load("mnist-5k/test").first(500).images, full.gather(std::span(first).last(500)).images));
}

TEST(Load, Mnist) {
  const std::filesystem::path shared = testing_data::shared_folder();
  if (shared.empty()) GTEST_SKIP() << "no shared data; set HANS_SHARED";
  const Split split = mnist((shared / "data/mnist").string());
  EXPECT_EQ(split.train.size(), 60000u);
  EXPECT_EQ(split.test.size(), 10000u);
  EXPECT_EQ(split.test.classes(), 10u);
  EXPECT_EQ(split.test.labels()[0], 7);
  EXPECT_EQ(split.test.sha256(), "8dc6d71daebc6f811b96cb4b0f4d20ac1615a46527c6d3b2b8ce5b4b175375bd");
}

// A folder with the four files, two images to train and one to test.
void write_files(const TemporaryFolder& folder, const std::string& under, std::size_t height = 1,
                 std::size_t width = 2) {
  const auto write = [&](const std::string& name, const Shape& shape, std::vector<std::uint8_t> values) {
    values.resize(shape.elements());
    folder.write(under + name, write_idx(shape, values));
  };
  write("train-images-idx3-ubyte", {2, height, width}, {1, 2, 3, 4});
  write("train-labels-idx1-ubyte", {2}, {1, 0});
  write("t10k-images-idx3-ubyte", {1, height, width}, {5, 6});
  write("t10k-labels-idx1-ubyte", {1}, {1});
}

std::string gzipped(std::string_view content) {
  std::string file("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
  file += deflate(content);
  put_little(file, crc32(content));
  put_little(file, static_cast<std::uint32_t>(content.size()));
  return file;
}

TEST(Load, Folders) {
  const TemporaryFolder temporary;
  write_files(temporary, "digits/");
  const std::string folder = (temporary.path() / "digits").string();
  EXPECT_EQ(load(folder).name(), folder + "/test");
  EXPECT_EQ(load(folder).size(), 1u);
  EXPECT_EQ(load(folder + "/").name(), folder + "/test");
  EXPECT_EQ(load(folder, Part::train).size(), 2u);
  EXPECT_EQ(load(folder + "/train").size(), 2u);
  EXPECT_EQ(load(folder + "//train").size(), 2u);
  EXPECT_EQ(load(folder + "/test", Part::train).size(), 1u);
  EXPECT_EQ(load(folder + "/train").classes(), 2u);
  EXPECT_EQ(load(folder + "/train", Part::test, 7).classes(), 7u);
  EXPECT_EQ(mnist(folder).train.size(), 2u);
  EXPECT_EQ(mnist(folder).test.classes(), 10u);
  // A folder that ends like a part is a folder.
  write_files(temporary, "digits/train/");
  EXPECT_EQ(load(folder + "/train").name(), folder + "/train/test");

  // Colour, gzip by name, gzip by content, the other spelling.
  const std::string colour = (temporary.path() / "colour").string();
  const std::vector<std::uint8_t> pixels{1, 2, 3, 4, 5, 6}, labels{3};
  temporary.write("colour/t10k-images.idx4-ubyte.gz", gzipped(write_idx({1, 1, 2, 3}, pixels)));
  temporary.write("colour/t10k-labels-idx1-ubyte", gzipped(write_idx({1}, labels)));
  EXPECT_EQ(load(colour).image_shape(), (Shape{1, 2, 3}));
  EXPECT_EQ(load(colour).labels()[0], 3);
}

TEST(Load, FoldersWithFaults) {
  const TemporaryFolder temporary;
  write_files(temporary, "good/");
  const auto idx = [](const Shape& shape, std::vector<std::uint8_t> values) { return write_idx(shape, values); };
  struct Case {
    const char *file, *message;
    std::string bytes;
  };
  const std::vector<Case> table{
      {"t10k-images-idx3-ubyte", "only 0 bytes", ""},
      {"t10k-images-idx3-ubyte", "not images: perhaps the labels?", idx({2}, {5, 6})},
      {"t10k-labels-idx1-ubyte", "not labels: perhaps the images?", idx({1, 1, 2}, {5, 6})},
      {"t10k-images-idx3-ubyte", "has 2 images of 1x1x1 but 1 labels", idx({2, 1, 1}, {5, 6})},
      {"t10k-labels-idx1-ubyte", "has 1 images of 1x2x1 but 2 labels", idx({2}, {1, 1})},
      {"t10k-images-idx3-ubyte", "promises more than", idx({1, 1, 2}, {5, 6}).substr(0, 17)},
      {"t10k-images-idx3-ubyte", "promises 2 bytes but 3 follow", idx({1, 1, 2}, {5, 6}) + "x"},
      {"t10k-images-idx3-ubyte", "end too early", gzipped(idx({1, 1, 2}, {5, 6})).substr(0, 20)},
      {"t10k-images-idx3-ubyte", "holds no images", idx({0, 28, 28}, {})},
      {"t10k-images-idx3-ubyte", "images must be", idx({1, 0, 28}, {})},
  };
  for (const Case& broken : table) {
    write_files(temporary, "bad/");
    temporary.write(std::string("bad/") + broken.file, broken.bytes);
    const std::string message = error_of([&] { load((temporary.path() / "bad").string()); });
    EXPECT_NE(message.find(broken.message), std::string::npos) << broken.message << ": " << message;
    EXPECT_NE(message.find("bad"), std::string::npos) << "the path is missing: " << message;
    EXPECT_EQ(load((temporary.path() / "bad/train").string()).size(), 2u) << "the other part was read";
  }
  temporary.write("plain/t10k-images-idx3-ubyte.gz", idx({1, 1, 2}, {5, 6}));
  temporary.write("plain/t10k-labels-idx1-ubyte", idx({1}, {1}));
  const std::string plain = (temporary.path() / "plain").string();
  const std::string known =
      "data are an .npz file with images and labels, a folder of CIFAR-10's binary files or a folder of IDX files";
  EXPECT_EQ(error_of([&] { load(plain); }), "'" + plain + "/t10k-images-idx3-ubyte.gz': not a gzip file");
  EXPECT_EQ(error_of([&] { load(plain + "/train"); }),
            "there is no train-images-idx3-ubyte (or .gz) in '" + plain + "'");
  std::filesystem::remove(temporary.path() / "plain/t10k-labels-idx1-ubyte");
  EXPECT_EQ(error_of([&] { load(plain); }), "there is no t10k-labels-idx1-ubyte (or .gz) in '" + plain + "'");
  EXPECT_EQ(error_of([&] { load(plain + "/nowhere"); }), "'" + plain + "/nowhere' does not exist; " + known);
  const std::string file = temporary.write("file", "x");
  EXPECT_EQ(error_of([&] { load(file); }), "'" + file + "' is in no known format; " + known);
  // What exists needs no '/', unless it is a folder.
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(temporary.path());
  const std::string bare = error_of([] { load("file"); }), folder = error_of([] { load("good"); });
  std::filesystem::current_path(before);
  EXPECT_EQ(bare, "'file' is in no known format; " + known);
  EXPECT_NE(folder.find("there is no data set 'good'"), std::string::npos) << folder;
  // MNIST's labels end at 9.
  write_files(temporary, "ten/");
  temporary.write("ten/t10k-labels-idx1-ubyte", idx({1}, {10}));
  const std::string ten = (temporary.path() / "ten").string();
  EXPECT_EQ(error_of([&] { mnist(ten); }), "'" + ten + "/test': label 10 of image 0 is outside 0 to 9");
  EXPECT_EQ(load(ten).classes(), 11u);
}

Array images_u8(const Shape& shape) { return Array::of(shape, std::vector<std::uint8_t>(shape.elements(), 51)); }
Array labels_of(const std::vector<std::int64_t>& labels) { return Array::of({labels.size()}, labels); }

TEST(Load, Npz) {
  const TemporaryFolder temporary;
  const std::string bytes =
      temporary.write("a.npz", write_npz({{"images", images_u8({2, 1, 3})}, {"labels", labels_of({4, 0})}}));
  const Dataset data = load(bytes);
  EXPECT_EQ(data.name(), bytes);
  EXPECT_EQ(data.image_shape(), (Shape{1, 3, 1}));
  EXPECT_EQ(data.classes(), 5u);
  EXPECT_EQ(data.first(1).images.data()[0], of_byte(51));
  EXPECT_EQ(load(bytes, Part::train, 9).classes(), 9u);

  const std::vector<float> values{0.25f, 1.0f, 0.0f, 0.75f, 0.5f, 0.125f};
  const std::string floats =
      temporary.write("b.npz", write_npz({{"labels", labels_of({1})}, {"images", Array::of({1, 1, 2, 3}, values)}}));
  EXPECT_EQ(load(floats).image_shape(), (Shape{1, 2, 3}));
  EXPECT_EQ(numbers(load(floats).first(1).images), std::vector<real>(values.begin(), values.end()));

  EXPECT_EQ(error_of([&] { load(bytes + "/test"); }), "'" + bytes + "' has no parts; leave '/test' away");
}

TEST(Load, NpzWithFaults) {
  const TemporaryFolder temporary;
  const Array good_images = images_u8({2, 1, 3}), good_labels = labels_of({4, 0});
  const auto of_floats = [](const Shape& shape, float value) {
    return Array::of(shape, std::vector<float>(shape.elements(), value));
  };
  struct Case {
    Array images, labels;
    const char* message;
  };
  const std::vector<Case> table{
      {images_u8({2, 3}), good_labels, "array 'images' has shape 2x3;"},
      {images_u8({2, 1, 1, 1, 3}), good_labels, "array 'images' has shape 2x1x1x1x3;"},
      {good_images, labels_of({1, 2, 3}), "2 images of 1x3x1 but 3 labels"},
      {good_images, Array::of({1, 2}, std::vector<std::int64_t>{0, 1}), "array 'labels' has shape 1x2"},
      {good_images, labels_of({-1, 0}), "label -1 of image 0"},
      {good_images, labels_of({0, 1000}), "label 1000 of image 1 is outside 0 to 999"},
      {good_images, labels_of({0, std::int64_t{1} << 32}), "label 4294967296 of image 1"},
      {good_images, of_floats({2}, 1), "array 'labels' holds float32, not integers"},
      {of_floats({2, 1, 3}, 51), good_labels, "image 0 holds 51; pixels must be in [0, 1]"},
      {Array::of({2, 1, 3}, std::vector<double>(6, 2)), good_labels, "image 0 holds 2; pixels must be in [0, 1]"},
      {Array::of({2, 1, 3}, std::vector<std::int64_t>(6)), good_labels, "array 'images' holds int64; uint8, or floats"},
      {images_u8({0, 28, 28}), labels_of({}), "holds no images"},
  };
  for (const Case& broken : table) {
    const std::string path =
        temporary.write("x.npz", write_npz({{"images", broken.images}, {"labels", broken.labels}}));
    const std::string message = error_of([&] { load(path); });
    EXPECT_NE(message.find(broken.message), std::string::npos) << broken.message << ": " << message;
    EXPECT_TRUE(message.starts_with("'" + path)) << message;
    EXPECT_EQ(message.find(path, 2), std::string::npos) << "names the file twice: " << message;
  }
  const std::string path = temporary.write("x.npz", write_npz({{"images", good_images}}));
  EXPECT_EQ(error_of([&] { load(path); }), "'" + path + "': there is no array 'labels' in the file; it holds 'images'");
  EXPECT_NE(error_of([&] { load(temporary.write("y.npz", "PK")); }).find("not a ZIP archive"), std::string::npos);
  EXPECT_NE(error_of([&] { load((temporary.path() / "none.npz").string()); }).find("none.npz"), std::string::npos);
}

// Sets an environment variable while it exists.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    set(value);
  }
  ~Environment() { set(before_.value_or("")); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  void set(const std::string& value) {
#ifdef _WIN32
    _putenv_s(name_, value.c_str());
#else
    setenv(name_, value.c_str(), 1);
#endif
  }
  const char* name_;
  std::optional<std::string> before_;
};

TEST(Load, SearchesForNames) {
  const TemporaryFolder temporary;
  const std::string root = temporary.path().string();
  const Environment home("HOME", root + "/home"), own("HANS_DATA", root);
  const std::string looked = error_of([] { load("mnist"); });
  EXPECT_NE(looked.find("no t10k-images-idx3-ubyte (or .gz) for 'mnist/test' in " + root + ", " + root + "/mnist, " +
                        root + "/home/"),
            std::string::npos)
      << looked;
  EXPECT_NE(looked.find("set HANS_DATA"), std::string::npos) << looked;

  write_files(temporary, "mnist/", 28, 28);
  EXPECT_EQ(load("mnist").name(), "mnist/test");
  EXPECT_EQ(load("mnist").classes(), 10u);
  EXPECT_EQ(load("mnist/train").size(), 2u);
  const std::string missing = error_of([] { load("fashion-mnist"); });
  const bool installed = std::filesystem::exists("/usr/share/datasets/fashion-mnist");
  for (const char* part : {"/usr/share/datasets/fashion-mnist", "install Debian's dataset-fashion-mnist"}) {
    EXPECT_TRUE(installed || missing.find(part) != std::string::npos) << missing;
  }

  write_files(temporary, "fashion-mnist/", 28, 28);
  EXPECT_EQ(load("fashion-mnist/train").name(), "fashion-mnist/train");
  {
    // A folder called after one data set is not taken for another, which this machine may have elsewhere.
    const Environment other("HANS_DATA", root + "/fashion-mnist");
    EXPECT_EQ(load("fashion-mnist").size(), 1u);
    EXPECT_NE(images_of("mnist"), 1u);
  }
  {
    const Environment direct("HANS_DATA", root + "/mnist/");
    EXPECT_EQ(load("mnist").size(), 1u);
    EXPECT_NE(images_of("fashion-mnist"), 1u);
  }
  {
    const Environment none("HANS_DATA", "");
    write_files(temporary, "home/.local/share/mnist/", 28, 28);
    EXPECT_EQ(load("mnist").size(), 1u);
    // A name promises a shape.
    write_files(temporary, "home/.local/share/mnist/");
    EXPECT_EQ(error_of([] { load("mnist"); }), "the images of mnist/test in " + root +
                                                   "/home/.local/share/mnist are 1x2x1, not 28x28x1; give that folder "
                                                   "by its path");
  }
}

TEST(Load, UnknownNamesAreUsageErrors) {
  for (const char* name : {"", "cifar", "mnist5k", "MNIST", "/train", "cifar/test"}) {
    EXPECT_THROW(load(name), UsageError) << name;
  }
  EXPECT_EQ(
      error_of([] { load("digits/test"); }),
      "there is no data set 'digits'; there are mnist-5k, mnist, fashion-mnist; else give an .npz file with "
      "images and labels, a folder of CIFAR-10's binary files or a folder of IDX files; a folder is written with a '/', such as './digits'");
  EXPECT_NE(error_of([] { load("none.npz"); }).find("none.npz"), std::string::npos);
}

TEST(Load, ListsNames) {
  const TemporaryFolder temporary;
  const Environment home("HOME", temporary.path().string()), own("HANS_DATA", temporary.path().string());
  write_files(temporary, "fashion-mnist/");
  const std::vector<DataInfo> infos = list();
  ASSERT_EQ(infos.size(), 3u);
  EXPECT_EQ(infos[0].name, "mnist-5k");
  EXPECT_EQ(infos[0].found, "embedded");
  EXPECT_EQ(infos[0].licence, "CC BY-SA 3.0, Yann LeCun and Corinna Cortes");
  EXPECT_EQ(infos[2].name, "fashion-mnist");
  EXPECT_EQ(infos[2].found, (temporary.path() / "fashion-mnist").string());
  EXPECT_EQ(infos[2].searched.front(), infos[2].found);
  EXPECT_EQ(infos[2].package, "dataset-fashion-mnist");
  for (const DataInfo& info : infos) {
    EXPECT_EQ(info.image, (Shape{28, 28, 1})) << info.name;
    EXPECT_EQ(info.classes, 10U) << info.name;
    EXPECT_EQ(info.box, (Box{0, 1})) << info.name;
    EXPECT_FALSE(info.meaning.empty() || info.licence.empty()) << info.name;
  }
  for (const FormatInfo& format : list_formats()) EXPECT_FALSE(format.meaning.empty()) << format.name;
}

}  // namespace
}  // namespace hans::data::load_test
