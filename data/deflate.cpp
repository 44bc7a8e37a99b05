// A small deflate: greedy matches, one block, with the fixed code or the best for its bytes.
#include "detail/deflate.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <queue>
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

  // PrefixCode words go out highest bit first.
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

using Counts = std::vector<std::uint64_t>;

// A prefix code: how many bits a symbol has (0: it does not occur), and which.
class PrefixCode {
 public:
  // Those of RFC 1951, section 3.2.2.
  explicit PrefixCode(std::vector<int> bits) : bits_(std::move(bits)), words_(bits_.size()) {
    std::uint32_t next = 0;
    for (int length = 1; length <= longest; ++length, next <<= 1) {
      for (std::size_t k = 0; k < bits_.size(); ++k) {
        if (bits_[k] == length) words_[k] = next++;
      }
    }
  }

  // Huffman's for symbols that occur so often, with `most` bits at most; two symbols occur at least.
  static PrefixCode best(Counts counts, int most);

  const std::vector<int>& bits() const { return bits_; }
  void put(BitWriter& out, std::size_t symbol) const { out.put_word(words_[symbol], bits_[symbol]); }
  std::uint64_t cost(const Counts& counts) const {
    std::uint64_t all = 0;
    for (std::size_t k = 0; k < counts.size(); ++k) all += counts[k] * static_cast<std::uint64_t>(bits_[k]);
    return all;
  }

 private:
  static constexpr int longest = 15;
  std::vector<int> bits_;
  std::vector<std::uint32_t> words_;
};

PrefixCode PrefixCode::best(Counts counts, int most) {
  const std::size_t symbols = counts.size();
  for (;;) {
    using Node = std::pair<std::uint64_t, std::size_t>;  // how often, and its number: equal trees everywhere
    std::priority_queue<Node, std::vector<Node>, std::greater<>> roots;
    for (std::size_t k = 0; k < symbols; ++k) {
      if (counts[k] > 0) roots.emplace(counts[k], k);
    }
    std::vector<std::size_t> parents(symbols);
    const auto take = [&] {
      const Node least = roots.top();
      roots.pop();
      parents[least.second] = parents.size();
      return least.first;
    };
    while (roots.size() > 1) {
      const std::uint64_t left = take(), both = left + take();
      roots.emplace(both, parents.size());
      parents.push_back(0);
    }
    std::vector<int> depths(parents.size());
    for (std::size_t k = parents.size() - 1; k-- > 0;) {
      if (parents[k] > 0) depths[k] = depths[parents[k]] + 1;
    }
    depths.resize(symbols);
    if (*std::max_element(depths.begin(), depths.end()) <= most) return PrefixCode(std::move(depths));
    for (std::uint64_t& count : counts) count = (count + 1) / 2;  // until the tree is flat enough
  }
}

