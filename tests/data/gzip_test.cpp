// inflate, deflate, gzip, zlib and their checksums.
#include "../../data/detail/gzip.hpp"

#include <array>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <hans/core/file.hpp>
#include <hans/core/hash.hpp>
#include "../../data/detail/bytes.hpp"
#include "../../data/detail/checksum.hpp"
#include "../../data/detail/deflate.hpp"
#include "../../data/detail/inflate.hpp"

#include "data_testing.hpp"

namespace hans::data::gzip_test {
namespace {

using testing_data::error_of;
using testing_data::from_hex;
using testing_data::noise;

constexpr std::uint64_t most = 1 << 24;

std::string inflated(std::string_view data, std::uint64_t limit = most) {
  std::string out;
  inflate(data, out, limit);
  return out;
}

// Deflate data written field by field.
class Bits {
 public:
  Bits& field(unsigned value, unsigned count) {  // lowest bit first
    for (unsigned k = 0; k < count; ++k) bit(value >> k & 1);
    return *this;
  }
  Bits& word(std::string_view digits) {  // a code word as the RFC writes it
    for (const char digit : digits) bit(digit == '1');
    return *this;
  }
  Bits& lengths(
      std::initializer_list<unsigned> values) {  // of the code length code, in the RFC's order 16, 17, 18, 0 ...
    for (const unsigned value : values) field(value, 3);
    return *this;
  }
  operator std::string() const { return out_; }

