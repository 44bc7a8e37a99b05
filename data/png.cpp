// PNG without filters.
#include <hans/data/png.hpp>

#include <string_view>

#include <hans/core/error.hpp>
#include "detail/bytes.hpp"
#include "detail/checksum.hpp"
#include "detail/gzip.hpp"

namespace hans::data {

namespace {

void put_chunk(std::string& out, std::string_view type, std::string_view content) {
  put_big(out, static_cast<std::uint32_t>(content.size()));
  out += type;
  out += content;
  put_big(out, crc32(content, crc32(type)));
}

}  // namespace

std::string encode_png(std::size_t height, std::size_t width, std::size_t channels,
                       std::span<const std::uint8_t> pixels) {
  constexpr std::size_t most = 1 << 20;  // pixels along a side: keeps every product and chunk length in range
  check(height >= 1 && width >= 1 && height <= most && width <= most, "a picture of ", height, " x ", width,
        " pixels cannot be made; 1 to ", most, " a side are possible");
  check(channels == 1 || channels == 3, "a picture has 1 or 3 channels, not ", channels);
  const std::uint64_t expected = std::uint64_t{height} * width * channels;
  check(pixels.size() == expected && expected < (1u << 30), "a picture of ", height, " x ", width, " x ", channels,
        " needs ", expected, " bytes (below 2^30), not ", pixels.size());

  std::string rows;
  rows.reserve(height * (1 + width * channels));
  for (std::size_t row = 0; row < height; ++row) {
    rows.push_back('\0');  // no filter: best for digits on black
    for (const std::uint8_t byte : pixels.subspan(row * width * channels, width * channels)) {
      rows.push_back(static_cast<char>(byte));
    }
  }
  std::string header;
  put_big(header, static_cast<std::uint32_t>(width));
  put_big(header, static_cast<std::uint32_t>(height));
  header +=
      std::string_view(channels == 1 ? "\x08\x00\x00\x00\x00" : "\x08\x02\x00\x00\x00", 5);  // 8 bits, grey or RGB

  std::string out = "\x89PNG\r\n\x1a\n";
  put_chunk(out, "IHDR", header);
  put_chunk(out, "IDAT", zlib_compress(rows));
  put_chunk(out, "IEND", "");
  return out;
}

}  // namespace hans::data
