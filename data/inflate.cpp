// A table-driven inflate: one look-up for most code words, one refill of 56 bits for each symbol.
#include "detail/inflate.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include <hans/core/error.hpp>
#include "detail/bytes.hpp"

namespace hans::data {

namespace {

constexpr int longest_code = 15;
constexpr std::size_t longest_copy = 258;
constexpr std::size_t slack = 8;  // matches are copied eight bytes at a time

// What the next bits of the input mean. `bits` of them are the code word; `what` is one of the constants, or the number
// of bits that follow and are added to `value` to make a length or distance.
struct Entry {
  static constexpr std::uint8_t literal = 32, end = 33, link = 34, invalid = 35;
  std::uint16_t value = 0;
  std::uint8_t bits = 0;
  std::uint8_t what = invalid;
};

enum class Alphabet { code_lengths, literals, distances };

// RFC 1951, section 3.2.5: how many bits follow each length and distance symbol; the bases are running sums of these.
constexpr int length_extra(std::size_t k) { return k < 8 || k == 28 ? 0 : static_cast<int>(k / 4) - 1; }
constexpr int distance_extra(std::size_t k) { return k < 4 ? 0 : static_cast<int>(k / 2) - 1; }

template <std::size_t n>
constexpr std::array<std::uint16_t, n> bases(int first, int (*extra)(std::size_t)) {
  std::array<std::uint16_t, n> result{};
  for (std::size_t k = 0; k < n; ++k) {
    result[k] = static_cast<std::uint16_t>(first);
    first += 1 << extra(k);
  }
  return result;
}

constexpr auto length_base = [] {
  auto result = bases<29>(3, length_extra);
  result[28] = longest_copy;  // the one exception: 258 has its own symbol
  return result;
}();
constexpr auto distance_base = bases<30>(1, distance_extra);

Entry meaning(Alphabet alphabet, std::size_t symbol, int bits) {
  const auto length = static_cast<std::uint8_t>(bits);
  const auto value = static_cast<std::uint16_t>(symbol);
  if (alphabet == Alphabet::distances) {
    if (symbol >= distance_base.size()) return {0, length, Entry::invalid};
    return {distance_base[symbol], length, static_cast<std::uint8_t>(distance_extra(symbol))};
  }
  if (alphabet == Alphabet::code_lengths || symbol < 256) return {value, length, Entry::literal};
  if (symbol == 256) return {value, length, Entry::end};
  if (symbol - 257 >= length_base.size()) return {0, length, Entry::invalid};
  return {length_base[symbol - 257], length, static_cast<std::uint8_t>(length_extra(symbol - 257))};
}

std::size_t reversed(std::size_t word, int length) {
  std::size_t result = 0;
  for (int k = 0; k < length; ++k) result |= (word >> k & 1) << (length - 1 - k);
  return result;
}

// A prefix code as a table over the next `root` bits; longer words go on in further tables of `rest` bits. A further
// table holds at least two words, because the code is complete: that bounds how many there are.
template <int root, std::size_t symbols>
class Code {
 public:
  void build(Alphabet alphabet, std::span<const std::uint8_t> lengths, const char* name) {
    std::array<std::size_t, longest_code + 1> count{}, next{};
    for (const std::uint8_t length : lengths) ++count[length];
    const std::size_t words = lengths.size() - count[0];
    count[0] = 0;
    std::size_t room = 1;
    for (std::size_t length = 1; length <= longest_code; ++length) {
      next[length] = (next[length - 1] + count[length - 1]) << 1;
      room *= 2;
      check(count[length] <= room, "the deflate data are broken: the ", name, " code has more words than fit");
      room -= count[length];
    }
    // One word of one bit, or no word at all, is how a block with one distance or with only literals is written.
    check(room == 0 || (alphabet != Alphabet::code_lengths && words < 2 && count[1] == words),
          "the deflate data are broken: the ", name, " code is incomplete");

    std::fill_n(table_.begin(), std::size_t{1} << root, Entry{});
    std::size_t used = std::size_t{1} << root;
    for (std::size_t symbol = 0; symbol < lengths.size(); ++symbol) {
      const int length = lengths[symbol];
      if (length == 0) continue;
      const std::size_t word = reversed(next[lengths[symbol]]++, length);
      const Entry entry = meaning(alphabet, symbol, length);
      if (length <= root) {
        for (std::size_t k = word; k < std::size_t{1} << root; k += std::size_t{1} << length) table_[k] = entry;
        continue;
      }
      Entry& link = table_[word & ((std::size_t{1} << root) - 1)];
      if (link.what != Entry::link) {
        link = {static_cast<std::uint16_t>(used), 0, Entry::link};
        used += std::size_t{1} << rest;
      }
      for (std::size_t k = word >> root; k < std::size_t{1} << rest; k += std::size_t{1} << (length - root)) {
        table_[link.value + k] = entry;
      }
    }
  }

