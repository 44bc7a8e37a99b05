// PNG pictures, taken apart again with the library's own zlib.
#include <hans/data/png.hpp>

#include <array>
#include <vector>

#include <gtest/gtest.h>

#include <hans/core/hash.hpp>
#include "../../data/detail/bytes.hpp"
#include "../../data/detail/checksum.hpp"
#include "../../data/detail/gzip.hpp"

#include "data_testing.hpp"

namespace hans::data::png_test {
namespace {

using testing_data::error_of;
using testing_data::from_hex;
using testing_data::noise;

struct Chunk {
  std::string type, content;
};

std::vector<Chunk> chunks_of(std::string_view file) {
  EXPECT_TRUE(file.starts_with("\x89PNG\r\n\x1a\n"));
  file.remove_prefix(8);
  std::vector<Chunk> chunks;
  while (file.size() >= 12) {
    const std::size_t length = big<std::uint32_t>(file.data());
    if (length > file.size() - 12) break;
    EXPECT_EQ(big<std::uint32_t>(&file[8 + length]), crc32(file.substr(4, 4 + length)));
    chunks.push_back(Chunk{std::string(file.substr(4, 4)), std::string(file.substr(8, length))});
    file.remove_prefix(12 + length);
  }
  EXPECT_EQ(file, "");
  return chunks;
}

TEST(Png, HoldsTheRowsThatWereGiven) {
  struct Case {
    std::size_t height, width, channels;
    const char* colour;
  };
  for (const Case& size : {Case{1, 1, 1, "00"}, Case{28, 28, 1, "00"}, Case{60, 5, 3, "02"}, Case{300, 200, 3, "02"}}) {
    const std::string bytes = noise(size.height * size.width * size.channels, 256, 5);
    const std::vector<std::uint8_t> pixels(bytes.begin(), bytes.end());
    const std::vector<Chunk> chunks = chunks_of(encode_png(size.height, size.width, size.channels, pixels));
    ASSERT_EQ(chunks.size(), 3u);
    std::string header;
    put_big(header, static_cast<std::uint32_t>(size.width));
    put_big(header, static_cast<std::uint32_t>(size.height));
    EXPECT_EQ(chunks[0].type, "IHDR");
    EXPECT_EQ(chunks[0].content, header + from_hex(std::string("08") + size.colour + "000000"));
    EXPECT_EQ(chunks[1].type, "IDAT");
    const std::string rows = zlib_expand(chunks[1].content, 1 << 20);
    const std::size_t width = size.width * size.channels;
    ASSERT_EQ(rows.size(), size.height * (width + 1));
    for (std::size_t row = 0; row < size.height; ++row) {
      EXPECT_EQ(rows[row * (width + 1)], '\0') << "a filter";
      EXPECT_TRUE(rows.substr(row * (width + 1) + 1, width) == bytes.substr(row * width, width)) << row;
    }
    EXPECT_EQ(chunks[2].type, "IEND");
    EXPECT_EQ(chunks[2].content, "");
  }
}

TEST(Png, EqualRowsAreOne) {
  std::vector<std::uint8_t> pixels;
  for (const auto row : std::to_array<std::uint8_t>({1, 1, 2, 0, 0})) pixels.insert(pixels.end(), {row, 7});
  const std::string rows = zlib_expand(chunks_of(encode_png(5, 2, 1, pixels))[1].content, 100);
  EXPECT_EQ(rows, from_hex("000107 020000 000207 000007 020000"));
}

TEST(Png, FewColoursAreAPalette) {
  for (const std::size_t colours : {1u, 2u, 256u, 257u}) {
    std::vector<std::uint8_t> pixels;
    for (std::size_t k = 0; k < 600; ++k) {
      const auto colour = static_cast<std::uint8_t>(k % colours & 255);
      pixels.insert(pixels.end(), {colour, static_cast<std::uint8_t>(k % colours / 256), 7});
    }
    const std::vector<Chunk> chunks = chunks_of(encode_png(20, 30, 3, pixels));
    EXPECT_EQ(chunks[0].content[9], colours <= 256 ? '\3' : '\2');
    if (colours > 256) continue;
    ASSERT_EQ(chunks.size(), 4u);
    EXPECT_EQ(chunks[1].type, "PLTE");
    ASSERT_EQ(chunks[1].content.size(), 3 * colours);
    const std::string rows = zlib_expand(chunks[2].content, 1 << 20);
    ASSERT_EQ(rows.size(), 20 * 31u);
    for (std::size_t k = 0; k < 600; ++k) {
      const bool as_above = rows[k / 30 * 31] == '\2';
      const auto place = static_cast<unsigned char>(rows[(as_above ? 0 : k / 30 * 31) + 1 + k % 30]);
      EXPECT_EQ(static_cast<std::uint8_t>(chunks[1].content.at(3u * place)), pixels[3 * k]) << k;
    }
  }
}

TEST(Png, AlwaysMakesTheSameBytesAndFewOfThem) {
  const std::string bytes = noise(100 * 100, 2, 1);
  const std::string file = encode_png(100, 100, 1, std::vector<std::uint8_t>(bytes.begin(), bytes.end()));
  EXPECT_EQ(sha256(file), "5f7245c9b6a7fa047b1d99363f8bbb0e16dbfabc7d6ab4baa58182ef87bdb4f5");
  EXPECT_LT(file.size(), 5000u);
}

TEST(Png, RefusesWhatIsNoPicture) {
  const std::vector<std::uint8_t> pixels(12);
  EXPECT_EQ(error_of([&] { encode_png(3, 2, 2, pixels); }), "a picture has 1 or 3 channels, not 2");
  EXPECT_EQ(error_of([&] { encode_png(3, 2, 1, pixels); }),
            "a picture of 3 x 2 x 1 needs 6 bytes (below 2^30), not 12");
  EXPECT_EQ(error_of([&] { encode_png(0, 2, 1, {}); }),
            "a picture of 0 x 2 pixels cannot be made; 1 to 1048576 a side are possible");
  EXPECT_NE(error_of([&] { encode_png(std::size_t{1} << 31, 2, 1, pixels); }), "no error");
}

}  // namespace
}  // namespace hans::data::png_test
