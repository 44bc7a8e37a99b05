// The checksums of gzip, ZIP and PNG (CRC-32) and of zlib (Adler-32).
#pragma once

#include <cstdint>
#include <string_view>

namespace hans::data {

/// CRC-32 of `bytes` (RFC 1952, section 8), going on from the CRC of what came before.
std::uint32_t crc32(std::string_view bytes, std::uint32_t before = 0);

/// Adler-32 of `bytes` (RFC 1950, section 9).
std::uint32_t adler32(std::string_view bytes);

}  // namespace hans::data