  Entry find(std::uint64_t bits) const {
    const Entry entry = table_[bits & ((std::uint64_t{1} << root) - 1)];
    if (entry.what != Entry::link) return entry;
    return table_[entry.value + (bits >> root & ((std::uint64_t{1} << rest) - 1))];
  }

 private:
  static constexpr int rest = longest_code - root;
  std::array<Entry, (std::size_t{1} << root) + symbols / 2 * (std::size_t{1} << rest)> table_;
};

class Inflater {
 public:
  Inflater(std::string_view input, std::string& out, std::uint64_t most)
      : begin_(input.data()),
        at_(input.data()),
        end_(input.data() + input.size()),
        out_(out),
        start_(out.size()),
        made_(out.size()),
        // The most that made_ may become, with room left above it for arithmetic that cannot overflow.
        most_(made_ + static_cast<std::size_t>(std::min<std::uint64_t>(most, out.max_size() / 4))) {}

  /// `enough`: where to stop before the end of the data.
  std::size_t run(std::uint64_t enough = ~std::uint64_t{0}) {
    enough_ = enough;
    for (bool last = false; !last && made_ - start_ < enough_;) {
      last = take(1) != 0;
      const std::uint64_t type = take(2);
      check(type < 3, "the deflate data are broken: a block has the reserved type 3");
      if (type == 0) {
        stored();
      } else {
        type == 1 ? fixed_codes() : dynamic_codes();
        block();
      }
    }
    check_most(made_);
    out_.resize(made_);
    return static_cast<std::size_t>(at_ - begin_) - static_cast<std::size_t>(held_ / 8);
  }

 private:
  // At least 56 bits, or all there are. Bits above the held ones are either 0 or the bits that belong there.
  void refill() {
    if (end_ - at_ >= 8) {
      bits_ |= little<std::uint64_t>(at_) << held_;
      at_ += (63 - held_) >> 3;
      held_ |= 56;
    } else {
      for (; held_ <= 56 && at_ != end_; held_ += 8) {
        bits_ |= std::uint64_t{static_cast<unsigned char>(*at_++)} << held_;
      }
    }
  }

  // After `held_` went below zero more bits were used than there are.
  void check_held() const { check(held_ >= 0, "the compressed data end too early"); }

  void check_most(std::size_t made) const {
    check(made <= most_, "the compressed data hold more than the ", most_, " bytes that are allowed");
  }

  std::uint64_t drop(int count) {
    const std::uint64_t value = bits_ & ((std::uint64_t{1} << count) - 1);
    bits_ >>= count;
    held_ -= count;
    return value;
  }

  std::uint64_t take(int count) {
    refill();
    const std::uint64_t value = drop(count);
    check_held();
    return value;
  }

  // Room for `count` more bytes and the slack. Grows with what was made, so that a small input stays small.
  void make_room(std::size_t count) {
    if (out_.size() - made_ >= count + slack) return;
    check_most(made_);
    const std::size_t twice = made_ + (made_ - start_) + 4096;
    out_.resize(std::max(made_ + count + slack, std::min(twice, most_ + longest_copy + slack)));
  }

  void stored() {
    drop(held_ & 7);
    at_ -= held_ / 8;
    bits_ = 0;
    held_ = 0;
    check(end_ - at_ >= 4, "the compressed data end too early");
    const auto length = little<std::uint16_t>(at_);
    check(length == (little<std::uint16_t>(at_ + 2) ^ 0xffff),
          "the deflate data are broken: the length of a stored block contradicts itself");
    at_ += 4;
    check(end_ - at_ >= length, "the compressed data end too early");
    check_most(made_ + length);
    make_room(length);
    std::memcpy(out_.data() + made_, at_, length);
    at_ += length;
    made_ += length;
  }

  void fixed_codes() {
    std::array<std::uint8_t, 288> lengths{};
    for (std::size_t k = 0; k < lengths.size(); ++k) lengths[k] = k < 144 ? 8 : k < 256 ? 9 : k < 280 ? 7 : 8;
    literals_.build(Alphabet::literals, lengths, "literal");
    lengths.fill(5);
    distances_.build(Alphabet::distances, std::span(lengths).first(32), "distance");
  }

