// SHA-256 against published digests, whatever pieces the bytes come in.
#include <gtest/gtest.h>

#include <array>
#include <hans/core/hash.hpp>
#include <limits>
#include <string>

namespace hans::hash_test {
namespace {

struct Known {
  std::string bytes;
  const char* digest;
};

// FIPS 180-4's examples and NIST's further ones.
const std::array<Known, 5> known = {{
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
     "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    {std::string(1'000'000, 'a'), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
}};

TEST(Hash, MatchesPublishedDigests) {
  for (const Known& example : known) EXPECT_EQ(sha256(example.bytes), example.digest);
}

TEST(Hash, PadsEveryLength) {
  // Lengths around one, two and three blocks; the digest of all digests comes from another implementation.
  std::string digests;
  for (std::size_t length = 0; length < 200; ++length) digests += sha256(std::string(length, 'a'));
  EXPECT_EQ(sha256(digests), "019f2b9f1af27a53a1f046da7e98af2c179f431e4b5bebb000e74040917a4123");
}

TEST(Hash, DoesNotDependOnThePieces) {
  const std::string bytes = known[3].bytes + known[2].bytes + known[3].bytes;
  const std::string whole = sha256(bytes);
  for (std::size_t first = 0; first <= bytes.size(); ++first) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{65}}) {
      Sha256 hash;
      hash.add(std::string_view(bytes).substr(0, first));
      for (std::size_t at = first; at < bytes.size(); at += step) hash.add(std::string_view(bytes).substr(at, step));
      ASSERT_EQ(hash.hex(), whole) << first << " bytes, then " << step << " at a time";
    }
  }
}

TEST(Hash, NumbersAreLittleEndian) {
  const std::array<float, 3> values = {1.0F, -0.0F, std::numeric_limits<float>::infinity()};
  Sha256 hash;
  hash.add_u64(0x0102030405060708).add_i32(-2).add(values);
  const std::string bytes("\x08\x07\x06\x05\x04\x03\x02\x01\xfe\xff\xff\xff\0\0\x80\x3f\0\0\0\x80\0\0\x80\x7f", 24);
  EXPECT_EQ(hash.hex(), sha256(bytes));
}

}  // namespace
}  // namespace hans::hash_test
