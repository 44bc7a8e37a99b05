// Deflate decompression (RFC 1951).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hans::data {

/// The largest size we accept for the content of a compressed file: 32 MiB plus eight times the file's size. Real data
/// rarely shrink to less than an eighth; small files get a flat allowance.
constexpr std::uint64_t most_expanded(std::uint64_t compressed) { return (std::uint64_t{1} << 25) + 8 * compressed; }

/// Decompresses the deflate data at the start of `input`, appends the result to `out`, and returns the number of input
/// bytes used. Throws Error if the data are damaged, truncated or expand to more than `most` bytes. `out` grows as data
/// are decoded, never by what a header promises.
std::size_t inflate(std::string_view input, std::string& out, std::uint64_t most);

/// At least the first `count` bytes of the decompressed data, or all if there are fewer. Does not read the rest.
std::string inflate_start(std::string_view input, std::size_t count);

}  // namespace hans::data
