// SHA-256 (FIPS 180-4, section 6.2).
#include <bit>
#include <cstring>
#include <hans/core/hash.hpp>

namespace hans {
namespace {

// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
constexpr std::array<std::uint32_t, 64> round_constants = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// The first 32 bits of the fractional parts of the square roots of the first 8 primes.
constexpr std::array<std::uint32_t, 8> initial_state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

constexpr std::size_t block_size = 64;

std::uint32_t load_big_endian(const unsigned char* bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 |
         std::uint32_t{bytes[3]};
}

/// One round. Changes only d and h; the caller rotates the arguments instead of moving all eight values.
inline void round(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t& d, std::uint32_t e, std::uint32_t f,
                  std::uint32_t g, std::uint32_t& h, std::uint32_t word) {
  h += (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) + (g ^ (e & (f ^ g))) + word;
  d += h;
  h += (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) | (c & (a | b)));
}

template <class Unsigned>
std::array<std::byte, sizeof(Unsigned)> little_endian(Unsigned value) {
  std::array<std::byte, sizeof(Unsigned)> bytes;
  for (std::size_t i = 0; i < sizeof(Unsigned); ++i) bytes[i] = static_cast<std::byte>(value >> (8 * i));
  return bytes;
}

}  // namespace

Sha256::Sha256() : state_(initial_state) {}

void Sha256::block(const unsigned char* bytes) {
  std::array<std::uint32_t, 64> words;
  for (std::size_t i = 0; i < 16; ++i) words[i] = load_big_endian(bytes + 4 * i);
  for (std::size_t i = 16; i < 64; ++i) {
    const std::uint32_t early = words[i - 15], late = words[i - 2];
    words[i] = (std::rotr(early, 7) ^ std::rotr(early, 18) ^ early >> 3) + words[i - 7] +
               (std::rotr(late, 17) ^ std::rotr(late, 19) ^ late >> 10) + words[i - 16];
  }
  auto [a, b, c, d, e, f, g, h] = state_;
  for (std::size_t i = 0; i < 64; i += 8) {
    round(a, b, c, d, e, f, g, h, words[i] + round_constants[i]);
    round(h, a, b, c, d, e, f, g, words[i + 1] + round_constants[i + 1]);
    round(g, h, a, b, c, d, e, f, words[i + 2] + round_constants[i + 2]);
    round(f, g, h, a, b, c, d, e, words[i + 3] + round_constants[i + 3]);
    round(e, f, g, h, a, b, c, d, words[i + 4] + round_constants[i + 4]);
    round(d, e, f, g, h, a, b, c, words[i + 5] + round_constants[i + 5]);
    round(c, d, e, f, g, h, a, b, words[i + 6] + round_constants[i + 6]);
    round(b, c, d, e, f, g, h, a, words[i + 7] + round_constants[i + 7]);
  }
  const std::array<std::uint32_t, 8> out = {a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < 8; ++i) state_[i] += out[i];
}

Sha256& Sha256::add(std::span<const std::byte> bytes) {
  if (bytes.empty()) return *this;
  const std::size_t waiting = length_ % block_size;
  length_ += bytes.size();
  if (waiting != 0) {
    const std::size_t taken = bytes.size() < block_size - waiting ? bytes.size() : block_size - waiting;
    std::memcpy(pending_.data() + waiting, bytes.data(), taken);
    bytes = bytes.subspan(taken);
    if (waiting + taken < block_size) return *this;
    block(pending_.data());
  }
  for (; bytes.size() >= block_size; bytes = bytes.subspan(block_size)) {
    block(reinterpret_cast<const unsigned char*>(bytes.data()));
  }
  if (!bytes.empty()) std::memcpy(pending_.data(), bytes.data(), bytes.size());
  return *this;
}

Sha256& Sha256::add(std::string_view bytes) { return add(std::as_bytes(std::span(bytes.data(), bytes.size()))); }

Sha256& Sha256::add_u64(std::uint64_t value) { return add(std::span<const std::byte>(little_endian(value))); }

Sha256& Sha256::add_i32(std::int32_t value) {
  return add(std::span<const std::byte>(little_endian(static_cast<std::uint32_t>(value))));
}

Sha256& Sha256::add(std::span<const float> values) {
  if constexpr (std::endian::native == std::endian::little) return add(std::as_bytes(values));
  for (const float value : values) {
    add(std::span<const std::byte>(little_endian(std::bit_cast<std::uint32_t>(value))));
  }
  return *this;
}

std::string Sha256::hex() {
  const std::uint64_t bits = length_ * 8;
  std::array<std::byte, block_size + 8> tail{std::byte{0x80}};
  const std::size_t zeros_end = (block_size + 56 - length_ % block_size - 1) % block_size + 1;
  for (std::size_t i = 0; i < 8; ++i) tail[zeros_end + i] = static_cast<std::byte>(bits >> (56 - 8 * i));
  add(std::span<const std::byte>(tail.data(), zeros_end + 8));

  std::string text;
  text.reserve(64);
  for (const std::uint32_t word : state_) {
    for (unsigned shift = 32; shift > 0; shift -= 4) text += "0123456789abcdef"[word >> (shift - 4) & 15U];
  }
  return text;
}

std::string sha256(std::string_view bytes) { return Sha256().add(bytes).hex(); }

}  // namespace hans