  void dynamic_codes() {
    constexpr std::array<std::uint8_t, 19> order{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    const auto literals = static_cast<std::size_t>(take(5) + 257);
    const auto distances = static_cast<std::size_t>(take(5) + 1);
    const auto codes = static_cast<std::size_t>(take(4) + 4);
    check(literals <= 286 && distances <= 30, "the deflate data are broken: ", literals, " literals and ", distances,
          " distances where 286 and 30 are the most");
    std::array<std::uint8_t, 19> code_lengths{};
    for (std::size_t k = 0; k < codes; ++k) code_lengths[order[k]] = static_cast<std::uint8_t>(take(3));
    code_lengths_.build(Alphabet::code_lengths, code_lengths, "code length");

    std::array<std::uint8_t, 286 + 30> lengths{};
    for (std::size_t k = 0; k < literals + distances;) {
      refill();
      const Entry entry = code_lengths_.find(bits_);
      drop(entry.bits);
      check_held();
      if (entry.value < 16) {
        lengths[k++] = static_cast<std::uint8_t>(entry.value);
        continue;
      }
      check(entry.value != 16 || k > 0, "the deflate data are broken: the first code length is a repetition");
      const std::uint8_t length = entry.value == 16 ? lengths[k - 1] : std::uint8_t{0};
      const std::uint64_t times = entry.value == 16 ? 3 + take(2) : entry.value == 17 ? 3 + take(3) : 11 + take(7);
      check(times <= literals + distances - k, "the deflate data are broken: more code lengths than announced");
      for (std::uint64_t t = 0; t < times; ++t) lengths[k++] = length;
    }
    check(lengths[256] != 0, "the deflate data are broken: a block without an end");
    literals_.build(Alphabet::literals, std::span(lengths).first(literals), "literal");
    distances_.build(Alphabet::distances, std::span(lengths).subspan(literals, distances), "distance");
  }

  // A length with its distance needs at most 15 + 5 + 15 + 13 = 48 bits: one refill.
  void block() {
    while (made_ - start_ < enough_) {
      refill();
      make_room(longest_copy);
      Entry entry = literals_.find(bits_);
      drop(entry.bits);
      if (entry.what == Entry::literal) {
        check_held();
        out_[made_++] = static_cast<char>(entry.value);
        continue;
      }
      if (entry.what == Entry::end) {
        check_held();
        return;
      }
      check(entry.what != Entry::invalid, "the deflate data are broken: a code word that means nothing");
      const std::size_t length = entry.value + static_cast<std::size_t>(drop(entry.what));
      entry = distances_.find(bits_);
      drop(entry.bits);
      check(entry.what != Entry::invalid, "the deflate data are broken: a code word that means nothing");
      const std::size_t distance = entry.value + static_cast<std::size_t>(drop(entry.what));
      check_held();
      check(distance <= made_ - start_, "the deflate data are broken: a match reaches ", distance, " bytes back after ",
            made_ - start_, " bytes");
      copy(distance, length);
    }
  }

  void copy(std::size_t distance, std::size_t length) {
    char* to = out_.data() + made_;
    const char* from = to - distance;
    made_ += length;
    if (distance >= 8) {
      for (std::size_t k = 0; k < length; k += 8) std::memcpy(to + k, from + k, 8);
    } else if (distance == 1) {
      std::memset(to, *from, length);
    } else {
      for (std::size_t k = 0; k < length; ++k) to[k] = from[k];
    }
  }

  const char* begin_;
  const char* at_;
  const char* end_;
  std::uint64_t bits_ = 0;
  int held_ = 0;
  std::string& out_;
  std::size_t start_;
  std::size_t made_;
  std::size_t most_;
  std::uint64_t enough_ = 0;
  Code<7, 19> code_lengths_;
  Code<10, 288> literals_;
  Code<8, 32> distances_;
};

}  // namespace

std::size_t inflate(std::string_view input, std::string& out, std::uint64_t most) {
  return Inflater(input, out, most).run();
}

std::string inflate_start(std::string_view input, std::size_t count) {
  constexpr std::size_t most_stored = 65535;
  std::string out;
  Inflater(input, out, count + most_stored + longest_copy).run(count);
  return out;
}

}  // namespace hans::data
