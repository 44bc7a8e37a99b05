// Whether any input of a box gives outputs that fulfil conditions.
#include <hans/defenses/refute.hpp>

#include <algorithm>
#include <cmath>
#include <map>

#include <hans/core/error.hpp>
#include <hans/nn/evaluate.hpp>
#include "../../nn/bounds/detail/build.hpp"
#include "../../nn/bounds/detail/tighten.hpp"
#include "detail/branch.hpp"
#include "detail/search.hpp"

namespace hans::defenses {
namespace {

namespace bounds = nn::bounds;
using bounds::Form;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::size_t rows_of_a_pass = 128;
constexpr std::size_t conjunctions_of_a_group = 32, inputs_tried = 32;
constexpr std::size_t conditions_of_a_conjunction = 64;  // that boxes are split for
constexpr unsigned steps_of_inputs = 30;

/// Throws for a question that does not fit the network.
void check_question(const nn::Sequential& net, const OutputQuestion& question, bool softmax) {
  check(!net.random(), "the model is random in evaluation: no proof about one evaluation speaks of the next");
  for (const Tensor* box : {&question.low, &question.high, &question.first, &question.last}) {
    check(box->shape() == net.input().with_front(1), "a box of shape ", box->shape(), " for a network of inputs ",
          net.input());
  }
  for (const OutputCondition& condition : question.conditions) {
    for (const auto& term : condition.terms) {
      check(term.first < net.classes(), "a condition on output ", term.first, " of ", net.classes());
    }
    const auto& terms = condition.terms;
    const bool compares = terms.size() == 2 && std::abs(terms[0].second) == 1 && terms[1].second == -terms[0].second &&
                          condition.low == 0 && condition.high == 0;
    check_usage(
        !softmax || compares,
        "the network ends in a softmax, of which only conditions that compare two outputs, without factors and constants, can be decided");
  }
  for (const auto& conjunction : question.conjunctions) {
    for (const std::uint32_t number : conjunction) {
      check(number < question.conditions.size(), "condition ", number, " of ", question.conditions.size());
    }
  }
}

/// The sum of conditions, which holds where all of them do; nothing if float32 cannot hold a coefficient.
std::optional<OutputCondition> sum_of(std::span<const OutputCondition* const> conditions) {
  std::map<std::size_t, float> terms;
  double constant = 0;
  for (const OutputCondition* const condition : conditions) {
    constant = std::nextafter(constant + condition->high, infinity);
    for (const auto& term : condition->terms) {
      float& total = terms[term.first];
      const float larger = total + term.second;
      if (larger - total != term.second || larger - term.second != total) return {};
      total = larger;
    }
  }
  return OutputCondition{{terms.begin(), terms.end()}, constant, constant};
}

/// The network's graph, of whose outputs any two may be compared.
bounds::Graph graph_of_pairs(const nn::Sequential& net) {
  bounds::Graph graph = bounds::graph_of(net);
  graph.any_pair = true;
  return graph;
}

class Refuter {
  using Conjunction = std::vector<std::uint32_t>;

 public:
  Refuter(const nn::Sequential& net, const OutputQuestion& question, const RefuteOptions& options)
      : net_(net), question_(question), options_(options), graph_(graph_of_pairs(net)) {
    check_question(net, question, graph_.softmax);
    for (Conjunction& each : conjunctions_) {
      if (each.size() < 2) continue;
      std::vector<const OutputCondition*> all;
      for (const std::uint32_t number : each) all.push_back(&question.conditions[number]);
      std::optional<OutputCondition> sum = sum_of(all);
      if (!sum || graph_.softmax) continue;
      each.push_back(static_cast<std::uint32_t>(conditions_.size()));
      conditions_.push_back(std::move(*sum));
    }
    bound_.resize(conditions_.size(), -infinity);
  }

  Refutation run() {
    known_ = bounds::known_of(graph_, bounds::begin_with_boxes(graph_, question_.low, question_.high),
                              {.method = nn::BoundMethod::crown}, tape_);
    if (known_.finite[0]) {
      kinks_[0] = bounds::unstable_kinks(graph_, known_, 0);
      bound_conditions();
    }
    find_open();
    if (open_.empty()) {
      refutation_.existence = Existence::refuted;
      return refutation_;
    }
    const auto group = [this](std::size_t first) {
      return std::span(open_).subspan(first, std::min(conjunctions_of_a_group, open_.size() - first));
    };
    if (attack(group(0), points(group(0)))) return refutation_;
    bool refuted = known_.finite[0];
    if (!refuted) refutation_.doubt = Doubt::nan;
    for (std::size_t first = 0; refuted && first < open_.size(); first += conjunctions_of_a_group) {
      refuted = refute_group(group(first));
    }
    if (refuted) {
      refutation_.existence = Existence::refuted;
      refutation_.doubt.reset();
    }
    return refutation_;
  }

 private:
  /// A condition's opposite, which is to be positive.
  Form opposite(std::uint32_t number) const {
    const OutputCondition& condition = conditions_[number];
    Form form{.form = std::vector<real>(net_.classes())};
    for (const auto& term : condition.terms) form.form[term.first] = -term.second;
    form.constant = -condition.high;
    return form;
  }

