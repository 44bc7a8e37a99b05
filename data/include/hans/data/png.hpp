// PNG images for reports: https://www.w3.org/TR/png-3/
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace hans::data {

/// A PNG file of height x width x channels bytes, row-major; one channel is grey, three are red, green, blue (stored
/// with a palette if there are at most 256 colours). Equal pixels give equal files. Throws Error for another number of
/// channels or of pixels, or an empty image.
std::string encode_png(std::size_t height, std::size_t width, std::size_t channels,
                       std::span<const std::uint8_t> pixels);

}  // namespace hans::data
