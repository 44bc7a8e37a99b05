// Data sets: the bytes that become numbers, and what is refused.
#include <hans/data/dataset.hpp>

#include <array>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include <hans/core/hash.hpp>
#include "../../data/detail/bytes.hpp"

#include "data_testing.hpp"

namespace hans::data::dataset_test {
namespace {

using testing_data::error_of;

// Three images of 1 x 2 x 1.
Dataset three() { return Dataset("three", {1, 2, 1}, std::string("\x00\x01\x02\x03\xfe\xff", 6), {2, 0, 1}); }

std::vector<real> numbers(const Tensor& tensor) { return {tensor.values().begin(), tensor.values().end()}; }

real of_byte(int byte) { return real{static_cast<float>(byte) / 255.0f}; }

TEST(Dataset, TurnsBytesIntoNumbers) {
  const Dataset data = three();
  EXPECT_EQ(data.name(), "three");
  EXPECT_EQ(data.size(), 3u);
  EXPECT_EQ(data.classes(), 3u);
  EXPECT_EQ(data.image_shape(), (Shape{1, 2, 1}));
  EXPECT_EQ(std::vector<int>(data.labels().begin(), data.labels().end()), (std::vector<int>{2, 0, 1}));
  const Samples all = data.first(100);
  EXPECT_EQ(all.size(), 3u);
  EXPECT_EQ(all.images.shape(), (Shape{3, 1, 2, 1}));
  EXPECT_EQ(numbers(all.images), (std::vector<real>{0, of_byte(1), of_byte(2), of_byte(3), of_byte(254), 1}));
  EXPECT_EQ(all.labels, (std::vector<int>{2, 0, 1}));
  EXPECT_EQ(all.index, (std::vector<std::uint32_t>{0, 1, 2}));
  EXPECT_EQ(all.box.lo, 0.0f);
  EXPECT_EQ(all.box.hi, 1.0f);
}

TEST(Dataset, EveryByteIsItsQuotient) {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes.push_back(static_cast<char>(byte));
  const Samples one = Dataset("all", {16, 16, 1}, bytes, {0}).first(1);
  for (int byte = 0; byte < 256; ++byte) EXPECT_EQ(one.images.data()[byte], of_byte(byte)) << byte;
}

TEST(Dataset, TakesSamplesByPosition) {
  const Dataset data = three();
  const Samples two = data.samples(1, 2);
  EXPECT_EQ(two.index, (std::vector<std::uint32_t>{1, 2}));
  EXPECT_EQ(two.labels, (std::vector<int>{0, 1}));
  const std::array<std::uint32_t, 3> which{2, 0, 2};
  const Samples some = data.gather(which);
  EXPECT_EQ(some.index, (std::vector<std::uint32_t>{2, 0, 2}));
  EXPECT_EQ(some.labels, (std::vector<int>{1, 2, 1}));
  EXPECT_EQ(numbers(some.images), (std::vector<real>{of_byte(254), 1, 0, of_byte(1), of_byte(254), 1}));

  const Samples last = some.rows(1, 2);
  EXPECT_EQ(last.index, (std::vector<std::uint32_t>{0, 2}));
  EXPECT_EQ(last.labels, (std::vector<int>{2, 1}));
  EXPECT_EQ(last.images.data(), some.images.data() + 2);
  const std::array<std::size_t, 2> picked{2, 1};
  const Samples chosen = some.select(picked);
  EXPECT_EQ(chosen.index, (std::vector<std::uint32_t>{2, 0}));
  EXPECT_EQ(chosen.labels, (std::vector<int>{1, 2}));
  EXPECT_EQ(numbers(chosen.images), (std::vector<real>{of_byte(254), 1, 0, of_byte(1)}));
  EXPECT_EQ(some.select({}).images.shape(), (Shape{0, 1, 2, 1}));

  const std::array<std::uint32_t, 1> beyond{3};
  const std::array<std::size_t, 1> far{3};
  EXPECT_NE(error_of([&] { data.gather(beyond); }), "no error");
  EXPECT_NE(error_of([&] { data.samples(2, 2); }), "no error");
  EXPECT_NE(error_of([&] { data.samples(4, 0); }), "no error");
  EXPECT_NE(error_of([&] { data.samples(1, std::numeric_limits<std::size_t>::max()); }), "no error");
  EXPECT_NE(error_of([&] { some.rows(2, 2); }), "no error");
  EXPECT_NE(error_of([&] { some.select(far); }), "no error");
}

TEST(Dataset, GathersIntoMemoryThatIsThere) {
  const Dataset data = three();
  Tensor images{{2, 1, 2, 1}};
  std::vector<int> labels{9, 9, 9, 9};
  const real* memory = images.data();
  const int* label_memory = labels.data();
  const std::array<std::uint32_t, 2> which{1, 0};
  data.gather_into(which, images, labels);
  EXPECT_EQ(images.data(), memory);
  EXPECT_EQ(labels.data(), label_memory);
  EXPECT_EQ(numbers(images), (std::vector<real>{of_byte(2), of_byte(3), 0, of_byte(1)}));
  EXPECT_EQ(labels, (std::vector<int>{0, 2}));
  Tensor wrong{{3, 1, 2, 1}};
  EXPECT_EQ(error_of([&] { data.gather_into(which, wrong, labels); }),
            "2 images of 1x2x1 do not fit into a tensor of 3x1x2x1");
}

TEST(Dataset, KeepsFloats) {
  const Dataset data("f", {1, 1, 2}, std::vector<float>{0.0f, 0.1f, 1.0f, 0.5f}, {0, 1});
  EXPECT_EQ(numbers(data.first(2).images), (std::vector<real>{0.0f, 0.1f, 1.0f, 0.5f}));
  for (const float wrong :
       {-1e-6f, 1.000001f, 255.0f, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    const std::string message = error_of([&] {
      Dataset("f", {1, 1, 2}, std::vector<float>{0.0f, 0.1f, 1.0f, wrong}, {0, 1});
    });
    EXPECT_EQ(message, text("'f': image 1 holds ", wrong,
                            "; pixels must be in [0, 1]: divide by what white is, or store bytes"));
  }
}

TEST(Dataset, RefusesWhatDoesNotFit) {
  struct Case {
    Shape image;
    std::size_t pixels;
    std::vector<int> labels;
    std::size_t classes;
    const char* message;
  };
  for (const Case& wrong : {
           Case{{1, 2, 1}, 4, {0}, 0, "'x' has 2 images of 1x2x1 but 1 labels"},
           Case{{1, 2, 1}, 2, {0, 1}, 0, "'x' has 1 images of 1x2x1 but 2 labels"},
           Case{{1, 2, 1}, 3, {0}, 0, "'x' has 1 images of 1x2x1 but 1 labels"},
           Case{{1, 2, 1}, 0, {}, 0, "'x' holds no images"},
           Case{{1, 0, 1}, 0, {}, 0, "'x': images must be height x width x channels, not 1x0x1"},
           Case{{1, 2}, 2, {0}, 0, "'x': images must be height x width x channels, not 1x2"},
           Case{{1, 2, 1}, 4, {0, 10}, 10, "'x': label 10 of image 1 is outside 0 to 9"},
           Case{{1, 2, 1}, 4, {-1, 0}, 10, "'x': label -1 of image 0 is outside 0 to 9"},
           Case{{1, 2, 1}, 4, {0, 1000}, 0, "'x': label 1000 of image 1 is outside 0 to 999"},
       }) {
    EXPECT_EQ(
        error_of([&] { Dataset("x", wrong.image, std::string(wrong.pixels, '\0'), wrong.labels, wrong.classes); }),
        wrong.message);
  }
  EXPECT_EQ(Dataset("x", {1, 1, 1}, "a", {1000}, 1001).classes(), 1001u);
}

TEST(Dataset, AnEmptyOneIsHarmless) {
  const Dataset none;
  EXPECT_EQ(none.size(), 0u);
  EXPECT_EQ(none.classes(), 0u);
  EXPECT_EQ(none.name(), "");
  EXPECT_EQ(none.first(5).size(), 0u);
}

TEST(Dataset, HashesAsDesigned) {
  std::string bytes;
  for (const unsigned extent : {3u, 1u, 2u, 1u}) put_little(bytes, std::uint64_t{extent});
  bytes += std::string("\x00\x01\x02\x03\xfe\xff", 6);
  for (const unsigned label : {2u, 0u, 1u}) put_little(bytes, std::uint32_t{label});
  EXPECT_EQ(three().sha256(), sha256(bytes));

  std::string floats;
  for (const unsigned extent : {1u, 1u, 2u, 1u}) put_little(floats, std::uint64_t{extent});
  floats += testing_data::from_hex("0000803f 0000003f") + std::string(4, '\0');
  EXPECT_EQ(Dataset("f", {1, 2, 1}, std::vector<float>{1.0f, 0.5f}, {0}).sha256(), sha256(floats));
}

}  // namespace
}  // namespace hans::data::dataset_test
