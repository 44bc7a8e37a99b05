// Small networks, and proofs about them that can be changed.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include <hans/core/hash.hpp>
#include <hans/nn/model_file.hpp>
#include "../../../apps/checker/network.hpp"
#include "../../../apps/manifest/claimed_proofs.hpp"
#include "../../nn/network_testing.hpp"

namespace proof_testing {

using namespace hans;
using defenses::ProofFile;

/// A network, images of which it is sure, and proofs about them.
struct Subject {
  nn::Sequential net;
  data::Samples samples;
  ProofFile file;

  /// Images in which the best class leads most, of 100.
  Subject(std::string_view architecture, std::uint64_t seed, std::size_t count = 1)
      : net(network_testing::changed(architecture, seed)) {
    const Tensor images = network_testing::random_images(net.input().with_front(100));
    const Tensor logits = network_testing::logits(net, images);
    const std::size_t classes = net.classes();
    std::vector<std::pair<double, std::size_t>> leads;
    std::vector<int> labels;
    for (std::size_t k = 0; k < 100; ++k) {
      std::vector<float> row(logits.values().begin() + static_cast<std::ptrdiff_t>(k * classes),
                             logits.values().begin() + static_cast<std::ptrdiff_t>((k + 1) * classes));
      labels.push_back(static_cast<int>(std::ranges::max_element(row) - row.begin()));
      std::ranges::sort(row);
      leads.emplace_back(row[classes - 2] - row[classes - 1], k);
    }
    std::ranges::sort(leads);
    std::vector<std::size_t> which;
    for (std::size_t k = 0; k < count; ++k) which.push_back(leads[k].second);
    std::vector<std::uint32_t> index(100);
    for (std::uint32_t k = 0; k < 100; ++k) index[k] = k;
    std::ranges::sort(which);
    samples = data::Samples{images, labels, index, {}}.select(which);
    file.version = "test";
    file.eps = 0.1F;
    const std::size_t features = net.input().elements();
    for (std::size_t k = 0; k < count; ++k) {
      file.index.push_back(samples.index[k]);
      file.labels.push_back(samples.labels[k]);
      file.image_sha256.push_back(Sha256().add(samples.images.values().subspan(k * features, features)).hex());
      file.bound.push_back(1e-30);
      file.ties_of.push_back(0);
      file.slope_units_of.push_back(0);
      set_tree(k, std::vector<std::int32_t>(classes - 1, -1));
    }
  }

  std::string model() const { return nn::dump_model(nn::Model{net}); }

  void set_tree(std::size_t row, const std::vector<std::int32_t>& nodes) { set(file.tree, file.tree_of, row, nodes); }
  void set_slope_units(std::size_t row, const std::vector<std::int32_t>& units) {
    set(file.slope_units, file.slope_units_of, row, units);
  }
  void set_ties(std::size_t row, const std::vector<std::int32_t>& ties) { set(file.ties, file.ties_of, row, ties); }

  std::vector<std::int32_t> tree(std::size_t row) const {
    return {file.tree.begin() + file.tree_of[row], file.tree.begin() + file.tree_of[row + 1]};
  }

  std::vector<checker::Proved> check(std::size_t threads = 1) const {
    return checker::check_proofs(model(), "the model", apps::claimed_proofs(file, samples), threads);
  }

  /// The largest eps of a few at which bounds are positive.
  void shrink_eps() {
    const auto proved = [](const checker::Proved& one) { return one.reason.empty(); };
    for (file.eps = 0.5F; !std::ranges::all_of(check(), proved); file.eps *= 0.8F) ASSERT_GT(file.eps, 1e-6F);
  }

  /// Claims the checker's own bounds.
  void claim() {
    const std::vector<checker::Proved> checked = check();
    for (std::size_t k = 0; k < checked.size(); ++k) file.bound[k] = checked[k].bound;
  }

  /// The units that may be on either side of 0: those that may be split.
  std::vector<std::int32_t> unstable(std::size_t row) const {
    constexpr std::int32_t most = 200;
    std::vector<std::vector<std::int32_t>> trees;
    checker::Proofs proofs = apps::claimed_proofs(file, samples);
    const checker::Proof proof = proofs.all[row];
    proofs.all.clear();
    for (std::int32_t unit = 0; unit < most; ++unit) {
      trees.emplace_back(net.classes() + 1, -1)[0] = unit;
      proofs.all.push_back(proof);
    }
    const std::vector<float> multipliers(2 * most, 0.0F);
    proofs.multipliers = multipliers;
    proofs.slopes = {};
    for (std::size_t k = 0; k < most; ++k) proofs.all[k].tree = trees[k];
    const std::vector<checker::Proved> checked = checker::check_proofs(model(), "the model", proofs, 1);
    std::vector<std::int32_t> found;
    for (std::int32_t unit = 0; unit < most; ++unit) {
      const std::string_view reason = checked[static_cast<std::size_t>(unit)].reason;
      if (reason == "no such unit") break;
      if (reason != "a stable unit is split") found.push_back(unit);
    }
    return found;
  }

 private:
  /// Replaces the part of a list that a row owns.
  static void set(std::vector<std::int32_t>& list, std::vector<std::int64_t>& offsets, std::size_t row,
                  const std::vector<std::int32_t>& part) {
    if (offsets.size() == row + 1) offsets.push_back(offsets.back());
    const auto at = list.erase(list.begin() + offsets[row], list.begin() + offsets[row + 1]);
    list.insert(at, part.begin(), part.end());
    const std::int64_t more = static_cast<std::int64_t>(part.size()) - (offsets[row + 1] - offsets[row]);
    for (std::size_t k = row + 1; k < offsets.size(); ++k) offsets[k] += more;
  }
};

}  // namespace proof_testing
