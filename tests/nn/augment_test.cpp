// Images changed at random before they are learnt from: against brute force, and the same bits in any run.
#include <hans/nn/augment.hpp>

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hans/core/parallel.hpp>

#include "fit_testing.hpp"

namespace hans::augment_test {
namespace {

using namespace testing_fit;
using nn::Augment;

/// Images of random numbers, none of them 0.
data::Samples random_images(const Shape& shape) {
  data::Samples samples{Tensor(shape), std::vector<int>(shape[0]), {}, {}};
  Stream stream(3, "pixels");
  for (real& pixel : samples.images.mutable_values()) pixel = (1 + stream.uniform()) / 2;
  for (std::uint32_t i = 0; i < shape[0]; ++i) samples.index.push_back(5 * i + 2);
  return samples;
}

TEST(Augment, IsWhatTheRandomNumbersSay) {
  for (const Shape& shape : {Shape{40, 5, 7, 1}, Shape{40, 4, 4, 3}, Shape{10, 1, 1, 2}, Shape{20, 6, 2, 2}}) {
    for (const Augment& augment : {Augment{}, Augment{.shift = 1}, Augment{.flip = true}, Augment{3, true}}) {
      if (augment.shift >= shape[1] || augment.shift >= shape[2]) continue;
      const data::Samples before = random_images(shape);
      data::Samples after = before;
      augment.apply(after, Rng(8), 6);
      const int height = static_cast<int>(shape[1]), width = static_cast<int>(shape[2]);
      const int channels = static_cast<int>(shape[3]), most = static_cast<int>(augment.shift);
      std::set<std::pair<int, int>> ways;
      int mirrored = 0;
      for (std::size_t s = 0; s < shape[0]; ++s) {
        Stream stream = Rng(8).stream("augment", before.index[s], 6);
        const int down = static_cast<int>(stream.below(2 * augment.shift + 1)) - most;
        const int right = static_cast<int>(stream.below(2 * augment.shift + 1)) - most;
        const bool mirror = augment.flip && stream.below(2) == 1;
        ways.insert({down, right});
        mirrored += mirror ? 1 : 0;
        const real* from = before.images.data() + s * shape.elements() / shape[0];
        const real* to = after.images.data() + s * shape.elements() / shape[0];
        for (int y = 0; y < height; ++y) {
          for (int x = 0; x < width; ++x) {
            const int row = y - down, moved = x - right;
            const bool inside = row >= 0 && row < height && moved >= 0 && moved < width;
            const int column = mirror ? width - 1 - moved : moved;
            for (int c = 0; c < channels; ++c) {
              const real expected = inside ? from[(row * width + column) * channels + c] : 0;
              ASSERT_EQ(to[(y * width + x) * channels + c], expected) << text(shape, " image ", s, " at ", y, ", ", x);
            }
          }
        }
      }
      EXPECT_EQ(ways.size() > 1, augment.shift > 0);
      EXPECT_EQ(mirrored > 0 && mirrored < static_cast<int>(shape[0]), augment.flip);
    }
  }
}

TEST(Augment, DependsOnSampleAndStepAlone) {
  const Augment augment{.shift = 2, .flip = true};
  data::Samples all = random_images({12, 6, 6, 1});
  data::Samples part = all.rows(5, 4);
  data::Samples other = all;
  augment.apply(all, Rng(8), 6);
  augment.apply(part, Rng(8), 6);
  EXPECT_TRUE(identical(part.images, all.rows(5, 4).images));
  augment.apply(other, Rng(8), 7);
  EXPECT_FALSE(identical(other.images, all.images));
}

struct Killed {};

TEST(Augment, GivesTheSameBitsWhenResumedAndInAnyNumberOfThreads) {
  const testing_data::TemporaryFolder folder;
  FitOptions options = short_run();
  const std::string plain = trained(options);
  options.augment = Augment{};
  EXPECT_EQ(trained(options), plain);
  options.augment = Augment{.shift = 1, .flip = true};
  const std::string whole = trained(options);
  EXPECT_NE(whole, plain);
  const std::size_t threads = thread_count();
  set_thread_count(threads == 1 ? 2 : 1);
  EXPECT_EQ(trained(options), whole);
  set_thread_count(threads);
  options.checkpoint = folder.path() / "run";
  options.checkpoint_steps = 4;
  options.progress = [](const nn::Progress& at) {
    if (at.step == 11) throw Killed{};
  };
  EXPECT_THROW((void)trained(options), Killed);
  options.progress = {};
  options.resume = true;
  EXPECT_EQ(trained(options), whole);
  options.augment = Augment{.shift = 2, .flip = true};
  EXPECT_TRUE(contains(refusal(options), "another run"));
}

TEST(Augment, IsInTheRecipe) {
  FitOptions options = short_run();
  options.augment = Augment::from_spec(Spec::parse("augment:flip=true,shift=1"));
  EXPECT_TRUE(contains(nn::recipe(options), " loss=cross_entropy:smoothing=0 augment=augment:shift=1,flip=true seed=9"))
      << nn::recipe(options);
}

TEST(Augment, RefusesWhatItCannotDo) {
  struct Case {
    std::string_view spec, says;
  };
  for (const Case& one :
       {Case{"shift:pixels=1", "augment"}, Case{"augment@2:shift=1", "augment"}, Case{"augment:shift=-1", "shift"},
        Case{"augment:shift=0.5", "shift"}, Case{"augment:flip=2", "flip"}, Case{"augment:turn=90", "shift"}}) {
    const std::string error = testing_data::error_of([&] { (void)Augment::from_spec(Spec::parse(one.spec)); });
    EXPECT_TRUE(contains(error, one.says)) << one.spec << error;
    EXPECT_EQ(error.find('\n'), std::string::npos);
  }
  FitOptions options = short_run();
  options.augment = Augment{.shift = 6};
  EXPECT_EQ(refusal(options), "augment: images of 6x6 pixels move by fewer than that, not by 6");
}

}  // namespace
}  // namespace hans::augment_test
