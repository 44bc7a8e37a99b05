// PNG with hardly a filter.
#include <hans/data/png.hpp>

#include <map>
#include <string_view>
#include <utility>

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

/// The colours of red, green and blue pixels, if they are few: then a byte tells which.
class Palette {
 public:
  explicit Palette(std::span<const std::uint8_t> pixels) {
    for (std::size_t at = 0; at < pixels.size() && places_.size() <= most; at += 3) {
      const std::string colour = colour_of(pixels.subspan(at, 3));
      if (places_.try_emplace(colour, static_cast<char>(places_.size())).second) colours_ += colour;
    }
  }

  bool use() const { return !places_.empty() && places_.size() <= most; }
  char place(std::span<const std::uint8_t> pixel) const { return places_.at(colour_of(pixel)); }
  const std::string& colours() const { return colours_; }

 private:
  static constexpr std::size_t most = 256;
  static std::string colour_of(std::span<const std::uint8_t> pixel) { return {pixel.begin(), pixel.end()}; }

  std::map<std::string, char> places_;
  std::string colours_;
};

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

  const Palette palette(channels == 3 ? pixels : pixels.first(0));
  const std::size_t each = palette.use() ? 1 : channels;  // bytes of a pixel in the file
  std::string rows, above;
  rows.reserve(height * (1 + width * each));
  for (std::size_t row = 0; row < height; ++row) {
    std::string own;
    for (std::size_t at = row * width; at < (row + 1) * width; ++at) {
      const std::span<const std::uint8_t> pixel = pixels.subspan(at * channels, channels);
      palette.use() ? own += palette.place(pixel) : own.append(pixel.begin(), pixel.end());
    }
    // As it is, which is best for digits on black, or what is added to an equal row above: nothing.
    rows += own == above ? '\2' + std::string(own.size(), '\0') : '\0' + own;
    above = std::move(own);
  }
  std::string header;
  put_big(header, static_cast<std::uint32_t>(width));
  put_big(header, static_cast<std::uint32_t>(height));
  header += {'\x08', palette.use() ? '\x03' : channels == 3 ? '\x02' : '\0', '\0', '\0', '\0'};  // 8 bits

  std::string out = "\x89PNG\r\n\x1a\n";
  put_chunk(out, "IHDR", header);
  if (palette.use()) put_chunk(out, "PLTE", palette.colours());
  put_chunk(out, "IDAT", zlib_compress(rows));
  put_chunk(out, "IEND", "");
  return out;
}

}  // namespace hans::data
