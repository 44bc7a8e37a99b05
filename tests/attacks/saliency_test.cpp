// Which features the saliency map attack picks.
#include "../../attacks/tools/detail/saliency.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <tuple>
#include <utility>
#include <vector>

#include <hans/core/rng.hpp>

namespace hans::saliency_test {
namespace {

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

attacks::Pick pick_by_brute_force(std::span<const real> a, std::span<const real> b) {
  attacks::Pick best;
  real best_score = -1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = i + 1; j < a.size(); ++j) {
      const real t = a[i] + a[j];
      const real o = b[i] + b[j];
      if (!(t > 0 && o < 0) || -(t * o) <= best_score) continue;
      best = {true, i, j};
      best_score = -(t * o);
    }
  }
  return best;
}

TEST(Saliency, LeavesOutNoPairThatCounts) {
  constexpr real infinity = std::numeric_limits<real>::infinity();
  constexpr real least = std::numeric_limits<real>::denorm_min();
  Stream stream(32, "pairs");
  const auto below = [&](std::uint32_t n) { return static_cast<real>(stream.below(n)); };
  struct Kind {
    const char* name;
    std::function<std::pair<real, real>(std::size_t)> draw;
  };
  std::vector<real> normals(2 * 784);
  const std::vector<Kind> kinds{
      {"normals", [&](std::size_t k) { return std::pair(normals[2 * k], normals[2 * k + 1]); }},
      {"others against the target, as gradients are",
       [&](std::size_t k) { return std::pair(normals[2 * k], normals[2 * k + 1] / 8 - normals[2 * k]); }},
      {"a few large ones", [&](std::size_t k) { return std::pair(std::pow(normals[2 * k], 9), normals[2 * k + 1]); }},
      {"many ties",
       [&](std::size_t) {
         const real a = below(3) - 1;
         return std::pair(a, below(3) - 1);
       }},
      {"all the same", [](std::size_t) { return std::pair(real{1}, real{-1}); }},
      {"nothing admissible", [](std::size_t) { return std::pair(real{-1}, real{1}); }},
      {"every score underflows",
       [&](std::size_t) {
         const real a = real(1e-30) * below(9);
         return std::pair(a, least * -below(9));
       }},
      {"whole numbers",
       [&](std::size_t) {
         const real a = below(2001) - 1000;
         return std::pair(a, below(2001) - 1000);
       }},
      {"infinities",
       [&](std::size_t k) {
         const real far = infinity * (below(2) - real{0.5});
         return std::pair(below(9) == 0 ? far : normals[2 * k], below(9) == 0 ? far : normals[2 * k + 1]);
       }},
  };
  for (const std::size_t n : {0U, 1U, 2U, 3U, 16U, 33U, 201U, 784U}) {
    std::vector<std::size_t> domain(n);
    std::iota(domain.begin(), domain.end(), std::size_t{0});
    for (const Kind& kind : kinds) {
      for (int round = 0; round < (n < 300 ? 20 : 2); ++round) {
        stream.normals(normals);
        std::vector<real> a(n), b(n);
        for (std::size_t k = 0; k < n; ++k) std::tie(a[k], b[k]) = kind.draw(k);
        const attacks::Pick expected = pick_by_brute_force(a, b);
        const attacks::Pick found = attacks::pick_by_jacobian(a, b, domain, true);
        ASSERT_EQ(found.found, expected.found) << kind.name << ", n " << n;
        ASSERT_EQ(found.first, expected.first) << kind.name << ", n " << n;
        ASSERT_EQ(found.second, expected.second) << kind.name << ", n " << n;
      }
    }
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
}  // namespace hans::saliency_test
