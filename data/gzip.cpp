// gzip and zlib headers and trailers.
#include "detail/gzip.hpp"

#include <hans/core/error.hpp>
#include "detail/bytes.hpp"
#include "detail/checksum.hpp"
#include "detail/deflate.hpp"
#include "detail/inflate.hpp"

namespace hans::data {

namespace {

// The length of a member's header: ten bytes, then what its flags announce.
std::size_t header_length(std::string_view file) {
  constexpr int has_crc = 2, has_extra = 4, has_name = 8, has_comment = 16, reserved = 0xe0;
  check(file.size() >= 10, "the gzip header ends after ", file.size(), " of 10 bytes");
  const auto method = little<std::uint8_t>(&file[2]);
  check(method == 8, "the gzip header names compression method ", method, "; only 8, deflate, exists");
  const int flags = little<std::uint8_t>(&file[3]);
  check((flags & reserved) == 0, "the gzip header has reserved flags set (", flags, ")");
  std::size_t at = 10;
  const auto ends = [&] { return check(at <= file.size(), "the gzip header ends too early"); };
  if (flags & has_extra) {
    at += 2;
    ends();
    at += little<std::uint16_t>(&file[at - 2]);
    ends();
  }
  for (const int flag : {has_name, has_comment}) {
    if ((flags & flag) == 0) continue;
    const std::size_t zero = file.find('\0', at);
    check(zero != std::string_view::npos, "the gzip header ends too early");
    at = zero + 1;
  }
  if (flags & has_crc) {
    at += 2;
    ends();
    check(little<std::uint16_t>(&file[at - 2]) == (crc32(file.substr(0, at - 2)) & 0xffff),
          "the checksum of the gzip header is wrong");
  }
  return at;
}

}  // namespace

bool is_gzip(std::string_view file) { return file.starts_with("\x1f\x8b"); }

std::string gunzip(std::string_view file, std::uint64_t most) {
  check(is_gzip(file), "not a gzip file");
  std::string out;
  do {
    file.remove_prefix(header_length(file));
    const std::size_t start = out.size();
    file.remove_prefix(inflate(file, out, most - start));
    check(file.size() >= 8, "the gzip data end too early");
    const std::string_view made = std::string_view(out).substr(start);
    check(little<std::uint32_t>(file.data()) == crc32(made), "the checksum of the gzip data is wrong");
    check(little<std::uint32_t>(file.data() + 4) == (made.size() & 0xffffffff), "the gzip data are ", made.size(),
          " bytes long where ", little<std::uint32_t>(file.data() + 4), " were announced");
    file.remove_prefix(8);
  } while (is_gzip(file));
  check(file.find_first_not_of('\0') == std::string_view::npos, "there are ", file.size(),
        " bytes after the gzip data that do not belong to them");
  return out;
}

std::string gunzip_start(std::string_view file, std::size_t count) {
  check(is_gzip(file), "not a gzip file");
  return inflate_start(file.substr(header_length(file)), count);
}

std::string zlib_compress(std::string_view bytes) {
  std::string out = "\x78\x01";  // deflate, 32 KiB window, fastest
  out += deflate(bytes);
  put_big(out, adler32(bytes));
  return out;
}

std::string zlib_expand(std::string_view data, std::uint64_t most) {
  check(data.size() >= 2, "the zlib data end too early");
  const auto header = big<std::uint16_t>(data.data());
  check((header & 0x8f00) == 0x0800 && header % 31 == 0, "not zlib data");
  check((header & 0x20) == 0, "the zlib data need a preset dictionary, which nobody has");
  std::string out;
  data.remove_prefix(2);
  data.remove_prefix(inflate(data, out, most));
  check(data.size() == 4, "the zlib data ", data.size() < 4 ? "end too early" : "go on after their end");
  check(big<std::uint32_t>(data.data()) == adler32(out), "the checksum of the zlib data is wrong");
  return out;
}

}  // namespace hans::data
