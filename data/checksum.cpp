// CRC-32 eight bytes at a time; Adler-32 with the remainder taken as rarely as possible.
#include "detail/checksum.hpp"

#include <algorithm>
#include <array>

#include "detail/bytes.hpp"

namespace hans::data {

namespace {

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

// tables[k][b] is what byte b does to the CRC when k more bytes follow it, so that eight bytes go at once.
constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    tables[0][byte] = crc;
  }
  for (std::size_t k = 1; k < tables.size(); ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t crc = tables[k - 1][byte];
      tables[k][byte] = crc >> 8 ^ tables[0][crc & 0xff];
    }
  }
  return tables;
}

constexpr Tables tables = make_tables();

}  // namespace

std::uint32_t crc32(std::string_view bytes, std::uint32_t before) {
  std::uint32_t crc = ~before;
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    const std::uint32_t a = crc ^ little<std::uint32_t>(bytes.data());
    const auto b = little<std::uint32_t>(bytes.data() + 4);
    crc = tables[7][a & 0xff] ^ tables[6][a >> 8 & 0xff] ^ tables[5][a >> 16 & 0xff] ^ tables[4][a >> 24] ^
          tables[3][b & 0xff] ^ tables[2][b >> 8 & 0xff] ^ tables[1][b >> 16 & 0xff] ^ tables[0][b >> 24];
  }
  for (const char c : bytes) crc = crc >> 8 ^ tables[0][(crc ^ static_cast<unsigned char>(c)) & 0xff];
  return ~crc;
}

std::uint32_t adler32(std::string_view bytes) {
  constexpr std::uint32_t modulus = 65521;
  constexpr std::size_t stretch = 5552;  // the most bytes whose sums cannot overflow 32 bits
  std::uint32_t a = 1, b = 0;
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, stretch);
    for (const char c : part) {
      a += static_cast<unsigned char>(c);
      b += a;
    }
    a %= modulus;
    b %= modulus;
    bytes.remove_prefix(part.size());
  }
  return b << 16 | a;
}

}  // namespace hans::data
