// The kernels against plain loops of std::fma: equal to the last bit for every shape, set and thread count.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <hans/core/error.hpp>
#include <hans/core/kernels.hpp>
#include <hans/core/parallel.hpp>
#include <limits>
#include <string>
#include <utility>
#include <vector>
#include "../../core/kernels/detail/kernel_set.hpp"

#include "conv_testing.hpp"

namespace hans::kernels::kernels_test {
namespace {

Conv linear(std::size_t samples, std::size_t inputs, std::size_t outputs) {
  Conv c;
  c.samples = samples;
  c.channels = inputs;
  c.filters = outputs;
  return c;
}

Conv square(std::size_t samples, std::size_t channels, std::size_t filters, Dimension side) {
  return conv(samples, channels, filters, side, side);
}

std::vector<Conv> shapes() {
  std::vector<Conv> all = {
      linear(1, 1, 1),
      linear(1, 37, 10),
      linear(3, 200, 200),
      linear(17, 64, 16),
      linear(33, 128, 10),
      linear(130, 16, 37),
      linear(2, 10, 1),
      linear(19, 1100, 37),   // more than two blocks of depth, forward
      linear(19, 37, 1100),   // and back
      linear(15, 1024, 130),  // rows that fall on the same lines of the cache
      linear(9, 130, 1024),
      square(3, 1, 64, {28, 8, 2, 3, 3}),  // the report's network, 1 to 3
      square(2, 64, 128, {14, 6, 2, 0, 0}),
      square(17, 64, 37, {5, 5, 1, 0, 0}),
      square(33, 1, 10, {12, 5, 1, 0, 0}),  // a first layer, enough samples for lanes across them
      square(17, 3, 16, {8, 3, 1, 1, 1}),
      square(18, 3, 10, {9, 3, 2, 1, 0}),
      square(16, 2, 3, {7, 3, 3, 1, 1}),
      square(20, 1, 5, {6, 2, 3, 0, 0}),  // stride above kernel: inputs without a tap
      square(1, 1, 5, {6, 2, 3, 0, 0}),
      square(2, 16, 16, {7, 1, 1, 0, 0}),
      square(2, 10, 16, {7, 1, 2, 0, 0}),
      square(1, 37, 37, {5, 3, 1, 1, 1}),
      square(2, 16, 3, {3, 5, 1, 3, 3}),  // kernel larger than the image
      square(17, 1, 3, {3, 8, 2, 3, 3}),
      square(1, 3, 3, {2, 8, 1, 7, 7}),   // outputs whose taps are all but one in the padding
      square(2, 3, 17, {4, 2, 1, 2, 2}),  // outputs without any tap
      square(17, 3, 17, {4, 2, 2, 3, 3}),
      conv(2, 3, 10, {9, 5, 2, 3, 0}, {6, 2, 1, 0, 1}),
      conv(17, 1, 16, {5, 3, 1, 0, 1}, {11, 2, 3, 1, 0}),
      conv(3, 10, 33, {1, 1, 1, 0, 0}, {40, 8, 1, 3, 4}),
      conv(1, 200, 10, {4, 3, 1, 1, 1}, {3, 2, 2, 0, 0}),
      conv(40, 8, 24, {6, 3, 1, 1, 1}, {6, 3, 1, 1, 1}),
      conv(1, 1, 48, {40, 3, 1, 1, 1}, {40, 3, 1, 1, 1}),
  };
  // And whatever else fits together.
  Numbers random(7);
  const auto pick = [&random](std::initializer_list<std::size_t> from) {
    return from.begin()[random.below(from.size())];
  };
  while (all.size() < 80) {
    const auto side = [&] {
      return Dimension{1 + random.below(11), pick({1, 2, 3, 5, 8}), pick({1, 2, 3}), pick({0, 1, 3}),
                       pick({0, 1, 2, 3})};
    };
    const Dimension down = side(), across = side();
    if (down.size + down.pad + down.pad_end < down.kernel) continue;
    if (across.size + across.pad + across.pad_end < across.kernel) continue;
    const std::size_t samples = pick({1, 2, 3, 17, 33});
    const Conv c = conv(samples, pick({1, 3, 10, 16, 37, 64}), pick({1, 3, 10, 16, 37, 64}), down, across);
    if (output_size(c) * c.kernel_height * c.kernel_width * c.channels > 150000) continue;
    all.push_back(c);
  }
  return all;
}

TEST(Kernels, EverySetAndThreadCountEqualsPlainLoops) { expect_plain_loops(shapes()); }

TEST(Kernels, ASampleDoesNotDependOnItsBatch) {
  const Conv whole = square(35, 1, 24, {11, 4, 2, 1, 1});
  const Operands o = operands(whole, 99, false);
  const Results expected = naive(whole, o);
  for (const std::size_t count : {1u, 5u, 16u, 34u}) {
    Conv c = whole;
    c.samples = count;
    Values packed(forward_pack_size(c)), back(backward_pack_size(c));
    Values out(output_size(c)), dx(image_size(c));
    pack_forward(c, o.weights.data(), packed.data());
    conv_forward(c, o.images.data(), packed.data(), nullptr, Activation::none, out.data());
    pack_backward(c, o.weights.data(), back.data());
    conv_input_gradient(c, o.gradient.data(), back.data(), nullptr, dx.data());
    const auto first = [](const Values& all, std::size_t n) {
      return Values(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n));
    };
    expect_same(first(expected.plain, out.size()), out, "forward");
    expect_same(first(expected.input, dx.size()), dx, "input gradient");
  }
}

TEST(Kernels, FusedRoundsOnce) {
  const Setting setting;
  Numbers numbers(5);
  for (const std::string& name : available()) {
    select(name);
    const auto fused = current()->fused;
#ifndef HANS_DOUBLE
    EXPECT_EQ(fused(0.9474001f, 4.639901e-7f, -0.24325085f), -0x1.f22d46p-3f) << name;
#endif
    const real inf = std::numeric_limits<real>::infinity();
    const real largest = std::numeric_limits<real>::max();
    EXPECT_EQ(fused(largest, 2, -largest), largest) << name;
    EXPECT_EQ(fused(largest, 2, 0), inf) << name;
    EXPECT_TRUE(std::isnan(fused(inf, 0, 1))) << name;
    EXPECT_TRUE(std::isnan(fused(inf, 1, -inf))) << name;
    for (int i = 0; i < 200000; ++i) {
      // Any bits, and sums that nearly cancel or tie.
      real v[3];
      for (real& x : v) {
        const std::uint32_t bits = numbers.word();
        float any;
        std::memcpy(&any, &bits, sizeof any);
        x = real(any);
      }
      if (i % 2 == 0)
        v[2] = -(v[0] * v[1]) * (i % 4 == 0 ? real(1) : std::ldexp(real(1), static_cast<int>(numbers.below(60)) - 30));
      const real expected = std::fma(v[0], v[1], v[2]);
      ASSERT_TRUE(same(expected, fused(v[0], v[1], v[2])))
          << name << ": fma(" << v[0] << ", " << v[1] << ", " << v[2] << ") should be " << expected;
    }
  }
}

TEST(Kernels, SelectKnowsTheSets) {
  const Setting setting;
  ASSERT_FALSE(available().empty());
  EXPECT_EQ(available().back(), "portable");
  for (const std::string& name : available()) {
    select(name);
    EXPECT_EQ(selected(), name);
  }
  for (const char* const name : {"", "sse9", "Portable", "avx2 "}) {
    try {
      select(name);
      FAIL() << "'" << name << "' was accepted";
    } catch (const UsageError& error) {
      EXPECT_NE(std::string(error.what()).find("portable"), std::string::npos) << error.what();
    }
  }
}

TEST(Kernels, EnvironmentForcesASet) {
  const char* const forced = std::getenv("HANS_KERNELS");
  if (forced == nullptr) GTEST_SKIP() << "HANS_KERNELS is not set";
  EXPECT_EQ(selected(), forced);
}

}  // namespace
}  // namespace hans::kernels::kernels_test
