// Counter-based random numbers: any word of any stream can be computed independently.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <hans/core/real.hpp>

namespace hans {

/// Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

/// FNV-1a, 32 bits, of the bytes of a purpose's name.
std::uint32_t stream_id(std::string_view purpose);

/// The random words keyed by (seed, purpose, sample, step), drawn in rising order. Word w is word w mod 4 of Philox's
/// block w / 4, with counter (block, step, sample, stream) and key (low, high half of the seed).
class Stream {
 public:
  Stream(std::uint64_t seed, std::string_view purpose, std::uint32_t sample = 0, std::uint32_t step = 0);

  std::uint32_t word();                        ///< the next word
  std::uint32_t word_at(std::uint64_t index);  ///< word `index`; does not move the stream
  real uniform();                              ///< in [0, 1), 24 bits: (w >> 8) * 2^-24
  std::uint32_t below(std::uint32_t n);        ///< in [0, n): (uint64(w) * n) >> 32; n > 0

  /// Fills `values` with the next standard normal numbers by Box-Muller: two from each pair of words. An odd count
  /// discards the second number of its last pair.
  void normals(std::span<real> values);

 private:
  std::array<std::uint32_t, 2> key_;
  std::uint32_t step_, sample_, stream_;
  std::uint64_t next_ = 0;
  std::uint64_t block_ = ~std::uint64_t{0};
  std::array<std::uint32_t, 4> words_{};
};

/// A seed that names streams. Stateless: two uses never affect each other.
class Rng {
 public:
  explicit Rng(std::uint64_t seed) : seed_(seed) {}
  std::uint64_t seed() const { return seed_; }
  Stream stream(std::string_view purpose, std::uint32_t sample = 0, std::uint32_t step = 0) const {
    return {seed_, purpose, sample, step};
  }

 private:
  std::uint64_t seed_;
};

/// 0 .. n-1 shuffled by Fisher-Yates from the end: for i = n-1 down to 1 swap(i, below(i + 1)).
std::vector<std::uint32_t> permutation(Stream stream, std::uint32_t n);

}  // namespace hans
