// The checker's bounds equal those of plain matrices.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "proof_testing.hpp"

namespace hans::checker_matrices_test {
namespace {

using proof_testing::Subject;

/// A network of linear layers with relus between, in plain matrices. Of rounding, only that of float32 programs counts.
struct Plain {
  using Row = std::vector<double>;
  struct Leaf {
    std::map<std::size_t, std::pair<int, double>> splits = {};  ///< of units: side and multiplier
    std::map<std::size_t, double> slopes = {};
  };

  std::vector<std::vector<Row>> weights;  ///< of each layer: a row for each output
  std::vector<Row> biases;
  Row low, high;                 ///< of the image
  std::vector<Row> lows, highs;  ///< of the inputs of relus, layer by layer
  std::vector<Row> misses;       ///< of each layer's outputs: by how much float32 may miss the sum of its operands
  std::map<std::size_t, double> ties;

  Plain(const Subject& subject, std::size_t row, std::map<std::size_t, double> slopes = {}) : ties(std::move(slopes)) {
    const std::span<const Tensor> all = subject.net.weights();
    for (std::size_t k = 0; k < all.size(); k += 2) {
      const std::size_t inputs = all[k].shape()[0], units = all[k].shape()[1];
      weights.emplace_back(units, Row(inputs));
      for (std::size_t u = 0; u < units; ++u) {
        for (std::size_t i = 0; i < inputs; ++i) weights.back()[u][i] = all[k].values()[i * units + u];
      }
      biases.emplace_back(all[k + 1].values().begin(), all[k + 1].values().end());
    }
    const std::size_t features = weights[0][0].size();
    for (const float x : subject.samples.images.values().subspan(row * features, features)) {
      low.push_back(std::max(0.0, double{x} - double{subject.file.eps}));
      high.push_back(std::min(1.0, double{x} + double{subject.file.eps}));
    }
    for (std::size_t k = 0; k < weights.size(); ++k) {
      Row below, above;
      misses.emplace_back(weights[k].size());
      for (std::size_t u = 0; u < weights[k].size(); ++u) {
        double least = biases[k][u], most = least, size = std::abs(least), alive = 0;
        for (std::size_t i = 0; i < weights[k][u].size(); ++i) {
          const double l = k == 0 ? low[i] : std::max(lows[k - 1][i], 0.0), w = weights[k][u][i];
          const double h = k == 0 ? high[i] : std::max(highs[k - 1][i], 0.0);
          least += w > 0 ? w * l : w * h;
          most += w > 0 ? w * h : w * l;
          size += std::abs(w) * h;
          alive += h > 0 ? 1 : 0;
        }
        const double n = alive + 2, miss = n * 0x1p-24 / (1 - n * 0x1p-24) * size;
        misses.back()[u] = miss;
        least -= miss;
        most += miss;
        Row one(weights[k].size());
        one[u] = 1;
        const bool open = least < 0 && most > 0;
        below.push_back(open ? std::max(least, lower(k, one, {}).second) : least);
        one[u] = -1;
        above.push_back(open ? std::min(most, -lower(k, one, {}).second) : most);
      }
      if (k + 1 == weights.size()) break;
      lows.push_back(below);
      highs.push_back(above);
    }
  }

  /// Lower bounds of a form of the outputs of a layer, in real arithmetic and in float32.
  std::pair<double, double> lower(std::size_t layer, Row form, const Leaf& leaf) const {
    double bound = 0, missed = 0;
    for (std::size_t k = layer + 1; k-- > 0;) {
      Row next(weights[k][0].size());
      for (std::size_t u = 0; u < form.size(); ++u) {
        bound += form[u] * biases[k][u];
        missed += std::abs(form[u]) * misses[k][u];
        for (std::size_t i = 0; i < next.size(); ++i) next[i] += form[u] * weights[k][u][i];
      }
      form = next;
      std::size_t first = 0;
      for (std::size_t before = 0; before + 1 < k; ++before) first += lows[before].size();
      for (std::size_t i = 0; k > 0 && i < form.size(); ++i) {
        const double l = lows[k - 1][i], h = highs[k - 1][i];
        const auto slope = leaf.slopes.find(first + i), tie = ties.find(first + i);
        const auto split = leaf.splits.find(first + i);
        if (split != leaf.splits.end()) {
          form[i] = (split->second.first > 0 ? form[i] : 0) - split->second.first * split->second.second;
        } else if (h <= 0) {
          form[i] = 0;
        } else if (l < 0 && form[i] >= 0) {
          form[i] *= slope != leaf.slopes.end() ? slope->second : tie != ties.end() ? tie->second : h > -l ? 1 : 0;
        } else if (l < 0) {
          bound -= form[i] * h / (h - l) * l;
          form[i] *= h / (h - l);
        }
      }
    }
    for (std::size_t i = 0; i < form.size(); ++i) bound += form[i] > 0 ? form[i] * low[i] : form[i] * high[i];
    return {bound, bound - missed};
  }

