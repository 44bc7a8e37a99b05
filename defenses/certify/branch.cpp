// Branch and bound over the signs of kinks.
#include "detail/branch.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <queue>

#include "../../nn/bounds/detail/tighten.hpp"

namespace hans::defenses {
namespace {

namespace bounds = nn::bounds;
using bounds::Form;

constexpr std::size_t nodes_of_a_round = 32;
constexpr unsigned steps_of_a_node = 4;
/// Bounding so many units more closely takes about as long as a node (measured: lirpa_mnist_a_adv at 0.3).
constexpr std::uint64_t units_of_a_node = 2;
/// Closer bounds may take one in so many nodes, and as many are bounded before.
constexpr std::uint64_t share_of_closer_bounds = 4;
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

/// Whether the minimisers of some nodes end the search.
using Stop = std::function<bool(std::span<const Tensor> points)>;

/// Splits kinks until no node is open, tree.bounded comes to `nodes`, or `stop` says so: then false.
bool split_kinks(Tree& tree, const bounds::Graph& graph, const bounds::Known& known,
                 std::span<const std::vector<bounds::KinkAt>> kinks, std::uint64_t nodes, const Stop& stop,
                 Tape& tape) {
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
    if (stop(points_of(std::span(tree.nodes).subspan(first)))) return false;
  }
  return true;
}

/// What the leaves below each root leave of a bound.
std::vector<double> least_of(const Tree& tree, double Form::*bound) {
  std::vector<double> least(tree.nodes.size(), std::numeric_limits<double>::infinity());
  for (std::size_t node = tree.nodes.size(); node-- > 0;) {
    const Branch& here = tree.nodes[node];
    if (here.first == Branch::none) least[node] = here.form.*bound;
    // A child's set is part of its parent's, whose bound holds too.
    if (here.first != Branch::none) least[node] = std::max(here.form.*bound, least[node]);
    if (here.parent != Branch::none) least[here.parent] = std::min(least[here.parent], least[node]);
  }
  least.resize(tree.roots);
  return least;
}

/// The tree of the roots alone, as a search begins with it: those that are not done forget their slopes.
void keep_roots(Tree& tree) {
  const std::vector<double> bound = least_of(tree, &Form::bound), float32 = least_of(tree, &Form::float32);
  tree.nodes.resize(tree.roots);
  for (std::size_t root = 0; root < tree.roots; ++root) {
    const Form& was = tree.nodes[root].form;
    Form form{.form = was.form, .constant = was.constant};
    if (float32[root] > 0) {
      form.bound = bound[root];
      form.float32 = float32[root];
    }
    tree.nodes[root] = {std::move(form)};
  }
}

}  // namespace

bool Tree::done() const {
  return std::ranges::all_of(nodes, [](const Branch& node) { return node.first != Branch::none || node.form.done(); });
}

void branch(Tree& tree, const bounds::Graph& graph, const bounds::Known& known,
            std::span<const std::vector<bounds::KinkAt>> kinks, std::uint64_t nodes, bool may_begin_anew,
            const Stop& stop, Tape& tape) {
  const std::size_t sample = tree.nodes.front().form.sample;
  const std::uint64_t price = bounds::units_behind_kinks(graph, kinks[sample]) / units_of_a_node;
  const bool anew = may_begin_anew && price > 0 && nodes / share_of_closer_bounds >= price;
  if (!split_kinks(tree, graph, known, kinks, anew ? price : nodes, stop, tape) || tree.done() || !anew) return;
  keep_roots(tree);
  tree.closer = true;
  tree.stuck = false;
  tree.bounded += price;
  const bounds::Known closer = bounds::known_of(
      graph, bounds::begin_with_boxes(graph, known.low[0].rows(sample, 1), known.high[0].rows(sample, 1)),
      {.method = nn::BoundMethod::joint}, tape);
  const std::array<std::vector<bounds::KinkAt>, 1> unstable{bounds::unstable_kinks(graph, closer, 0)};
  std::vector<Form*> roots;
  for (Branch& node : tree.nodes) roots.push_back(&node.form);
  bounds::improve(graph, closer, unstable, roots, {steps_of_a_root, bounds::rate_of_a_start}, tape);
  if (!stop(points_of(tree.nodes))) split_kinks(tree, graph, closer, unstable, nodes, stop, tape);
}

std::vector<double> bounds_of(const Tree& tree) { return least_of(tree, &Form::bound); }

std::map<bounds::KinkAt, std::size_t> splits_of(const Tree& tree) {
  std::map<bounds::KinkAt, std::size_t> times;
  for (const Branch& node : tree.nodes) {
    if (node.first == Branch::none) continue;
    const bounds::Split& split = tree.nodes[node.first].form.splits.back();
    ++times[{split.op, split.unit}];
  }
  return times;
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

}  // namespace hans::defenses
