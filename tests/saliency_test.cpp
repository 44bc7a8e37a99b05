// Which features the saliency map attack picks.
#include <hans/attacks/saliency.hpp>

#include <gtest/gtest.h>

#include <algorithm>

#include <hans/core/rng.hpp>

namespace {

using namespace hans;

TEST(Saliency, TakesTheTwoLargestGradients) {
  Stream stream(31, "gradients");
  std::vector<real> g(50);
  std::vector<std::size_t> domain;
  for (std::size_t k = 0; k < 50; k += 2) domain.push_back(k);
  for (int round = 0; round < 200; ++round) {
    stream.normals(g);
    std::vector<std::size_t> sorted = domain;
    std::ranges::sort(sorted, [&](std::size_t a, std::size_t b) { return g[a] > g[b]; });
    const auto [low, high] = std::minmax(sorted[0], sorted[1]);
    const attacks::Pick pick = attacks::pick_by_gradient(g, domain, true);
    ASSERT_TRUE(pick.found);
    // A rounded sum may tie with another one; then the first pair counts.
    ASSERT_EQ(g[pick.first] + g[pick.second], g[low] + g[high]);
    ASSERT_LE(pick.first, low);
    ASSERT_EQ(attacks::pick_by_gradient(g, domain, false).first, sorted[0]);
  }
}

TEST(Saliency, GoesByTheFirstPairAmongEquals) {
  const std::vector<std::size_t> domain{1, 2, 4, 5, 7};
  const std::vector<real> equal(8, 1);
  const std::vector<real> down(8, -1);
  const std::vector<real> rounded{9, 1, 1 + 0x1p-23F, 9, 0x1p24F, 1, 9, 2};  // 2^24 + 1 rounds down, a little more up
  struct Row {
    attacks::Pick pick;
    std::size_t first, second;
  };
  const std::vector<Row> rows{
      {attacks::pick_by_gradient(equal, domain, true), 1, 2},
      {attacks::pick_by_gradient(equal, domain, false), 1, 1},
      {attacks::pick_by_jacobian(equal, down, domain, true), 1, 2},
      {attacks::pick_by_jacobian(equal, down, domain, false), 1, 1},
      {attacks::pick_by_gradient(rounded, domain, true), 2, 4},
      {attacks::pick_by_gradient(rounded, std::vector<std::size_t>{1, 4, 5}, true), 1, 4},
  };
  for (const Row& row : rows) {
    EXPECT_TRUE(row.pick.found);
    EXPECT_EQ(row.pick.first, row.first);
    EXPECT_EQ(row.pick.second, row.second);
  }
}

TEST(Saliency, FindsNothingWhereNothingIsAdmissible) {
  const std::vector<std::size_t> domain{0, 1, 2};
  const std::vector<real> up(3, 1);
  const std::vector<real> down(3, -1);
  const std::vector<real> zero{0, 0, -0.0F};
  for (const bool pairs : {true, false}) {
    EXPECT_FALSE(attacks::pick_by_gradient(down, domain, pairs).found);
    EXPECT_FALSE(attacks::pick_by_gradient(zero, domain, pairs).found);
    EXPECT_FALSE(attacks::pick_by_gradient(up, {}, pairs).found);
    EXPECT_FALSE(attacks::pick_by_jacobian(up, up, domain, pairs).found);
    EXPECT_FALSE(attacks::pick_by_jacobian(up, zero, domain, pairs).found);
    EXPECT_FALSE(attacks::pick_by_jacobian(down, down, domain, pairs).found);
    EXPECT_FALSE(attacks::pick_by_jacobian(zero, down, domain, pairs).found);
    EXPECT_FALSE(attacks::pick_by_jacobian(up, down, {}, pairs).found);
  }
  EXPECT_FALSE(attacks::pick_by_gradient(up, std::vector<std::size_t>{2}, true).found);
  // A score that underflows to 0 is still admissible.
  const std::vector<real> tiny{0, 1e-30F, 1e-30F};
  const std::vector<real> tiny_down{0, -1e-30F, -1e-30F};
  EXPECT_TRUE(attacks::pick_by_jacobian(tiny, tiny_down, domain, true).found);
  EXPECT_EQ(attacks::pick_by_jacobian(tiny, tiny_down, domain, false).first, 1U);
}

}  // namespace
