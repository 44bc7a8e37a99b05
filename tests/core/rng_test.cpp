// Random numbers: published vectors, and every draw recomputed from the definition.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <hans/core/error.hpp>
#include <hans/core/hash.hpp>
#include <hans/core/kernels.hpp>
#include <hans/core/math.hpp>
#include <hans/core/rng.hpp>
#include <string>
#include <vector>

namespace hans::rng_test {
namespace {

using Words = std::array<std::uint32_t, 4>;

struct Known {
  Words counter;
  std::array<std::uint32_t, 2> key;
  Words words;
};

// philox4x32, 10 rounds, from the known-answer file of the authors' Random123.
constexpr std::array<Known, 3> known = {{
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
}};

TEST(Rng, PhiloxMatchesThePublishedVectors) {
  for (const Known& example : known) EXPECT_EQ(philox(example.counter, example.key), example.words);
}

TEST(Rng, StreamsAreNamedByFnv1a) {
  EXPECT_EQ(stream_id(""), 0x811c9dc5U);
  EXPECT_EQ(stream_id("a"), 0xe40c292cU);
  EXPECT_EQ(stream_id("foobar"), 0xbf9cf968U);
  EXPECT_EQ(stream_id("\xff"), (0x811c9dc5U ^ 0xffU) * 0x01000193U);  // no sign extension of char
}

constexpr std::uint64_t seed = 0x0123456789abcdef;
constexpr std::uint32_t sample = 7, step = 11;

Stream stream() { return Rng(seed).stream("noise", sample, step); }

std::uint32_t defined_word(std::uint64_t index) {
  const Words counter = {static_cast<std::uint32_t>(index / 4), step, sample, stream_id("noise")};
  return philox(counter, {0x89abcdef, 0x01234567})[index % 4];
}

TEST(Rng, WordsFollowTheDefinition) {
  Stream drawn = stream();
  for (std::uint64_t w = 0; w < 21; ++w) {
    EXPECT_EQ(drawn.word_at(1000 - w), defined_word(1000 - w));  // looking ahead does not move the stream
    EXPECT_EQ(drawn.word(), defined_word(w));
  }
}

TEST(Rng, EachPartOfTheKeyNamesAnotherStream) {
  std::vector<std::uint32_t> firsts;
  for (Stream other : {Stream(1, "a"), Stream(2, "a"), Stream(std::uint64_t{1} << 32, "a"), Stream(1, "b"),
                       Stream(1, "a", 1), Stream(1, "a", 0, 1)}) {
    firsts.push_back(other.word());
  }
  std::sort(firsts.begin(), firsts.end());
  EXPECT_EQ(std::adjacent_find(firsts.begin(), firsts.end()), firsts.end());
}

TEST(Rng, AStreamEnds) {
  constexpr std::uint64_t words = std::uint64_t{1} << 34;
  Stream drawn = stream();
  EXPECT_EQ(drawn.word_at(words - 1), defined_word(words - 1));
  EXPECT_THROW(drawn.word_at(words), Error);
  EXPECT_THROW(drawn.word_at(~std::uint64_t{0}), Error);
}

TEST(Rng, UniformAndBelowFollowTheDefinition) {
  Stream uniforms = stream(), limits = stream();
  for (std::uint64_t w = 0; w < 1000; ++w) {
    EXPECT_EQ(uniforms.uniform(), static_cast<float>(defined_word(w) / 256) / 16777216.0F);
    const std::uint32_t n = w % 5 == 0 ? 0xffffffff : static_cast<std::uint32_t>(w + 1);
    EXPECT_EQ(limits.below(n), static_cast<std::uint32_t>(static_cast<double>(defined_word(w)) * n / 4294967296.0));
  }
  EXPECT_THROW(limits.below(0), Error);
}

TEST(Rng, PermutationIsFisherYatesFromTheEnd) {
  for (const std::uint32_t n : {0U, 1U, 2U, 10U, 257U}) {
    std::vector<std::uint32_t> expected(n);
    for (std::uint32_t i = 0; i < n; ++i) expected[i] = i;
    Stream drawn = stream();
    for (std::uint32_t left = n; left > 1; --left) {
      const std::uint32_t other = drawn.below(left);
      const std::uint32_t last = expected[left - 1];
      expected[left - 1] = expected[other];
      expected[other] = last;
    }
    EXPECT_EQ(permutation(stream(), n), expected);
  }
}

TEST(Rng, NormalsFollowTheDefinition) {
  for (const std::size_t count : {0U, 1U, 2U, 127U, 128U, 129U, 300U}) {
    Stream drawn = stream();
    std::vector<float> values(count);
    drawn.normals(values);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t pair = i / 2;
      const float u1 = static_cast<float>(defined_word(2 * pair) / 256 + 1) / 16777216.0F;
      const float angle = 6.2831855F * (static_cast<float>(defined_word(2 * pair + 1) / 256) / 16777216.0F);
      const float radius = std::sqrt(-2.0F * log(u1));
      ASSERT_EQ(values[i], radius * (i % 2 == 0 ? cos(angle) : sin(angle))) << i << " of " << count;
    }
    EXPECT_EQ(drawn.word(), defined_word((count + 1) / 2 * 2)) << "after " << count;
  }
}

TEST(Rng, NormalsAreNormal) {
  std::vector<float> values(200'000);
  stream().normals(values);
  std::array<double, 5> moments{};
  for (const float value : values) {
    double power = 1;
    for (double& moment : moments) moment += power / static_cast<double>(values.size()), power *= value;
  }
  EXPECT_NEAR(moments[1], 0, 0.01);
  EXPECT_NEAR(moments[2], 1, 0.02);
  EXPECT_NEAR(moments[3], 0, 0.04);
  EXPECT_NEAR(moments[4], 3, 0.1);
}

TEST(Rng, NormalsAreTheSameBitsFromEveryKernelSet) {
  const std::string before(kernels::selected());
  for (const std::string& name : kernels::available()) {
    kernels::select(name);
    std::vector<float> values(4096);
    stream().normals(values);
    EXPECT_EQ(Sha256().add(std::span<const float>(values)).hex(),
              "54ad96bb6f9c4a485a47589dc127d60bf73108727ece2ec9488352b4c7ade7c4")
        << name;
  }
  kernels::select(before);
}

}  // namespace
}  // namespace hans::rng_test
