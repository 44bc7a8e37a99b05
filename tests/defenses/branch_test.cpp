// Branch and bound from inside: searches that begin anew within closer bounds.
#include <gtest/gtest.h>

#include <algorithm>

#include <hans/core/rng.hpp>
#include <hans/defenses/certify.hpp>
#include <hans/nn/evaluate.hpp>

#include "../../defenses/certify/detail/branch.hpp"
#include "../../nn/bounds/detail/build.hpp"
#include "../../nn/bounds/detail/tighten.hpp"

namespace hans::branch_test {
namespace {

namespace bounds = nn::bounds;
using defenses::Branch;
using defenses::Tree;

constexpr const char* deep =
    "6x1x1;flatten;linear:units=16;relu;linear:units=16;relu;linear:units=16;relu;linear:units=3";
constexpr const char* flat = "6x1x1;flatten;linear:units=24;relu;linear:units=3";

nn::Sequential network(const char* architecture, std::uint64_t seed) {
  nn::Sequential net = nn::Sequential::parse(architecture, Rng(seed));
  for (Tensor& tensor : net.mutable_weights()) {
    for (real& value : tensor.mutable_values()) value *= 2;
  }
  return net;
}

/// A search about one box: the middle and `eps` around it, class `label` against all others.
struct Searched {
  Searched(const nn::Sequential& net, float eps, bool may_begin_anew, std::uint64_t nodes)
      : graph(bounds::graph_of(net)), image(Tensor::full(net.input().with_front(1), 0.5F)) {
    label = nn::predict(net, image)[0];
    known = bounds::known_of(graph, bounds::begin_with_images(graph, image, {Norm::linf, eps, 0, 1}),
                             {.method = nn::BoundMethod::crown}, tape);
    for (std::size_t other = 0; other < net.classes(); ++other) {
      if (other == static_cast<std::size_t>(label)) continue;
      tree.nodes.push_back({{.form = bounds::margin_form(net.classes(), static_cast<std::size_t>(label), other)}});
    }
    tree.roots = tree.nodes.size();
    std::vector<bounds::Form*> roots;
    for (Branch& node : tree.nodes) roots.push_back(&node.form);
    const std::vector<std::vector<bounds::KinkAt>> kinks{bounds::unstable_kinks(graph, known, 0)};
    behind = bounds::units_behind_kinks(graph, kinks[0]);
    bounds::improve(graph, known, kinks, roots, {defenses::steps_of_a_root, bounds::rate_of_a_start}, tape);
    defenses::branch(
        tree, graph, known, kinks, nodes, may_begin_anew, [](auto) { return false; }, tape);
  }

  bounds::Graph graph;
  Tensor image;
  int label = 0;
  Tape tape;
  bounds::Known known;
  Tree tree;
  std::size_t behind = 0;
};

real least_margin(const nn::Sequential& net, const Searched& searched, float eps) {
  constexpr std::size_t count = 2000;
  Tensor images = Tensor::uninitialised(net.input().with_front(count));
  Stream random = Rng(9).stream("points");
  for (real& value : images.mutable_values()) {
    const real share = random.uniform();
    value = 0.5F + eps * (share < 0.4F ? -1 : share > 0.6F ? 1 : 10 * share - 5);
  }
  const Tensor logits = nn::logits(net, images);
  real least = std::numeric_limits<real>::infinity();
  for (std::size_t row = 0; row < count; ++row) {
    const std::span<const real> z = logits.values().subspan(row * net.classes(), net.classes());
    for (std::size_t other = 0; other < z.size(); ++other) {
      const auto label = static_cast<std::size_t>(searched.label);
      if (other != label) least = std::min(least, z[label] - z[other]);
    }
  }
  return least;
}

// Bounds never exceed what images have, and are higher for the same nodes.
TEST(Branch, BeginsAnewWhereThatPays) {
  std::size_t anew = 0, higher = 0, lower = 0;
  for (std::uint64_t seed = 1; seed <= 24; ++seed) {
    const nn::Sequential net = network(deep, seed);
    for (const float eps : {0.1F, 0.2F, 0.3F}) {
      const Searched plain(net, eps, false, 120), closer(net, eps, true, 120);
      EXPECT_FALSE(plain.tree.closer);
      EXPECT_LE(closer.tree.bounded, 120U);
      const std::vector<double> before = bounds_of(plain.tree), after = bounds_of(closer.tree);
      const real sampled = least_margin(net, closer, eps);
      EXPECT_LE(*std::ranges::min_element(after), double{sampled}) << seed << " " << eps;
      if (!closer.tree.closer) {
        EXPECT_EQ(before, after) << "a search that does not begin anew is the same";
        continue;
      }
      ++anew;
      const double one = *std::ranges::min_element(before), other = *std::ranges::min_element(after);
      higher += other > one ? 1U : 0U;
      lower += other < one ? 1U : 0U;
    }
  }
  EXPECT_GE(anew, 20U);
  EXPECT_GT(higher, 2 * lower) << "of " << anew;
}

// What is decided stays so, and costs nothing again.
TEST(Branch, KeepsWhatIsDecided) {
  std::size_t kept = 0;
  for (std::uint64_t seed = 1; seed <= 24; ++seed) {
    const nn::Sequential net = network(deep, seed);
    const Searched searched(net, 0.2F, true, 120);
    if (!searched.tree.closer) continue;
    for (std::size_t root = 0; root < searched.tree.roots; ++root) {
      const Branch& node = searched.tree.nodes[root];
      if (!node.form.done()) continue;
      EXPECT_EQ(node.first, Branch::none);
      EXPECT_GT(bounds_of(searched.tree)[root], 0);
      kept += node.form.slopes.empty() ? 1U : 0U;  // decided before, so that no slope was sought again
    }
  }
  EXPECT_GE(kept, 3U);
}

TEST(Branch, BeginsAnewOnlyBehindKinksAndWithNodesLeft) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const Searched one_layer(network(flat, seed), 0.5F, true, 2000);
    EXPECT_EQ(one_layer.behind, 0U);
    EXPECT_FALSE(one_layer.tree.closer);
    const Searched few_nodes(network(deep, seed), 0.3F, true, 12);
    EXPECT_FALSE(few_nodes.tree.closer) << few_nodes.behind;
    EXPECT_LE(few_nodes.tree.bounded, 12U);
  }
}

}  // namespace
}  // namespace hans::branch_test
