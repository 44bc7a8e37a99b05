// Decompression of raw deflate data (RFC 1951).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hans::data {

/// Decompresses the deflate data that `input` begins with, appends the result to `out`, and returns how many bytes
/// of the input they took. Throws Error if they are broken, end too early, or make more than `most` bytes. `out`
/// grows as the data are decoded, never by what a header promises.
std::size_t inflate(std::string_view input, std::string& out, std::uint64_t most);

}  // namespace hans::data
