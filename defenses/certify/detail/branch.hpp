// Branch and bound over the signs of kinks.
#pragma once

#include <functional>
#include <map>

#include "../../../nn/bounds/detail/optimise.hpp"

namespace hans::defenses {

/// A subset of an image's ball on which the signs of some kinks are given, and the bound of one margin there.
struct Branch {
  nn::bounds::Form form;
  std::size_t parent = none, first = none;  ///< nodes; the children are `first` (the split kink >= 0) and the next
  static constexpr std::size_t none = ~std::size_t{0};
};

/// A search: its nodes, the roots first. Nodes that are neither split nor done are left open.
struct Tree {
  std::vector<Branch> nodes;
  std::size_t roots = 0;
  std::size_t bounded = 0;  ///< nodes that its search bounded, without the roots
  bool stuck = false;       ///< all kinks of an open node are split
  bool closer = false;      ///< within closer bounds of all values than a checker finds: it makes no proof

  /// Whether each node is split or done.
  bool done() const;
};

inline constexpr unsigned steps_of_a_root = 20;  ///< of optimisation, before any split
inline constexpr std::size_t few_features = 16;  ///< for which boxes are split

/// Splits the open nodes with the lowest bounds, in rounds of a fixed number, until none is open, `nodes` are bounded,
/// or `stop` says so. It gets the minimisers of each round. All roots are of one sample. Where `may_begin_anew`, and
/// enough nodes are left for it, a search that is not done by some of them begins again from its open roots, within
/// bounds of all values by slopes that are optimised for each unit (nn::BoundMethod::joint).
void branch(Tree& tree, const nn::bounds::Graph& graph, const nn::bounds::Known& known,
            std::span<const std::vector<nn::bounds::KinkAt>> kinks, std::uint64_t nodes, bool may_begin_anew,
            const std::function<bool(std::span<const Tensor> points)>& stop, Tape& tape);

/// The bounds that the leaves below each root leave.
std::vector<double> bounds_of(const Tree& tree);

/// How often each kink was split.
std::map<nn::bounds::KinkAt, std::size_t> splits_of(const Tree& tree);

/// The minimisers of the nodes that are not done.
std::vector<Tensor> points_of(std::span<const Branch> nodes);

/// What splitting an image's set into smaller boxes came to.
struct Boxes {
  double bound = 0;         ///< on each of them every group has a form that is not smaller
  bool done = false;        ///< on each, every group has a form that is positive, in float32 too
  std::size_t bounded = 0;  ///< boxes
};

/// Splits a box (1 x image) in halves along features, in rounds of a fixed number, those with the lowest bounds first,
/// until on each of them every group has a positive form, `nodes` are bounded, or `stop` says so. It
/// gets the minimisers and centres of each round. Pays for few features only. Of the forms, whose samples are 0, only
/// coefficients and constants count; no group is empty.
Boxes split_box(const nn::bounds::Graph& graph, const Tensor& low, const Tensor& high,
                std::span<const std::vector<nn::bounds::Form>> groups, std::uint64_t nodes,
                const std::function<bool(std::span<const Tensor> points)>& stop, Tape& tape);

}  // namespace hans::defenses
