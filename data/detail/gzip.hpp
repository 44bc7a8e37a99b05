// The wrappers around deflate data: gzip (RFC 1952) and zlib (RFC 1950).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hans::data {

/// True if `file` begins as gzip files do.
bool is_gzip(std::string_view file);

/// The content of a gzip file, all members one after the other, checksums and lengths checked. Zero bytes
/// after the last member are ignored. Throws Error if it is broken or makes more than `most` bytes.
std::string gunzip(std::string_view file, std::uint64_t most);

/// The first `count` bytes of its first member, or a few more, or all if these are fewer. Checks nothing behind them.
std::string gunzip_start(std::string_view file, std::size_t count);

/// `bytes` as zlib data.
std::string zlib_compress(std::string_view bytes);

/// The content of zlib data, which must end where `data` end. Throws Error as gunzip does.
std::string zlib_expand(std::string_view data, std::uint64_t most);

}  // namespace hans::data
