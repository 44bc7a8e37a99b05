// Data as other libraries store them: what is taken, and what is said of it.
#include <vector>

#include <gtest/gtest.h>

#include <hans/data/dataset.hpp>
#include <hans/data/npz.hpp>

#include "data_testing.hpp"

namespace hans::data::formats_test {
namespace {

using testing_data::error_of;
using testing_data::TemporaryFolder;

std::vector<real> numbers(const Tensor& tensor) { return {tensor.values().begin(), tensor.values().end()}; }
Array images_u8(const Shape& shape) { return Array::of(shape, std::vector<std::uint8_t>(shape.elements(), 51)); }
Array labels_of(const std::vector<std::int64_t>& labels) { return Array::of({labels.size()}, labels); }

TEST(Formats, NpzOfOthers) {
  const TemporaryFolder temporary;
  std::vector<double> values(2 * 3 * 5 * 6);
  for (std::size_t k = 0; k < values.size(); ++k) values[k] = static_cast<double>(k) / 256;
  const Array planes = Array::of({2, 3, 5, 6}, values), column = Array::of({2, 1}, std::vector<std::int64_t>{4, 0});
  struct Case {
    std::vector<NamedArray> arrays;
    const char *suffix, *name, *note;
    Shape image;
    std::size_t size;
  };
  const Array one = images_u8({1, 4, 4}), two = images_u8({2, 4, 4}), label = labels_of({1}),
              labels = labels_of({4, 0});
  const std::vector<Case> table{
      {{{"images", images_u8({2, 3, 5, 6})}, {"labels", labels}},
       "",
       "",
       "takes 'images' (2x3x5x6 uint8, channels first) as images of 5x6x3 and 'labels' (2) as labels",
       {5, 6, 3},
       2},
      {{{"x_test", planes}, {"y_test", column}},
       "",
       "",
       "takes 'x_test' (2x3x5x6 float64, channels first) as images of 5x6x3 float32 and 'y_test' (2x1) as labels",
       {5, 6, 3},
       2},
      {{{"images", images_u8({2, 3, 3, 3})}, {"labels", labels}}, "", "", "", {3, 3, 3}, 2},
      {{{"x_train", two}, {"y_train", labels}, {"x_test", one}, {"y_test", label}},
       "",
       "/test",
       "takes 'x_test' (1x4x4 uint8) as images of 4x4x1 and 'y_test' (1) as labels",
       {4, 4, 1},
       1},
      {{{"train_images", two}, {"train_labels", labels}, {"test_images", one}, {"test_labels", label}},
       "/train",
       "/train",
       "takes 'train_images' (2x4x4 uint8) as images of 4x4x1 and 'train_labels' (2) as labels",
       {4, 4, 1},
       2},
  };
  for (const Case& other : table) {
    const std::string path = temporary.write("x.npz", write_npz(other.arrays));
    const Dataset data = load(path + other.suffix);
    EXPECT_EQ(data.note(), other.note);
    EXPECT_EQ(data.name(), path + other.name);
    EXPECT_EQ(data.image_shape(), other.image) << other.note;
    EXPECT_EQ(data.size(), other.size) << other.note;
  }
  const std::string path = temporary.write("x.npz", write_npz({{"x_test", planes}, {"y_test", column}}));
  const std::vector<real> read = numbers(load(path).first(2).images);
  for (std::size_t k = 0; k < values.size(); ++k) {
    const std::size_t image = k / 90, channel = k / 30 % 3, pixel = k % 30;
    EXPECT_EQ(read[image * 90 + pixel * 3 + channel], static_cast<real>(values[k]));
  }
  EXPECT_EQ(error_of([&] { load(path + "/train"); }), "'" + path + "' has no parts; leave '/train' away");
}

TEST(Formats, CifarsBinaryFiles) {
  const TemporaryFolder temporary;
  const std::string folder = (temporary.path() / "cifar").string();
  std::string record(3073, '\0');
  record[0] = 7;
  record[1 + 1024 + 33] = 51;  // green, row 1, column 1
  temporary.write("cifar/test_batch.bin", record + record);
  const Dataset test = load(folder);
  EXPECT_EQ(test.name(), folder + "/test");
  EXPECT_EQ(test.size(), 2u);
  EXPECT_EQ(test.classes(), 10u);
  EXPECT_EQ(test.image_shape(), (Shape{32, 32, 3}));
  EXPECT_EQ(test.labels()[1], 7);
  EXPECT_EQ(numbers(test.first(2).images)[3072 + 33 * 3 + 1], real{51.0f / 255.0f});
  for (const char* batch : {"1", "2", "3", "4"}) {
    temporary.write(std::string("cifar/data_batch_") + batch + ".bin", record);
  }
  EXPECT_EQ(error_of([&] { load(folder + "/train"); }), "there is no data_batch_5.bin in '" + folder + "'");
  const std::string last = temporary.write("cifar/data_batch_5.bin", record + "x");
  EXPECT_EQ(error_of([&] { load(folder + "/train"); }),
            "'" + last + "': 3074 bytes are no whole number of records of 3073, a label and 32x32x3 pixels each");
  temporary.write("cifar/data_batch_5.bin", record);
  EXPECT_EQ(load(folder + "/train").size(), 5u);
  record[0] = 10;
  temporary.write("cifar/test_batch.bin", record);
  EXPECT_EQ(error_of([&] { load(folder); }), "'" + folder + "/test': label 10 of image 0 is outside 0 to 9");
}

TEST(Formats, FoldersThatOthersUse) {
  const TemporaryFolder temporary;
  temporary.write("photos/cats/one.png", "x");
  temporary.write("pickles/data_batch_1", "x");
  const std::string pictures = error_of([&] { load((temporary.path() / "photos").string()); });
  EXPECT_NE(pictures.find("in Python: numpy.savez('data.npz', images="), std::string::npos) << pictures;
  const std::string pickles = error_of([&] { load((temporary.path() / "pickles").string()); });
  EXPECT_NE(pickles.find("cifar-10-binary.tar.gz"), std::string::npos) << pickles;
}

}  // namespace
}  // namespace hans::data::formats_test