  std::pair<double, double> margin(std::size_t label, std::size_t other, const Leaf& leaf) const {
    Row form(weights.back().size());
    form[label] = 1;
    form[other] = -1;
    return lower(weights.size() - 1, form, leaf);
  }
};

using Pair = std::pair<double, double>;

/// The smaller of each.
Pair least_of(std::initializer_list<Pair> all) {
  Pair least(HUGE_VAL, HUGE_VAL);
  for (const Pair& one : all) least = {std::min(least.first, one.first), std::min(least.second, one.second)};
  return least;
}

TEST(CheckerMatrices, BoundsAreThoseOfPlainMatrices) {
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U, 5U}) {
    Subject subject("5x1x1;flatten;linear:units=9;relu;linear:units=7;relu;linear:units=3", seed);
    subject.file.eps = 0.4F;
    const auto label = static_cast<std::size_t>(subject.samples.labels[0]);
    const std::size_t others[] = {label == 0 ? 1U : 0U, label == 2 ? 1U : 2U};
    const Plain plain(subject, 0);
    const auto expect = [&](const Pair& bounds) {
      const checker::Proved found = subject.check()[0];
      const double size = 1e-10 * (1 + std::abs(bounds.first));
      EXPECT_NEAR(found.bound, bounds.first, size) << seed;
      EXPECT_NEAR(found.bound - found.rounding, bounds.second, size) << seed;
      EXPECT_LT(bounds.second, bounds.first);
    };
    expect(least_of({plain.margin(label, others[0], {}), plain.margin(label, others[1], {})}));
    const std::vector<std::int32_t> units = subject.unstable(0);
    ASSERT_GE(units.size(), 2U);
    // The first class is split at two units, the second has slopes.
    const auto one = static_cast<std::size_t>(units.front()), two = static_cast<std::size_t>(units.back());
    subject.set_tree(0, {units.front(), -1, units.back(), -1, -1, -2});
    subject.set_slope_units(0, units);
    subject.file.multipliers = {0.25F, 0.5F, 0.125F, 0.0625F, 0.75F};
    Plain::Leaf given;
    for (std::size_t k = 0; k < units.size(); ++k) {
      subject.file.slopes.push_back(static_cast<std::uint8_t>(51 * k % 256));
      given.slopes[static_cast<std::size_t>(units[k])] = static_cast<double>(51 * k % 256) / 255;
    }
    expect(least_of({plain.margin(label, others[0], {{{one, {1, 0.25}}}}),
                     plain.margin(label, others[0], {{{one, {-1, 0.5}}, {two, {1, 0.125}}}}),
                     plain.margin(label, others[0], {{{one, {-1, 0.0625}}, {two, {-1, 0.75}}}}),
                     plain.margin(label, others[1], given)}));
    // Ties replace the adaptive rule, also in the bounds of units.
    subject.set_tree(0, {-1, -1});
    subject.set_slope_units(0, {});
    subject.file.multipliers.clear();
    subject.file.slopes.clear();
    std::vector<std::int32_t> ties;
    std::map<std::size_t, double> slopes;
    for (const std::int32_t unit : units) {
      ties.push_back(2 * unit + (unit % 2));
      slopes[static_cast<std::size_t>(unit)] = unit % 2;
    }
    subject.set_ties(0, ties);
    const Plain tied(subject, 0, slopes);
    expect(least_of({tied.margin(label, others[0], {}), tied.margin(label, others[1], {})}));
  }
}

/// Splits at all these units, one below the other on both sides; every third leaf has slopes.
void split_all(std::span<const std::int32_t> units, const Plain::Leaf& above, std::vector<std::int32_t>& nodes,
               std::vector<Plain::Leaf>& leaves) {
  if (units.empty()) {
    nodes.push_back(leaves.size() % 3 == 1 ? -2 : -1);
    return leaves.push_back(above);
  }
  nodes.push_back(units[0]);
  for (const int side : {1, -1}) {
    Plain::Leaf below = above;
    below.splits[static_cast<std::size_t>(units[0])] = {side, 0};
    split_all(units.subspan(1), below, nodes, leaves);
  }
}

TEST(CheckerMatrices, ManyLeavesAreBoundedEachOnItsOwn) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    Subject subject("5x1x1;flatten;linear:units=9;relu;linear:units=7;relu;linear:units=3", seed);
    subject.file.eps = 0.4F;
    std::vector<std::int32_t> units = subject.unstable(0);
    // Nothing depends on the first unit, but its multipliers count.
    const auto weights = subject.net.mutable_weights()[2].mutable_values();
    ASSERT_LT(units.at(0), 9);
    std::ranges::fill(weights.subspan(static_cast<std::size_t>(units[0]) * 7, 7), 0.0F);
    units = subject.unstable(0);
    std::vector<std::int32_t> nodes;
    std::vector<Plain::Leaf> leaves;
    const auto some = std::span(units).first(std::min<std::size_t>(units.size(), 3));
    ASSERT_EQ(some.size(), 3U);
    for (int tree = 0; tree < 2; ++tree) split_all(some, {}, nodes, leaves);
    subject.set_tree(0, nodes);
    subject.set_slope_units(0, units);
    const auto label = static_cast<std::size_t>(subject.samples.labels[0]);
    const Plain plain(subject, 0);
    double least = HUGE_VAL;
    for (std::size_t k = 0; k < leaves.size(); ++k) {
      for (const std::int32_t unit : some) {
        subject.file.multipliers.push_back(static_cast<float>((5 * k + 3 * static_cast<std::size_t>(unit)) % 8) / 16);
        leaves[k].splits[static_cast<std::size_t>(unit)].second = double{subject.file.multipliers.back()};
      }
      for (std::size_t n = 0; k % 3 == 1 && n < units.size(); ++n) {
        subject.file.slopes.push_back(static_cast<std::uint8_t>(37 * (k + n) % 256));
        leaves[k].slopes[static_cast<std::size_t>(units[n])] = subject.file.slopes.back() / 255.0;
      }
      const std::size_t other = k < leaves.size() / 2 ? (label == 0 ? 1 : 0) : (label == 2 ? 1 : 2);
      least = std::min(least, plain.margin(label, other, leaves[k]).first);
    }
    EXPECT_NEAR(subject.check()[0].bound, least, 1e-10 * (1 + std::abs(least))) << seed;
  }
}

}  // namespace
}  // namespace hans::checker_matrices_test
