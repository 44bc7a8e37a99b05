// A small deflate: greedy matches, the fixed code, one block.
#include "detail/deflate.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace hans::data {

namespace {

constexpr std::size_t shortest_match = 3, longest_match = 258, window = 32768;
constexpr int hash_bits = 15;

// Bits go out lowest first.
class BitWriter {
 public:
  void put(std::uint32_t value, int count) {
    bits_ |= std::uint64_t{value} << held_;
    held_ += count;
    for (; held_ >= 8; held_ -= 8, bits_ >>= 8) out_.push_back(static_cast<char>(bits_ & 0xff));
  }

  // Code words go out highest bit first.
  void put_word(std::uint32_t word, int count) {
    std::uint32_t reversed = 0;
    for (int k = 0; k < count; ++k) reversed |= (word >> k & 1) << (count - 1 - k);
    put(reversed, count);
  }

  std::string finish() {
    if (held_ > 0) put(0, 8 - held_);
    return std::move(out_);
  }

 private:
  std::string out_;
  std::uint64_t bits_ = 0;
  int held_ = 0;
};

// The fixed code of RFC 1951, section 3.2.6.
void put_literal(BitWriter& out, std::uint32_t symbol) {
  if (symbol < 144) {
    out.put_word(0x30 + symbol, 8);
  } else if (symbol < 256) {
    out.put_word(0x190 + symbol - 144, 9);
  } else if (symbol < 280) {
    out.put_word(symbol - 256, 7);
  } else {
    out.put_word(0xc0 + symbol - 280, 8);
  }
}

// Lengths and distances come in groups, each with twice the range of the one before and four (two) symbols. Counted
// from the shortest, `value` has its symbol in the leading bits and the extra bits below them.
struct Symbol {
  std::uint32_t number;
  int extra;
};

Symbol symbol_of(std::uint32_t value, int leading_bits) {
  int extra = 0;
  while (value >> extra >= 2u << leading_bits) ++extra;
  return {(static_cast<std::uint32_t>(extra) << leading_bits) + (value >> extra), extra};
}

void put_match(BitWriter& out, std::size_t length, std::size_t distance) {
  if (length == longest_match) {
    put_literal(out, 285);
  } else {
    const auto value = static_cast<std::uint32_t>(length - shortest_match);
    const Symbol symbol = symbol_of(value, 2);
    put_literal(out, 257 + symbol.number);
    out.put(value & ((1u << symbol.extra) - 1), symbol.extra);
  }
  const auto value = static_cast<std::uint32_t>(distance - 1);
  const Symbol symbol = symbol_of(value, 1);
  out.put_word(symbol.number, 5);
  out.put(value & ((1u << symbol.extra) - 1), symbol.extra);
}

}  // namespace

std::string deflate(std::string_view bytes) {
  BitWriter out;
  out.put(1, 1);  // the last block
  out.put(1, 2);  // with the fixed code
  // Where the three bytes with this hash were seen last, plus one; 0 is never.
  std::vector<std::size_t> seen(std::size_t{1} << hash_bits);
  for (std::size_t at = 0; at < bytes.size();) {
    std::size_t length = 0, distance = 0;
    if (bytes.size() - at >= shortest_match) {
      const auto three = [&](std::size_t k) { return std::uint32_t{static_cast<unsigned char>(bytes[at + k])}; };
      const std::uint32_t hash = (three(0) << 16 | three(1) << 8 | three(2)) * 0x9e3779b1u >> (32 - hash_bits);
      const std::size_t before = seen[hash];
      seen[hash] = at + 1;
      distance = at + 1 - before;
      if (before > 0 && distance <= window) {
        const std::size_t most = std::min(longest_match, bytes.size() - at);
        while (length < most && bytes[before - 1 + length] == bytes[at + length]) ++length;
      }
    }
    if (length >= shortest_match) {
      put_match(out, length, distance);
      at += length;
    } else {
      put_literal(out, static_cast<unsigned char>(bytes[at]));
      ++at;
    }
  }
  put_literal(out, 256);
  return out.finish();
}

}  // namespace hans::data
