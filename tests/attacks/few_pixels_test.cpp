// Attacks with few pixels and single steps, against what can be computed by hand.
#include <gtest/gtest.h>

#include <algorithm>

#include <hans/attacks/judge.hpp>
#include <hans/attacks/one_pixel.hpp>
#include <hans/attacks/rfgsm.hpp>
#include <hans/nn/evaluate.hpp>

#include "attacks_testing.hpp"

namespace hans::few_pixels_test {
namespace {

using namespace testing_attacks;
using attacks::Crafted;

TEST(OnePixel, FindsThePixelThatIsBestInAllOfTheBox) {
  // Two classes, linear: the best single change is known.
  nn::Sequential net(Shape{4, 4, 1}, Rng(4), flatten, nn::Linear{.units = 2U});
  data::Samples samples = random_samples({4, 4, 1}, 30, 2, 9);
  samples.labels = nn::predict(net, samples.images);
  const attacks::Attack one = attack("one-pixel:pixels=1,population=60,rounds=40");
  const Crafted made = one(net, samples, away_from(samples.labels));
  const attacks::Outcome found =
      attacks::judge(net, samples, made.images, away_from(samples.labels), one.budget(net.input(), samples.box));
  const real* weights = net.weights()[0].data();
  std::size_t possible = 0;
  for (std::size_t s = 0; s < samples.size(); ++s) {
    bool flips = false;
    for (std::size_t i = 0; i < 16; ++i) {
      for (const real value : {real{0}, real{1}}) {
        Tensor image(net.input().with_front(1), samples.images.rows(s, 1).values());
        image.mutable_data()[i] = value;
        flips = flips || nn::predict(net, image)[0] != samples.labels[s];
      }
    }
    possible += flips ? 1U : 0U;
    EXPECT_EQ(found.findings[s].success, flips) << s;
    EXPECT_LE(found.findings[s].distance.l0, 1U);
    if (flips) continue;
    // It then is the change that comes nearest to it, and nothing else was touched.
    const auto row = made.images.rows(s, 1).values();
    const auto label = static_cast<std::size_t>(samples.labels[s]);
    double best = 0, reached = 0;
    for (std::size_t i = 0; i < 16; ++i) {
      const double w = static_cast<double>(weights[2 * i + 1 - label]) - static_cast<double>(weights[2 * i + label]);
      const double x = static_cast<double>(samples.images.data()[16 * s + i]);
      best = std::max(best, std::max(w * (1 - x), -w * x));
      reached += w * (static_cast<double>(row[i]) - x);
    }
    EXPECT_GT(reached, 0.97 * best) << s;
  }
  EXPECT_GE(possible, 3U);
  EXPECT_LT(possible, samples.size());
}

TEST(OnePixel, ChangesWholePixelsAndCounts) {
  nn::Sequential net(Shape{5, 4, 3}, Rng(4), flatten, nn::Linear{.units = 3U});
  data::Samples samples = random_samples({5, 4, 3}, 5, 3, 9);
  samples.labels = nn::predict(net, samples.images);
  const attacks::Attack two = attack("one-pixel:pixels=2,population=7,rounds=3");
  EXPECT_EQ(two.budget(net.input(), samples.box).size, 6);
  const Crafted made = two(net, samples, away_from(samples.labels));
  for (std::size_t s = 0; s < samples.size(); ++s) {
    std::size_t pixels = 0;
    for (std::size_t p = 0; p < 20; ++p) {
      const std::size_t at = 60 * s + 3 * p;
      pixels += std::equal(made.images.data() + at, made.images.data() + at + 3, samples.images.data() + at) ? 0U : 1U;
    }
    EXPECT_LE(pixels, 2U);
    if (made.notes[s].stop == attacks::Stop::finished) {
      EXPECT_EQ(made.notes[s].forwards, 28U);
    }
    EXPECT_EQ(made.notes[s].gradients, 0U);
  }
  EXPECT_TRUE(contains(usage_error_of([] { attack("one-pixel:pixels=1,population=3"); }), "4"));
  EXPECT_TRUE(contains(usage_error_of([] { attack("one-pixel:pixels=0"); }), "pixels"));
  samples.box = {-infinity, infinity};
  EXPECT_TRUE(contains(usage_error_of([&] { two(net, samples, away_from(samples.labels)); }), "range"));
}

TEST(RFgsm, IsARandomStepAndOneOfTheGradient) {
  // A linear model of two classes has the same gradient everywhere.
  nn::Sequential net(Shape{6, 6, 1}, Rng(4), flatten, nn::Linear{.units = 2U});
  data::Samples samples = random_samples({6, 6, 1}, 8, 2, 9);
  samples.box = {-10, 10};
  const std::vector<int> read_as = nn::predict(net, samples.images);
  const real* weights = net.weights()[0].data();
  for (const bool uniform : {false, true}) {
    attacks::RFgsm made{.eps = 0.25F, .alpha = 0.0625F};
    if (uniform) made.start = attacks::Leap::uniform;
    attacks::CraftOptions options;
    options.to_the_end = true;
    const Crafted crafted = attacks::Attack(made)(net, samples, away_from(read_as), options);
    for (std::size_t s = 0; s < samples.size(); ++s) {
      for (std::size_t i = 0; i < 36; ++i) {
        const real x = samples.images.data()[36 * s + i];
        const real y = crafted.images.data()[36 * s + i];
        const real w = weights[2 * i + 1] - weights[2 * i];
        const real step = (read_as[s] == 0 ? w : -w) > 0 ? 0.0625F : -0.0625F;
        const real first = std::abs(y - x - step);
        if (uniform) {
          EXPECT_LE(std::abs(y - x), 0.25F + 1e-6F);
        } else {
          EXPECT_NEAR(first, 0.1875F, 1e-6F);
        }
      }
    }
  }
  EXPECT_EQ(parameter(attack("r-fgsm:eps=0.5").resolved({0, 1}), "alpha"), "0.25");
  EXPECT_EQ(parameter(attack("r-fgsm:eps=0.5,start=uniform").resolved({0, 1}), "alpha"), "0.625");
}

}  // namespace
}  // namespace hans::few_pixels_test