// The fixed code of RFC 1951, section 3.2.6.
PrefixCode fixed_code() {
  std::vector<int> bits(288, 8);
  std::fill(bits.begin() + 144, bits.begin() + 256, 9);
  std::fill(bits.begin() + 256, bits.begin() + 280, 7);
  return PrefixCode(std::move(bits));
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

// A literal (a byte, or 256 for the end), or a match.
struct Token {
  std::size_t literal, length = 0, distance = 0;
  std::size_t symbol() const {
    if (length == 0) return literal;
    return length == longest_match ? 285 : 257 + of_length().number;
  }
  Symbol of_length() const { return symbol_of(static_cast<std::uint32_t>(length - shortest_match), 2); }
  Symbol of_distance() const { return symbol_of(static_cast<std::uint32_t>(distance - 1), 1); }
};

void put_extra(BitWriter& out, std::size_t value, int bits) {
  out.put(static_cast<std::uint32_t>(value) & ((1u << bits) - 1), bits);
}

void put_token(BitWriter& out, const Token& token, const PrefixCode& literals, const PrefixCode& distances) {
  literals.put(out, token.symbol());
  if (token.length == 0) return;
  if (token.length < longest_match) put_extra(out, token.length - shortest_match, token.of_length().extra);
  distances.put(out, token.of_distance().number);
  put_extra(out, token.distance - 1, token.of_distance().extra);
}

std::vector<Token> tokens_of(std::string_view bytes) {
  constexpr int most_tries = 32;
  std::vector<Token> all;
  // Where the three bytes with this hash were seen last, and for each place where before that, plus one; 0 is never.
  std::vector<std::size_t> seen(std::size_t{1} << hash_bits), earlier(bytes.size());
  const auto last = [&](std::size_t at) -> std::size_t& {
    const auto byte = [&](std::size_t k) { return std::uint32_t{static_cast<unsigned char>(bytes[at + k])}; };
    return seen[(byte(0) << 16 | byte(1) << 8 | byte(2)) * 0x9e3779b1u >> (32 - hash_bits)];
  };
  for (std::size_t at = 0; at < bytes.size();) {
    Token token{static_cast<unsigned char>(bytes[at])};
    const std::size_t most = std::min(longest_match, bytes.size() - at);
    std::size_t before = most >= shortest_match ? last(at) : 0;
    for (int tries = 0; tries < most_tries && before > 0 && at + 1 - before <= window; ++tries) {
      std::size_t length = 0;
      while (length < most && bytes[before - 1 + length] == bytes[at + length]) ++length;
      if (length >= shortest_match && length > token.length) token = {token.literal, length, at + 1 - before};
      before = earlier[before - 1];
    }
    const std::size_t next = at + std::max<std::size_t>(token.length, 1);
    for (; at < next; ++at) {
      if (bytes.size() - at >= shortest_match) earlier[at] = std::exchange(last(at), at + 1);
    }
    all.push_back(token);
  }
  all.push_back({256});
  return all;
}

// The lengths of a block's own codes, RFC 1951, section 3.2.7; of runs only those of zeros are written as such.
struct Lengths {
  std::vector<int> bits;  // of the literals, then of the distances

  template <class Use>
  void each(Use use) const {  // symbol, extra bits and how many
    for (std::size_t at = 0; at < bits.size();) {
      std::size_t zeros = 0;
      while (at + zeros < bits.size() && bits[at + zeros] == 0 && zeros < 138) ++zeros;
      if (zeros >= 11) {
        use(18U, zeros - 11, 7);
      } else if (zeros >= 3) {
        use(17U, zeros - 3, 3);
      } else {
        use(static_cast<std::size_t>(bits[at]), std::size_t{0}, 0);
      }
      at += zeros >= 3 ? zeros : 1;
    }
  }
};

}  // namespace

std::string deflate(std::string_view bytes) {
  const std::vector<Token> tokens = tokens_of(bytes);
  Counts literals(286), distances(30), lengths(19);
  distances[0] = distances[1] = 1;  // some readers want two
  for (const Token& token : tokens) {
    ++literals[token.symbol()];
    if (token.length > 0) ++distances[token.of_distance().number];
  }
  const PrefixCode fixed_literals = fixed_code(), fixed_distances(std::vector<int>(30, 5));
  BitWriter out;
  out.put(1, 1);  // the last block
  const auto put_tokens = [&](const PrefixCode& of_literals, const PrefixCode& of_distances) {
    for (const Token& token : tokens) put_token(out, token, of_literals, of_distances);
    return out.finish();
  };
  if (bytes.empty()) {
    out.put(1, 2);
    return put_tokens(fixed_literals, fixed_distances);
  }
  const PrefixCode own_literals = PrefixCode::best(literals, 15), own_distances = PrefixCode::best(distances, 15);
  Lengths own{own_literals.bits()};
  own.bits.insert(own.bits.end(), own_distances.bits().begin(), own_distances.bits().end());
  std::uint64_t extra = 0;
  own.each([&](std::size_t symbol, std::size_t, int bits) {
    ++lengths[symbol];
    extra += static_cast<std::uint64_t>(bits);
  });
  const PrefixCode own_lengths = PrefixCode::best(lengths, 7);
  const std::uint64_t header = 5 + 5 + 4 + 3 * 19 + own_lengths.cost(lengths) + extra;
  if (header + own_literals.cost(literals) + own_distances.cost(distances) >=
      fixed_literals.cost(literals) + fixed_distances.cost(distances)) {
    out.put(1, 2);
    return put_tokens(fixed_literals, fixed_distances);
  }
  out.put(2, 2);
  out.put(286 - 257, 5);
  out.put(30 - 1, 5);
  out.put(19 - 4, 4);
  for (const std::size_t k : {16U, 17U, 18U, 0U, 8U, 7U, 9U, 6U, 10U, 5U, 11U, 4U, 12U, 3U, 13U, 2U, 14U, 1U, 15U}) {
    out.put(static_cast<std::uint32_t>(own_lengths.bits()[k]), 3);
  }
  own.each([&](std::size_t symbol, std::size_t value, int bits) {
    own_lengths.put(out, symbol);
    put_extra(out, value, bits);
  });
  return put_tokens(own_literals, own_distances);
}

}  // namespace hans::data
