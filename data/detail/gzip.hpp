// The containers of deflate data: gzip (RFC 1952) and zlib (RFC 1950).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hans::data {

/// True if `file` begins like a gzip file.
bool is_gzip(std::string_view file);

/// The content of a gzip file: all members concatenated, with checksums and lengths verified. Ignores zero bytes after
/// the last member. Throws Error if the file is damaged or expands to more than `most` bytes.
std::string gunzip(std::string_view file, std::uint64_t most);

/// At least the first `count` bytes of the first member, or all if there are fewer. Verifies nothing after them.
std::string gunzip_start(std::string_view file, std::size_t count);

/// `bytes` as zlib data.
std::string zlib_compress(std::string_view bytes);

/// The content of zlib data, which must end where `data` ends. Throws Error as gunzip does.
std::string zlib_expand(std::string_view data, std::uint64_t most);

}  // namespace hans::data
