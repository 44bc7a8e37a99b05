// Philox and the distributions drawn from it.
#include <cmath>
#include <hans/core/error.hpp>
#include <hans/core/rng.hpp>
#include <utility>
#include "kernels/detail/kernel_set.hpp"

namespace hans {

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t first = std::uint64_t{0xd2511f53} * counter[0];
    const std::uint64_t second = std::uint64_t{0xcd9e8d57} * counter[2];
    counter = {static_cast<std::uint32_t>(second >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(second),
               static_cast<std::uint32_t>(first >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(first)};
    key[0] += 0x9e3779b9;  // the golden ratio
    key[1] += 0xbb67ae85;  // the square root of 3, minus 1
  }
  return counter;
}

std::uint32_t stream_id(std::string_view purpose) {
  std::uint32_t hash = 0x811c9dc5;
  for (const char c : purpose) hash = (hash ^ static_cast<unsigned char>(c)) * 0x01000193;
  return hash;
}

Stream::Stream(std::uint64_t seed, std::string_view purpose, std::uint32_t sample, std::uint32_t step)
    : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
      step_(step),
      sample_(sample),
      stream_(stream_id(purpose)) {}

std::uint32_t Stream::word_at(std::uint64_t index) {
  const std::uint64_t block = index / 4;
  if (block != block_) {
    check(block >> 32 == 0, "word ", index, " of a random stream was asked for, but a stream has only 2^34; ",
          "use another purpose, sample or step");
    words_ = philox({static_cast<std::uint32_t>(block), step_, sample_, stream_}, key_);
    block_ = block;
  }
  return words_[index % 4];
}

std::uint32_t Stream::word() {
  const std::uint32_t word = word_at(next_);
  ++next_;
  return word;
}

real Stream::uniform() { return static_cast<real>(word() >> 8) * real{0x1p-24F}; }

std::uint32_t Stream::below(std::uint32_t n) {
  check(n > 0, "a random number below 0 was asked for; the limit must be at least 1");
  return static_cast<std::uint32_t>(std::uint64_t{word()} * n >> 32);
}

void Stream::normals(std::span<real> values) {
  constexpr std::size_t most = 64;  // pairs per batch, so that the functions run over arrays
  constexpr auto full_turn = static_cast<real>(6.283185307179586);
  const kernels::Set& functions = *kernels::current();
  std::array<real, most> radius, angle, cosine, sine;
  for (std::size_t start = 0; start < values.size(); start += 2 * most) {
    const std::size_t count = values.size() - start < 2 * most ? values.size() - start : 2 * most;
    const std::size_t pairs = (count + 1) / 2;
    for (std::size_t i = 0; i < pairs; ++i) {
      radius[i] = static_cast<real>((word() >> 8) + 1) * real{0x1p-24F};
      angle[i] = full_turn * uniform();
    }
    functions.log(radius.data(), radius.data(), pairs);
    functions.cos(angle.data(), cosine.data(), pairs);
    functions.sin(angle.data(), sine.data(), pairs);
    for (std::size_t i = 0; i < pairs; ++i) radius[i] = std::sqrt(-2 * radius[i]);
    for (std::size_t i = 0; i < count; ++i) {
      values[start + i] = radius[i / 2] * (i % 2 == 0 ? cosine[i / 2] : sine[i / 2]);
    }
  }
}

std::vector<std::uint32_t> permutation(Stream stream, std::uint32_t n) {
  std::vector<std::uint32_t> order(n);
  for (std::uint32_t i = 0; i < n; ++i) order[i] = i;
  for (std::uint32_t i = n; i-- > 1;) std::swap(order[i], order[stream.below(i + 1)]);
  return order;
}

}  // namespace hans
