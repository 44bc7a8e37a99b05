// Max pooling and its gradient against plain loops: equal to the last bit for every set and thread count.
#include <hans/core/kernels.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kernels_testing.hpp"

namespace hans::kernels::pooling_test {
namespace {

struct Pooled {
  Values out, image_gradient;
};

Pooled plain_loops(const Pooling& p, const Values& images, const Values& gradient, bool positive_only) {
  Pooled made{Values(p.samples * p.out_height * p.out_width * p.channels), Values(images.size())};
  for (std::size_t o = 0; o < made.out.size(); ++o) {
    const std::size_t channel = o % p.channels, pixel = o / p.channels;
    const std::size_t x = pixel % p.out_width * p.stride_width, row = pixel / p.out_width;
    const std::size_t y = row % p.out_height * p.stride_height, sample = row / p.out_height;
    const auto at = [&](std::size_t tap) {
      return ((sample * p.height + y + tap / p.kernel_width) * p.width + x + tap % p.kernel_width) * p.channels +
             channel;
    };
    std::size_t best = at(0);
    for (std::size_t tap = 1; tap < p.kernel_height * p.kernel_width; ++tap) {
      if (images[at(tap)] > images[best]) best = at(tap);
    }
    made.out[o] = images[best];
    for (std::size_t tap = 0; tap < p.kernel_height * p.kernel_width; ++tap) {
      if (images[at(tap)] != made.out[o]) continue;
      if (!positive_only || made.out[o] > 0) made.image_gradient[at(tap)] += gradient[o];
      break;
    }
  }
  return made;
}

TEST(Pooling, EqualsPlainLoops) {
  const Setting setting;
  struct Case {
    std::size_t samples, height, width, channels, kernel, stride;
  };
  const std::vector<Case> cases{{5, 8, 6, 32, 2, 2}, {2, 9, 7, 37, 2, 2}, {3, 7, 7, 3, 3, 2}, {2, 6, 9, 16, 3, 3},
                                {1, 5, 5, 1, 2, 1},  {2, 7, 8, 20, 2, 3}, {4, 4, 4, 5, 4, 4}, {1, 3, 4, 8, 1, 1}};
  for (const std::string& set : available()) {
    select(set);
    for (const std::size_t threads : {1u, 2u, 3u}) {
      set_thread_count(threads);
      for (const Case& c : cases) {
        Pooling p;
        p.samples = c.samples;
        p.height = c.height;
        p.width = c.width;
        p.channels = c.channels;
        p.kernel_height = p.kernel_width = c.kernel;
        p.stride_height = p.stride_width = c.stride;
        p.out_height = (c.height - c.kernel) / c.stride + 1;
        p.out_width = (c.width - c.kernel) / c.stride + 1;
        Numbers numbers(c.height + c.channels);
        Values images = numbers.values(p.samples * p.height * p.width * p.channels, true);
        for (std::size_t i = 3; i < images.size(); i += 5) images[i] = images[i - 1];  // ties
        const Values gradient = numbers.values(p.samples * p.out_height * p.out_width * p.channels, true);
        for (const bool positive_only : {false, true}) {
          const std::string what = set + ", " + std::to_string(threads) + " threads, " + std::to_string(c.kernel) +
                                   "/" + std::to_string(c.stride) + " on " + std::to_string(c.channels) + " channels";
          const Pooled expected = plain_loops(p, images, gradient, positive_only);
          Guarded out(gradient.size()), dx(images.size());
          max_pool(p, images.data(), out.data());
          expect_same(expected.out, out.values(), what);
          max_pool_gradient(p, images.data(), out.data(), gradient.data(), positive_only, dx.data());
          expect_same(expected.image_gradient, dx.values(), what + ", gradient");
          EXPECT_TRUE(out.intact() && dx.intact()) << what << " wrote outside its buffer";
        }
      }
    }
  }
}

}  // namespace
}  // namespace hans::kernels::pooling_test
