// How much memory a network needs.
#include <hans/nn/memory.hpp>

#include <gtest/gtest.h>

#include <hans/core/error.hpp>
#include <hans/nn/models.hpp>

namespace hans::memory_test {
namespace {

TEST(Memory, GrowsWithTheBatchAndWithTheWork) {
  const nn::Sequential net = nn::Sequential::parse(
      "9x9x2;conv2d:filters=4,kernel=3;relu;average_pool2d:kernel=2;flatten;dropout:rate=0.5;linear:units=3", Rng(1));
  const nn::MemoryUse one = nn::memory_use(net, 1);
  const nn::MemoryUse many = nn::memory_use(net, 100);
  EXPECT_EQ(one.weights, net.parameters() * sizeof(real));
  EXPECT_EQ(many.weights, one.weights);
  for (const auto part : {&nn::MemoryUse::infer, &nn::MemoryUse::attack, &nn::MemoryUse::train}) {
    EXPECT_GT(many.*part, 20 * (one.*part));
    EXPECT_LT(many.*part, 100 * (one.*part) + 1);
  }
  // At the least the images and what the first layer gives; and the gradient's images once more.
  const std::size_t least = 100 * (9 * 9 * 2 + 7 * 7 * 4) * sizeof(real);
  EXPECT_GT(many.infer, least);
  EXPECT_GT(many.attack, many.infer);
  EXPECT_GT(many.train, many.infer);
  const nn::MemoryUse plain = nn::memory_use(net, 100, nn::Sgd{.rate = 0.1F});
  EXPECT_EQ(many.train - plain.train, 2 * net.parameters() * sizeof(real));  // the two averages
  EXPECT_THROW((void)nn::memory_use(net, 0), Error);
}

// The bound that the command's users can count on, without the 47 MB of MNIST.
TEST(Memory, TrainingTheReportsNetworkFitsASmallMachine) {
  const nn::MemoryUse use = nn::memory_use(nn::make_model("v1", Rng(1)), 128);
  EXPECT_LT(use.weights + use.train, 100U << 20);
}

}  // namespace
}  // namespace hans::memory_test