  /// Those of a conjunction, nearest to being refuted first.
  std::vector<Form> opposites(Conjunction all) const {
    std::ranges::stable_sort(all, [this](std::uint32_t a, std::uint32_t b) { return bound_[a] > bound_[b]; });
    all.resize(std::min(all.size(), conditions_of_a_conjunction));
    std::vector<Form> forms;
    for (const std::uint32_t number : all) forms.push_back(opposite(number));
    return forms;
  }

  /// Bounds the opposites of all conditions that occur.
  void bound_conditions() {
    std::vector<std::uint32_t> all;
    for (const Conjunction& each : conjunctions_) all.insert(all.end(), each.begin(), each.end());
    std::ranges::sort(all);
    all.erase(std::unique(all.begin(), all.end()), all.end());
    for (std::size_t first = 0; first < all.size() && !limit_.is_over(); first += rows_of_a_pass) {
      const auto some = std::span(all).subspan(first, std::min(rows_of_a_pass, all.size() - first));
      std::vector<Form> forms;
      for (const std::uint32_t number : some) forms.push_back(opposite(number));
      const bounds::Rows rows = bounds::rows_of(graph_, forms);
      const bounds::Lower lower = bounds::lower_bounds(graph_, known_, rows, false, 0, tape_);
      for (std::size_t k = 0; k < some.size(); ++k) {
        const double bound = lower.float32[k] + forms[k].constant;
        if (std::isfinite(bound)) bound_[some[k]] = bound;
      }
    }
  }

  /// The condition of a conjunction that is nearest to being refuted.
  std::uint32_t best_of(const Conjunction& all) const {
    return *std::ranges::max_element(all, [this](std::uint32_t a, std::uint32_t b) { return bound_[a] < bound_[b]; });
  }

  /// The conjunctions that are not refuted yet, those farthest from it first.
  void find_open() {
    std::vector<std::pair<double, std::size_t>> order;
    for (std::size_t k = 0; k < conjunctions_.size(); ++k) {
      const Conjunction& all = conjunctions_[k];
      if (all.empty()) {
        order.emplace_back(-infinity, k);
      } else if (const std::uint32_t best = best_of(all); !(bound_[best] > 0)) {
        order.emplace_back(bound_[best], k);
      }
    }
    std::ranges::sort(order);
    for (const auto& each : order) open_.push_back(each.second);
  }

  /// Where the bounds of some conjunctions are attained.
  std::vector<Tensor> points(std::span<const std::size_t> some) {
    std::vector<Form> forms;
    for (const std::size_t k : some) {
      if (!conjunctions_[k].empty()) forms.push_back(opposite(best_of(conjunctions_[k])));
    }
    if (!known_.finite[0] || forms.empty()) return {};
    const bounds::Rows rows = bounds::rows_of(graph_, forms);
    const Tensor all = bounds::minimisers(known_, rows, bounds::lower_bounds(graph_, known_, rows, false, 0, tape_));
    std::vector<Tensor> each;
    for (std::size_t k = 0; k < forms.size(); ++k) each.push_back(all.rows(k, 1));
    return each;
  }

  /// Whether a row of outputs is what is looked for; keeps it with its input.
  bool check_row(const Tensor& inputs, const Tensor& outputs, std::size_t row) {
    const std::span<const real> all = outputs.values().subspan(row * net_.classes(), net_.classes());
    const auto holds = [&](std::uint32_t number) { return question_.conditions[number].is_fulfilled(all); };
    const auto hold = [&](std::size_t k) { return std::ranges::all_of(question_.conjunctions[k], holds); };
    if (!std::ranges::all_of(all, [](real each) { return std::isfinite(each); }) || !std::ranges::any_of(open_, hold)) {
      return false;
    }
    refutation_.existence = Existence::found;
    refutation_.doubt.reset();
    refutation_.counterexample = inputs.rows(row, 1);
    refutation_.outputs = outputs.rows(row, 1);
    return true;
  }

  bool try_points(std::span<const Tensor> points) {
    if (points.empty()) return false;
    const Tensor inputs = clamped_points(points, net_.input(), question_.first.values(), question_.last.values());
    const Tensor outputs = nn::logits(net_, inputs);
    for (std::size_t k = 0; k < points.size(); ++k) {
      if (check_row(inputs, outputs, k)) return true;
    }
    return false;
  }

  /// The condition of a conjunction that outputs fulfil least; null if it has none.
  const OutputCondition* least_fulfilled(const Conjunction& all, std::span<const real> outputs) const {
    const OutputCondition* least = nullptr;
    double smallest = 0;
    for (const std::uint32_t number : all) {
      const OutputCondition& condition = question_.conditions[number];
      double value = condition.low;
      for (const auto& term : condition.terms) value += double{term.second} * double{outputs[term.first]};
      if (least != nullptr && !(value < smallest)) continue;
      least = &condition;
      smallest = value;
    }
    return least;
  }

