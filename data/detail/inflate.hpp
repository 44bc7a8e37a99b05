// Decompression of raw deflate data (RFC 1951).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hans::data {

/// How many bytes a compressed file of so many may hold: real data shrink to an eighth at most, and a small file may be
/// anything.
constexpr std::uint64_t most_expanded(std::uint64_t compressed) { return (std::uint64_t{1} << 25) + 8 * compressed; }

/// Decompresses the deflate data that `input` begins with, appends the result to `out`, and returns how many bytes
/// of the input they took. Throws Error if they are broken, end too early, or make more than `most` bytes. `out`
/// grows as the data are decoded, never by what a header promises.
std::size_t inflate(std::string_view input, std::string& out, std::uint64_t most);

/// The first `count` bytes, or a few more, that the deflate data make, or all if these are fewer; what comes behind is
/// not looked at.
std::string inflate_start(std::string_view input, std::size_t count);

}  // namespace hans::data
