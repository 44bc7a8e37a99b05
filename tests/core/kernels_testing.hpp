// What the tests of the kernels have in common.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <hans/core/kernels.hpp>
#include <hans/core/parallel.hpp>
#include <limits>
#include <string>
#include <vector>

namespace hans::kernels {

using Values = std::vector<real>;

/// A small generator, so that these tests need nothing but the kernels.
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed * 2 + 1) {}

  std::uint32_t word() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(state_ >> 32);
  }
  std::size_t below(std::size_t n) { return word() % n; }

  /// Mostly ordinary values, some zeros of both signs, some so small that products underflow (also to -0,
  /// where adding a product with 0 would show), and in wild data infinities and NaNs.
  real value(bool wild) {
    const real sign = word() % 2 == 0 ? real(1) : real(-1);
    const std::uint32_t kind = word() % 64;
    if (kind < 6) return sign * real(0);
    if (kind < 24) return sign * std::ldexp(real(word() % 1000), -80 - static_cast<int>(word() % 60));
    if (wild && kind == 24) return sign * std::numeric_limits<real>::infinity();
    if (wild && kind == 25) return std::numeric_limits<real>::quiet_NaN();
    return sign * real(word() % 65536) / real(32768);
  }
  Values values(std::size_t count, bool wild) {
    Values made(count);
    for (real& x : made) x = value(wild);
    return made;
  }

 private:
  std::uint64_t state_;
};

inline bool same(real x, real y) {
  if (std::isnan(x) || std::isnan(y)) return std::isnan(x) && std::isnan(y);
  return std::memcmp(&x, &y, sizeof x) == 0;
}

/// Fails with the first difference only.
inline void expect_same(const Values& expected, const Values& got, const std::string& what) {
  ASSERT_EQ(expected.size(), got.size()) << what;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_TRUE(same(expected[i], got[i])) << what << ": element " << i << " of " << expected.size() << " should be "
                                           << expected[i] << " and is " << got[i];
  }
}

/// A buffer with untouchable ends, filled with what no kernel may leave.
class Guarded {
 public:
  explicit Guarded(std::size_t size) : all_(size + 2 * margin, real(12345)) {}
  real* data() { return all_.data() + margin; }
  Values values() const { return Values(all_.begin() + margin, all_.end() - margin); }
  bool intact() const {
    for (std::size_t i = 0; i < margin; ++i) {
      if (all_[i] != real(12345) || all_[all_.size() - 1 - i] != real(12345)) return false;
    }
    return true;
  }

 private:
  static constexpr std::ptrdiff_t margin = 32;
  Values all_;
};

/// Puts the kernel set and the thread count back.
class Setting {
 public:
  Setting() : set_(selected()), threads_(thread_count()) {}
  ~Setting() {
    select(set_);
    set_thread_count(threads_);
  }
  Setting(const Setting&) = delete;
  Setting& operator=(const Setting&) = delete;

 private:
  std::string set_;
  std::size_t threads_;
};

}  // namespace hans::kernels