  /// Follows the sign of the gradient of the least fulfilled condition, from `starts`, the middle and random inputs;
  /// each of these pursues one of some conjunctions.
  bool attack(std::span<const std::size_t> some, std::span<const Tensor> starts) {
    const std::size_t size = question_.first.size(), classes = net_.classes();
    const real *const first = question_.first.data(), *const last = question_.last.data();
    Tensor x = Tensor::uninitialised(net_.input().with_front(inputs_tried));
    Stream random = Rng(options_.seed).stream("refute");
    for (std::size_t row = 0; row < inputs_tried; ++row) {
      for (std::size_t i = 0; i < size; ++i) {
        const real share = row + 1 == inputs_tried ? real{0.5F} : random.uniform();
        x.mutable_data()[row * size + i] = row < starts.size() && row + 1 < inputs_tried
                                               ? starts[row].data()[i]
                                               : first[i] * (1 - share) + last[i] * share;
      }
    }
    bool found = false;
    follow(net_, x, question_.first.values(), question_.last.values(), steps_of_inputs,
           [&](const Tensor& points, const Tensor& outputs, Tensor& direction) {
             for (std::size_t row = 0; row < inputs_tried && !found; ++row) {
               found = check_row(points, outputs, row);
               const Conjunction& pursued = question_.conjunctions[some[row % some.size()]];
               const auto least = least_fulfilled(pursued, outputs.values().subspan(row * classes, classes));
               if (least == nullptr) continue;
               for (const auto& term : least->terms) {
                 direction.mutable_data()[row * classes + term.first] = term.second;
               }
             }
             return found || limit_.is_over();
           });
    return found;
  }

  /// Whether some conjunctions are refuted by optimised bounds and branching.
  bool refute_group(std::span<const std::size_t> some) {
    Tree tree;
    bool single = true;
    for (const std::size_t k : some) {
      const Conjunction& all = conjunctions_[k];
      single = single && all.size() == 1;
      if (all.empty()) return leave_open(false);
      tree.nodes.push_back({opposite(best_of(all))});
    }
    tree.roots = tree.nodes.size();
    std::vector<Form*> roots;
    for (Branch& node : tree.nodes) roots.push_back(&node.form);
    if (limit_.is_over()) return leave_open(true);
    bounds::improve(graph_, known_, kinks_, roots, {steps_of_a_root, bounds::rate_of_a_start}, tape_);
    if (tree.done()) return true;
    bool is_late = false;
    const auto stop = [&](std::span<const Tensor> points) {
      is_late = limit_.is_over();
      return try_points(points) || is_late;
    };
    if (stop(points_of(tree.nodes))) return leave_open(is_late);
    const bool few = question_.first.size() <= few_features;
    const std::uint64_t left = options_.nodes - refutation_.nodes;
    branch(tree, graph_, known_, kinks_, !few ? left : single ? left / 4 : 0, true, stop, tape_);
    refutation_.nodes += std::min<std::uint64_t>(left, tree.bounded);
    if (tree.done()) return true;
    if (!few || is_late || refutation_.existence == Existence::found) return leave_open(is_late);
    std::vector<std::vector<Form>> groups;
    for (const std::size_t k : some) groups.push_back(opposites(conjunctions_[k]));
    const std::uint64_t rest = options_.nodes - refutation_.nodes;
    const Boxes boxes = split_box(graph_, known_.low[0], known_.high[0], groups, rest, stop, tape_);
    refutation_.nodes += std::min<std::uint64_t>(rest, boxes.bounded);
    return boxes.done || leave_open(is_late);
  }

  /// Leaves the question open, unless it is answered.
  bool leave_open(bool is_late) {
    if (refutation_.existence == Existence::found) return false;
    refutation_.doubt = is_late ? Doubt::time : refutation_.nodes == options_.nodes ? Doubt::nodes : Doubt::bound;
    return false;
  }

  const nn::Sequential& net_;
  const OutputQuestion& question_;
  const RefuteOptions& options_;
  const bounds::Graph graph_;
  /// Those of the question, and for each conjunction the sum of its conditions as one more.
  std::vector<OutputCondition> conditions_ = question_.conditions;
  std::vector<Conjunction> conjunctions_ = question_.conjunctions;
  const TimeLimit limit_{options_.seconds};
  Tape tape_;
  bounds::Known known_;
  std::vector<std::vector<bounds::KinkAt>> kinks_{1};
  std::vector<double> bound_;      // per condition: of its opposite, for every float32 program
  std::vector<std::size_t> open_;  // conjunctions
  Refutation refutation_;
};

}  // namespace

bool OutputCondition::is_fulfilled(std::span<const float> outputs) const {
  double sum = low, lost = 0;
  for (const auto& [index, coefficient] : terms) {
    const double term = double{coefficient} * double{outputs[index]};  // exact
    const double next = sum + term;
    const double part = next - sum;
    lost += std::abs((sum - (next - part)) + (term - part));  // exactly what this addition rounds off
    sum = next;
  }
  return lost == 0 ? sum >= 0 : sum > lost * 1.001;
}

Refutation refute(const nn::Sequential& net, const OutputQuestion& question, const RefuteOptions& options) {
  return Refuter(net, question, options).run();
}

}  // namespace hans::defenses
