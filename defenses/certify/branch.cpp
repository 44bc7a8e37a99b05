// Branch and bound over the signs of kinks.
#include "detail/branch.hpp"
#include "../../nn/bounds/detail/tighten.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <queue>

#include <hans/core/error.hpp>
#include <hans/nn/walk.hpp>

namespace hans::defenses {
namespace {

namespace bounds = nn::bounds;
using bounds::Form;

constexpr std::size_t nodes_of_a_round = 32;
constexpr unsigned steps_of_a_node = 4;
/// Of optimisation, where no split can win what is missing: those of as many nodes.
constexpr unsigned nodes_of_a_polish = 5, steps_of_a_polish = nodes_of_a_polish * steps_of_a_node;

/// The margin under the parent's splits and one more.
Form half_of(const Form& parent, const bounds::KinkAt& at, real sign) {
  Form half = parent;
  half.splits.push_back({at.op, at.unit, sign, 0});
  half.bound = half.float32 = -std::numeric_limits<double>::infinity();
  half.branch.reset();
  half.point = {};
  return half;
}

}  // namespace

bool Tree::done() const {
  return std::ranges::all_of(nodes, [](const Branch& node) { return node.first != Branch::none || node.form.done(); });
}

void branch(Tree& tree, const bounds::Graph& graph, const bounds::Known& known,
            std::span<const std::vector<bounds::KinkAt>> kinks, std::uint64_t nodes,
            const std::function<bool(std::span<const Tensor> points)>& stop, Tape& tape) {
  using Entry = std::pair<double, std::size_t>;  // the lowest bound first, of equals the oldest
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> open;
  const auto enter = [&](std::size_t node) {
    const Form& form = tree.nodes[node].form;
    if (!form.done()) open.emplace(form.bound, node);
  };
  for (std::size_t node = 0; node < tree.nodes.size(); ++node) enter(node);
  std::vector<bool> polished;
  while (!open.empty() && tree.bounded + 2 <= nodes && !tree.stuck) {
    const std::size_t first = tree.nodes.size();
    const std::uint64_t left = nodes - tree.bounded;
    polished.resize(first);
    std::vector<std::size_t> again;
    const auto spent = [&] { return tree.nodes.size() - first + nodes_of_a_polish * again.size(); };
    while (!open.empty() && spent() + 2 <= std::min<std::uint64_t>(nodes_of_a_round, left)) {
      const std::size_t node = open.top().second;
      Form& form = tree.nodes[node].form;
      const bool may_rise = !form.slopes.empty() && !polished[node];
      if (may_rise && form.cost < -form.float32 && spent() + nodes_of_a_polish <= left) {
        polished[node] = true;
        again.push_back(node);
      } else if (form.branch) {
        tree.nodes[node].first = tree.nodes.size();
        const std::array<Form, 2> halves{half_of(form, *form.branch, 1), half_of(form, *form.branch, -1)};
        form.point = {};
        for (const Form& half : halves) tree.nodes.push_back({half, node});
      } else {
        tree.stuck = true;
        break;
      }
      open.pop();
    }
    std::vector<Form*> made, kept;
    for (std::size_t node = first; node < tree.nodes.size(); ++node) made.push_back(&tree.nodes[node].form);
    for (const std::size_t node : again) kept.push_back(&tree.nodes[node].form);
    bounds::improve(graph, known, kinks, made, {steps_of_a_node, bounds::rate_of_a_start}, tape);
    bounds::improve(graph, known, kinks, kept, {steps_of_a_polish, bounds::rate_of_a_start}, tape);
    tree.bounded += spent();
    for (std::size_t node = first; node < tree.nodes.size(); ++node) enter(node);
    for (const std::size_t node : again) enter(node);
    if (stop(points_of(std::span(tree.nodes).subspan(first)))) return;
  }
}

std::vector<double> bounds_of(const Tree& tree) {
  std::vector<double> least(tree.nodes.size(), std::numeric_limits<double>::infinity());
  for (std::size_t node = tree.nodes.size(); node-- > 0;) {
    const Branch& here = tree.nodes[node];
    if (here.first == Branch::none) least[node] = here.form.bound;
    // A child's set is part of its parent's, whose bound holds too.
    if (here.first != Branch::none) least[node] = std::max(here.form.bound, least[node]);
    if (here.parent != Branch::none) least[here.parent] = std::min(least[here.parent], least[node]);
  }
  least.resize(tree.roots);
  return least;
}

std::vector<Tensor> points_of(std::span<const Branch> nodes) {
  std::vector<Tensor> points;
  for (const Branch& node : nodes) {
    if (!node.form.done() && node.form.point.size() > 0) points.push_back(node.form.point);
  }
  return points;
}

namespace {

/// A piece of a box, and what its parent knew of it.
struct Piece {
  Tensor low, high;  // 1 x image
  double bound;
};

/// The feature along which the form's bound varies most.
std::size_t widest(const Piece& piece, std::span<const real> form) {
  std::size_t best = 0;
  double most = -1;
  for (std::size_t i = 0; i < form.size(); ++i) {
    const double width = double{piece.high.data()[i]} - double{piece.low.data()[i]};
    const double cost = std::abs(double{form[i]}) * width + 0x1p-40 * width;
    if (cost > most) {
      most = cost;
      best = i;
    }
  }
  return best;
}

Tensor stacked(std::span<const Piece> pieces, Tensor Piece::*end) {
  const Tensor& first = pieces.front().*end;
  Tensor all = Tensor::uninitialised(first.shape().without_front().with_front(pieces.size()));
  for (std::size_t k = 0; k < pieces.size(); ++k) {
    std::copy_n((pieces[k].*end).data(), first.size(), all.mutable_data() + k * first.size());
  }
  return all;
}

}  // namespace

Boxes split_box(const bounds::Graph& graph, const Tensor& low, const Tensor& high,
                std::span<const std::vector<Form>> groups, std::uint64_t nodes,
                const std::function<bool(std::span<const Tensor> points)>& stop, Tape& tape) {
  const std::size_t size = low.size();
  std::vector<Form> forms;
  for (const std::vector<Form>& group : groups) forms.insert(forms.end(), group.begin(), group.end());
  Boxes boxes;
  boxes.bound = std::numeric_limits<double>::infinity();
  std::vector<Piece> open{{low, high, -std::numeric_limits<double>::infinity()}};
  while (!open.empty() && boxes.bounded < nodes) {
    const std::size_t count = std::min<std::uint64_t>({nodes_of_a_round, nodes - boxes.bounded, open.size()});
    std::ranges::stable_sort(open, [](const Piece& a, const Piece& b) { return a.bound < b.bound; });
    const std::vector<Piece> now(open.begin(), open.begin() + static_cast<std::ptrdiff_t>(count));
    open.erase(open.begin(), open.begin() + static_cast<std::ptrdiff_t>(count));
    const bounds::Known known =
        bounds::known_of(graph, bounds::begin_with_boxes(graph, stacked(now, &Piece::low), stacked(now, &Piece::high)),
                         {.method = nn::BoundMethod::crown}, tape);
    std::vector<Form> all;
    for (std::size_t k = 0; k < count * forms.size(); ++k) {
      all.push_back(forms[k % forms.size()]);
      all.back().sample = static_cast<std::uint32_t>(k / forms.size());
    }
    const bounds::Rows rows = bounds::rows_of(graph, all);
    const bounds::Lower lower = bounds::lower_bounds(graph, known, rows, false, 0, tape);
    const Tensor corners = bounds::minimisers(known, rows, lower);
    const auto bound_of = [&](std::size_t row) { return lower.bound[row] + all[row].constant; };
    const auto above = [&](std::size_t row) { return lower.float32[row] + all[row].constant; };
    boxes.bounded += count;
    std::vector<Tensor> points;
    for (std::size_t k = 0; k < count; ++k) {
      std::size_t worst = 0, row = k * forms.size();
      double least = std::numeric_limits<double>::infinity();
      for (std::size_t g = 0; g < groups.size(); ++g) {
        std::size_t best = row;
        for (const std::size_t end = row + groups[g].size(); row < end; ++row) {
          if (above(row) > above(best) || std::isnan(above(best))) best = row;
        }
        // NaN is the worst.
        if (g == 0 || (!std::isnan(above(worst)) && !(above(best) >= above(worst)))) worst = best;
        least = std::isnan(bound_of(best)) ? -std::numeric_limits<double>::infinity() : std::min(least, bound_of(best));
      }
      const double bound = std::max(now[k].bound, least);
      if (above(worst) > 0) {
        boxes.bound = std::min(boxes.bound, bound);
        continue;
      }
      points.push_back(corners.rows(worst, 1));
      Tensor centre = now[k].low;
      for (std::size_t i = 0; i < size; ++i) centre.mutable_data()[i] = (centre.data()[i] + now[k].high.data()[i]) / 2;
      points.push_back(centre);
      const std::size_t at = widest(now[k], lower.at_images.values().subspan(worst * size, size));
      const real middle = centre.data()[at];
      if (!(now[k].low.data()[at] < middle && middle < now[k].high.data()[at])) {  // nothing is left to split
        boxes.bound = std::min(boxes.bound, bound);
        return boxes;
      }
      Piece left{now[k].low, now[k].high, bound}, right = left;
      left.high.mutable_data()[at] = middle;
      right.low.mutable_data()[at] = middle;
      open.push_back(std::move(left));
      open.push_back(std::move(right));
    }
    if (stop(points)) break;
  }
  for (const Piece& piece : open) boxes.bound = std::min(boxes.bound, piece.bound);
  boxes.done = open.empty() && boxes.bounded > 0;
  return boxes;
}

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