 private:
  void bit(bool value) {
    if (used_++ % 8 == 0) out_.push_back('\0');
    out_.back() = static_cast<char>(static_cast<unsigned char>(out_.back()) | unsigned{value} << (used_ - 1) % 8);
  }
  std::string out_;
  unsigned used_ = 0;
};

constexpr unsigned fixed = 1, dynamic = 2, reserved = 3;
Bits last_block(unsigned type) { return Bits().field(1, 1).field(type, 2); }
Bits dynamic_block(unsigned literals, unsigned distances, unsigned codes) {
  return last_block(dynamic).field(literals - 257, 5).field(distances - 1, 5).field(codes - 4, 4);
}

// 257 literals of which the last two have one bit each, then what `distances` adds; the code lengths are coded as
// 18 (zeros) = 0, 1 = 10, 2 = 11.
Bits two_literals(unsigned distances) {
  return dynamic_block(257, distances, 18)
      .lengths({0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2})
      .word("0")
      .field(138 - 11, 7)
      .word("0")
      .field(117 - 11, 7)
      .word("10")
      .word("10");
}

std::string member(std::string_view content,
                   std::string_view header = std::string_view("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10)) {
  std::string file(header);
  file += deflate(content);
  put_little(file, crc32(content));
  put_little(file, static_cast<std::uint32_t>(content.size()));
  return file;
}

TEST(Checksum, KnownAnswers) {
  EXPECT_EQ(crc32(""), 0u);
  EXPECT_EQ(crc32("123456789"), 0xcbf43926u);  // the check value that catalogues of CRCs give
  EXPECT_EQ(crc32("56789", crc32("1234")), 0xcbf43926u);
  EXPECT_EQ(adler32(""), 1u);
  EXPECT_EQ(adler32("Wikipedia"), 0x11e60398u);
  std::uint64_t a = 1, b = 0;  // long enough for the sums to be reduced on the way
  for (int k = 0; k < 20000; ++k) {
    a = (a + 255) % 65521;
    b = (b + a) % 65521;
  }
  EXPECT_EQ(adler32(std::string(20000, '\xff')), b << 16 | a);
}

TEST(Inflate, ReadsEveryKindOfBlock) {
  struct Case {
    const char* name;
    std::string data, content;
  };
  const std::array<Case, 9> table{{
      {"stored", from_hex("01 0300 fcff 616263"), "abc"},
      {"stored, empty", from_hex("01 0000 ffff"), ""},
      {"two stored blocks", from_hex("00 0100 feff 61 01 0100 feff 62"), "ab"},
      {"fixed code", from_hex("4b4c4a0600"), "abc"},  // this and the next three were made by zlib
      {"fixed code, empty", from_hex("0300"), ""},
      {"fixed code, a match over itself", from_hex("4b4c840100"), "aaaaaaaaaa"},
      {"dynamic code",
       from_hex(
           "0dccb90100300cc2c0590d38f8d9bf8ffb93a2dc9ac0e6cc2a569e0c36c148bb367bc72943d151a034674bdbc79d579ac49c7df3"
           "f4da02d873762b6fb5fd2658a9a04018aeaca7fc"),
       "ahgidjabkejjkdakdgjeacicbcaegghkeikjgedgbdaiahbcddjbkehdkijkdgejabgccbjeggfjfdfigdbbcijiahkhejeakifjachedacdbcb"
       "gbg"
       "hehfde"},
      {"a distance code of one word", two_literals(1).word("10").word("0").word("1"), "\xff"},
      {"a length of 258 by the symbol before the last",
       last_block(fixed).word("10010001").word("11000100").field(31, 5).word("00000").word("0000000"),
       std::string(259, 'a')},
  }};
  for (const Case& valid : table) {
    std::string out = "before";
    EXPECT_EQ(inflate(valid.data + "after", out, most), valid.data.size()) << valid.name;
    EXPECT_EQ(out, "before" + valid.content) << valid.name;
    for (std::size_t length = 0; length < valid.data.size(); ++length) {
      EXPECT_NE(error_of([&] { inflated(valid.data.substr(0, length)); }), "no error")
          << valid.name << " cut to " << length;
    }
  }
}

TEST(Inflate, RefusesBrokenData) {
  struct Case {
    std::string data;
    const char* message;
  };
  const std::array<Case, 17> table{{
      {"", "end too early"},
      {last_block(reserved), "reserved type 3"},
      {from_hex("01 0300 fcfe 616263"), "contradicts itself"},
      {from_hex("01 0300 fcff 6162"), "end too early"},
      {from_hex("01 0300"), "end too early"},
      {last_block(fixed).word("0000001").word("00000"), "reaches 1 bytes back after 0 bytes"},
      {last_block(fixed).word("10010001").word("0000001").word("00001"), "reaches 2 bytes back after 1 bytes"},
      {last_block(fixed).word("11000110").word("00000000"), "means nothing"},
      {last_block(fixed).word("0000001").word("11110").word("00000000"), "means nothing"},
      {dynamic_block(288, 1, 4).lengths({0, 0, 0, 0}), "288 literals"},
      {dynamic_block(257, 31, 4).lengths({0, 0, 0, 0}), "31 distances"},
      {dynamic_block(257, 1, 4).lengths({1, 1, 1, 0}), "code length code has more words than fit"},
      {dynamic_block(257, 1, 4).lengths({1, 0, 0, 0}), "code length code is incomplete"},
      {dynamic_block(257, 1, 4).lengths({1, 1, 0, 0}).word("0").field(0, 30), "first code length is a repetition"},
      {dynamic_block(257, 1, 4).lengths({0, 0, 1, 1}).word("1").field(127, 7).word("1").field(127, 7),
       "more code lengths than"},
      {dynamic_block(257, 1, 4).lengths({0, 0, 1, 1}).word("1").field(127, 7).word("1").field(109, 7),
       "without an end"},
      {two_literals(2).word("11").word("11"), "distance code is incomplete"},
  }};
  for (const Case& broken : table) {
    const std::string message = error_of([&] { inflated(broken.data); });
    EXPECT_NE(message.find(broken.message), std::string::npos) << broken.message << ": " << message;
  }
}

TEST(Inflate, StopsAtItsLimit) {
  const std::string stored = from_hex("01 0300 fcff 616263"), zeros = deflate(std::string(100000, '\0'));
  EXPECT_LT(zeros.size(), 1000u);
  EXPECT_EQ(inflated(stored, 3), "abc");
  EXPECT_EQ(inflated(zeros, 100000).size(), 100000u);
  EXPECT_NE(error_of([&] { inflated(stored, 2); }).find("more than the 2 bytes"), std::string::npos);
  for (const std::uint64_t limit : {0u, 1u, 257u, 258u, 99999u}) {
    std::string out;
    EXPECT_NE(error_of([&] { inflate(zeros, out, limit); }).find("more than the"), std::string::npos) << limit;
    EXPECT_LE(out.size(), limit + 300) << limit;
  }
  // A limit beyond memory is none, and what precedes in the output does not count.
  std::string out = "before";
  inflate(stored, out, ~std::uint64_t{0});
  inflate(stored, out, 3);
  EXPECT_EQ(out, "beforeabcabc");
}

TEST(Deflate, ComesBackUnchanged) {
  for (const unsigned kinds : {1u, 2u, 5u, 256u}) {
    for (const std::size_t size : {0u, 1u, 2u, 3u, 4u, 257u, 258u, 259u, 1000u, 40000u, 100000u}) {
      const std::string content = noise(size, kinds, kinds);
      EXPECT_TRUE(inflated(deflate(content)) == content) << size << " bytes of " << kinds << " kinds";
    }
  }
  // Matches at every length, and at distances around the powers of two where the symbols change, up to the window.
  for (const std::size_t distance :
       {3u, 4u, 5u, 8u, 9u, 16u, 17u, 255u, 256u, 257u, 4096u, 4097u, 32767u, 32768u, 32769u}) {
    std::string content;
    const std::string unique = noise(distance, 256, 7);
    for (std::size_t length = 3; length < 270 && content.size() < 100000; length += 1 + distance / 64) {
      content += unique + unique.substr(0, length);
    }
    EXPECT_TRUE(inflated(deflate(content)) == content) << distance;
  }
}

// Symbols that get longer words than 15 bits in Huffman's own code.
TEST(Deflate, KeepsWordsShort) {
  std::string content;
  std::size_t count = 1, next = 1;
  for (char symbol = '_'; symbol <= 'z'; ++symbol, count = std::exchange(next, count + next)) {
    content += std::string(count, symbol);
  }
  std::uint64_t state = 1;
  for (std::size_t k = content.size(); k-- > 1;) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    std::swap(content[k], content[(state >> 33) % (k + 1)]);
  }
  EXPECT_TRUE(inflated(deflate(content)) == content);
}

TEST(Deflate, TakesTheShortestCode) {
  EXPECT_LT(deflate(noise(20000, 16, 4)).size(), 20000u * 6 / 10);  // half, and what the code takes
  EXPECT_LE(deflate("abc").size(), 6u);
}

TEST(Deflate, AlwaysMakesTheSameBytes) {
  EXPECT_EQ(sha256(deflate(noise(50000, 3, 1))), "27fed855672c7398636db492f7d18c06ddf9cf2a597264953a28fcdc83bc4770");
}

TEST(Gzip, ReadsHeadersAndMembers) {
  const std::string plain = member("abc");
  EXPECT_EQ(gunzip(plain, most), "abc");
  EXPECT_EQ(gunzip(plain + member("") + member("def"), 6), "abcdef");
  EXPECT_EQ(gunzip(plain + std::string(5, '\0'), most), "abc");

  std::string header = from_hex("1f8b08 1e 00000000 00 ff 0300 010203 6e00 6300");  // extra field, name, comment
  put_little(header, static_cast<std::uint16_t>(crc32(header) & 0xffff));
  EXPECT_EQ(gunzip(member("abc", header), most), "abc");
  header.back() = static_cast<char>(header.back() ^ 1);
  EXPECT_EQ(error_of([&] { gunzip(member("abc", header), most); }), "the checksum of the gzip header is wrong");
}

TEST(Gzip, RefusesBrokenFiles) {
  const std::string good = member("abc");
  const auto changed = [&](std::size_t at, char value) {
    std::string file = good;
    file[at] = value;
    return file;
  };
  struct Case {
    std::string file;
    const char* message;
  };
  const std::array<Case, 12> table{{
      {"", "not a gzip file"},
      {"PK\x03\x04", "not a gzip file"},
      {good.substr(0, 9), "header ends after 9 of 10 bytes"},
      {changed(2, 7), "compression method 7"},
      {changed(3, '\x20'), "reserved flags"},
      {changed(3, 4), "header ends too early"},
      {from_hex("1f8b08080000000000ff") + "name without an end", "header ends too early"},
      {good.substr(0, 12), "end too early"},
      {good.substr(0, good.size() - 1), "end too early"},
      {changed(good.size() - 8, 0), "checksum of the gzip data is wrong"},
      {changed(good.size() - 4, 4), "3 bytes long where 4 were announced"},
      {good + "x", "1 bytes after the gzip data"},
  }};
  for (const Case& broken : table) {
    const std::string message = error_of([&] { gunzip(broken.file, most); });
    EXPECT_NE(message.find(broken.message), std::string::npos) << broken.message << ": " << message;
  }
  EXPECT_NE(error_of([&] { gunzip(good + good, 5); }).find("more than the 5 bytes"), std::string::npos);
}

// A flipped bit is found, or means nothing (time, system, padding, a match taken from elsewhere): other content never
// comes out.
TEST(Gzip, FindsEveryFlippedBit) {
  const std::string content = noise(300, 4, 9), good = member(content);
  std::size_t found = 0;
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string file = good;
    file[bit / 8] = static_cast<char>(static_cast<unsigned char>(file[bit / 8]) ^ 1u << bit % 8);
    std::string out = content;
    found += error_of([&] { out = gunzip(file, most); }) != "no error";
    ASSERT_EQ(out, content) << "bit " << bit;
  }
  EXPECT_GT(found, 8 * good.size() - 80);
}

TEST(Gzip, ReadsMnist) {
  const std::filesystem::path shared = testing_data::shared_folder();
  if (shared.empty()) GTEST_SKIP() << "no shared data; set HANS_SHARED";
  struct Case {
    const char *name, *sha256;
  };
  for (const Case file : {
           Case{"t10k-images-idx3-ubyte.gz", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
           Case{"t10k-labels-idx1-ubyte.gz", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"},
           Case{"train-labels-idx1-ubyte.gz", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
       }) {
    EXPECT_EQ(sha256(gunzip(read_file(shared / "data/mnist" / file.name), most)), file.sha256) << file.name;
  }
}

TEST(Zlib, ComesBackUnchangedAndRefusesBrokenData) {
  EXPECT_EQ(zlib_expand(from_hex("789c 4b4c4a0600 024d0127"), most), "abc");  // made by zlib
  const std::string content = noise(5000, 3, 2), good = zlib_compress(content);
  EXPECT_EQ(zlib_expand(good, most), content);
  struct Case {
    std::string data;
    const char* message;
  };
  std::string other = good;
  other.back() = static_cast<char>(static_cast<unsigned char>(other.back()) ^ 1u);
  const std::array<Case, 6> table{{
      {"x", "end too early"},
      {from_hex("7801 0300"), "end too early"},
      {"xx" + good.substr(2), "not zlib data"},
      {from_hex("78bb 00000000 0300 00000001"), "preset dictionary"},
      {good + "x", "go on after their end"},
      {other, "checksum of the zlib data is wrong"},
  }};
  for (const Case& broken : table) {
    const std::string message = error_of([&] { zlib_expand(broken.data, most); });
    EXPECT_NE(message.find(broken.message), std::string::npos) << broken.message << ": " << message;
  }
}

}  // namespace
}  // namespace hans::data::gzip_test
