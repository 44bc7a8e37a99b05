// What a search leaves for a checker.
#include "detail/prove.hpp"

#include <algorithm>
#include <cmath>

#include <hans/core/error.hpp>
#include <hans/nn/walk.hpp>

namespace hans::defenses {

namespace bounds = nn::bounds;
using bounds::Form;

namespace {

/// Numbers of units as proofs write them: the inputs of all relus, in layer order.
class UnitNumbers {
 public:
  explicit UnitNumbers(const bounds::Graph& graph) {
    std::size_t next = 0;
    for (const bounds::Op& op : graph.ops) {
      first_.push_back(next);
      if (op.kind == bounds::Kind::kink) next += op.out.elements();
    }
  }
  std::int32_t operator()(std::size_t op, std::size_t unit) const {
    return static_cast<std::int32_t>(first_[op] + unit);
  }

 private:
  std::vector<std::size_t> first_;
};

/// Whether the slopes of a leaf are those that a checker finds by itself.
bool is_adaptive(const Form& form, const bounds::Known& known, std::span<const bounds::KinkAt> kinks) {
  for (std::size_t k = 0; k < form.slopes.size(); ++k) {
    const Tensor& slopes = known.lines[kinks[k].op].lower_slope;
    const std::size_t size = slopes.size() / known.count;
    const real usual = slopes.data()[form.sample * size + kinks[k].unit];
    if (form.slopes[k] != (usual > 0 ? 255 : 0)) return false;
  }
  return true;
}

}  // namespace

Proof proof_of(const Tree& tree, const bounds::Graph& graph, const bounds::Known& known,
               std::span<const bounds::KinkAt> kinks) {
  const UnitNumbers number(graph);
  Proof proof;
  proof.bound = std::numeric_limits<double>::infinity();
  const std::uint32_t sample = tree.nodes.front().form.sample;
  for (const bounds::KinkAt& at : kinks) {
    const std::size_t from = graph.ops[at.op].from[0];
    const double low = double{known.of(known.low, from, sample)[at.unit]};
    const double high = double{known.of(known.high, from, sample)[at.unit]};
    if (std::abs(low + high) < (high - low) / 1024) {
      proof.ties.push_back(2 * number(at.op, at.unit) + (high > -low ? 1 : 0));
    }
  }
  constexpr double less = 1 - 0x1p-10;  // a checker's bounds differ a little, so that slopes may serve it worse
  bool given = false;
  const auto write = [&](const auto& self, std::size_t node) -> void {
    const Branch& here = tree.nodes[node];
    if (here.first != Branch::none) {
      const bounds::Split& split = tree.nodes[here.first].form.splits.back();
      proof.tree.push_back(number(split.op, split.unit));
      self(self, here.first);
      self(self, here.first + 1);
      return;
    }
    const bool usual = is_adaptive(here.form, known, kinks);
    proof.tree.push_back(usual ? -1 : -2);
    if (!usual) proof.slopes.insert(proof.slopes.end(), here.form.slopes.begin(), here.form.slopes.end());
    given = given || !usual;
    for (const bounds::Split& split : here.form.splits)
      proof.multipliers.push_back(static_cast<float>(split.multiplier));
    proof.bound = std::min(proof.bound, here.form.float32 * less);
  };
  for (std::size_t root = 0; root < tree.roots; ++root) write(write, root);
  if (given) {
    for (const bounds::KinkAt& at : kinks) proof.units.push_back(number(at.op, at.unit));
  }
  return proof;
}

namespace {

/// Whether an operand is broadcast along leading axes only, as checkers take it.
bool is_suffix(const Shape& operand, const Shape& out) {
  std::size_t axes = operand.rank();
  while (axes > 0 && operand[operand.rank() - axes] == 1) --axes;
  for (std::size_t k = 1; k <= axes; ++k) {
    if (operand[operand.rank() - k] != out[out.rank() - k]) return false;
  }
  return true;
}

}  // namespace

void check_provable(const nn::Sequential& net) {
  std::vector<bool> depends;  // per layer: on the image
  for (std::size_t position = 0; position < net.layers().size(); ++position) {
    const nn::LayerAt at{net, position};
    const nn::Layer& layer = at.layer();
    const bool combines = layer.as<nn::Add>() || layer.as<nn::Subtract>() || layer.as<nn::Multiply>();
    for (std::size_t operand = 0; combines && operand < at.sources.size(); ++operand) {
      check(is_suffix(at.in(operand), at.out()), "layer ", position, " (", layer.spec().name, ") combines ",
            at.in(operand), " and ", at.out(), ": no proof can be written, only a verdict");
    }
    const auto moves = [&](const nn::Source& from) { return from.layer == nn::Source::images || depends[from.layer]; };
    const auto moving = std::ranges::count_if(at.sources, moves);
    depends.push_back(moving > 0);
    check(!layer.as<nn::Multiply>() || moving < 2, "layer ", position,
          " (multiply) multiplies two values that depend on the image: no proof can be written, only a verdict");
    check(layer.as<nn::Conv2d>() || layer.as<nn::Linear>() || layer.as<nn::Relu>() || layer.as<nn::Flatten>() ||
              layer.as<nn::Reshape>() || layer.as<nn::Transpose>() || layer.as<nn::Add>() || layer.as<nn::Subtract>() ||
              layer.as<nn::Multiply>() || layer.as<nn::Constant>() || layer.as<nn::Normalize>() ||
              layer.as<nn::BatchNorm>() || layer.as<nn::AveragePool2d>() || layer.as<nn::Dropout>() ||
              layer.as<nn::Negate>(),
          "layer ", position, " (", layer.spec().name,
          "): no proof can be written, only a verdict; proofs are for networks of affine layers and relus");
  }
}

}  // namespace hans::defenses
