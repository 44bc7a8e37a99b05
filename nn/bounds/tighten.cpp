// Bounds of all values of a network: by intervals, cut by linear bounds.
#include "detail/tighten.hpp"

#include "detail/curves.hpp"

namespace hans::nn::bounds {
namespace {

constexpr std::size_t rows_at_once = 64;

/// Units of a value whose bounds are cut, as sample * size + unit: of a value that functions read.
struct Open {
  std::vector<std::size_t> units = {};
  bool all = false;  ///< not only the unstable ones: a function reads it that is no kink
};

Open open_units(const Graph& graph, std::size_t value, const Known& known) {
  Open open;
  bool any = false;
  for (const Op& op : graph.ops) {
    if (op.kind == Kind::affine || op.from[0] != value) continue;
    any = true;
    open.all = open.all || op.kind != Kind::kink;
  }
  if (!any || value == 0) return open;
  const std::size_t size = graph.features(value);
  for (std::size_t i = 0; i < known.low[value].size(); ++i) {
    const real l = known.low[value].data()[i], u = known.high[value].data()[i];
    if (known.finite[i / size] && (open.all ? l < u : l < 0 && u > 0)) open.units.push_back(i);
  }
  return open;
}

/// Raises a lower bound, or with sign -1 lowers an upper bound, to what is known of sign * z.
void cut(Known& known, std::size_t value, std::size_t place, real sign, double least) {
  real &l = known.low[value].mutable_data()[place], &u = known.high[value].mutable_data()[place];
  const real to = sign > 0 ? below(least) : above(-least);
  if (sign > 0 && to > l && to <= u) l = to;
  if (sign < 0 && to < u && to >= l) u = to;
}

/// Cuts the bounds of a value by one backward pass for each open unit and side.
void tighten(const Graph& graph, std::size_t value, Known& known, Tape& tape) {
  const std::vector<std::size_t> open = open_units(graph, value, known).units;
  const std::size_t size = graph.features(value);
  for (std::size_t first = 0; first < open.size(); first += rows_at_once) {
    const std::size_t count = std::min(rows_at_once, open.size() - first);
    Rows rows;
    rows.value = value;
    for (std::size_t i = first; i < first + count; ++i) {
      rows.sample.push_back(static_cast<std::uint32_t>(open[i] / size));
      rows.units.push_back(open[i] % size);
    }
    for (const real sign : {real{1}, real{-1}}) {
      rows.sign = sign;
      const std::vector<double> least = lower_bounds(graph, known, rows, false, 0, tape).float32;
      for (std::size_t i = 0; i < count; ++i) cut(known, value, open[first + i], sign, least[i]);
    }
  }
  set_reach(known, value);
}

/// The unstable kinks of each sample that a value depends on.
std::vector<std::vector<KinkAt>> kinks_before(const Graph& graph, std::size_t value, const Known& known) {
  std::vector<bool> seen(value + 1);
  seen[value] = true;
  for (std::size_t k = value; k > 0; --k) {
    for (const std::size_t from : graph.ops[k - 1].from) seen[from] = seen[from] || seen[k];
  }
  std::vector<std::vector<KinkAt>> all;
  for (std::size_t sample = 0; sample < known.count; ++sample) {
    all.push_back(unstable_kinks(graph, known, sample));
    std::erase_if(all.back(), [&](const KinkAt& kink) { return kink.op >= value || !seen[kink.op + 1]; });
  }
  return all;
}

/// The same by optimised slopes for each unit and side: bounds of the values behind follow those of this one. The
/// unstable ones are worth it until they are stable.
void raise(const Graph& graph, std::size_t value, Known& known, unsigned steps, Tape& tape) {
  const std::size_t size = graph.features(value);
  if (open_units(graph, value, known).units.empty()) return;
  const std::vector<std::vector<KinkAt>> kinks = kinks_before(graph, value, known);
  for (const real sign : {real{1}, real{-1}}) {
    const Open open = open_units(graph, value, known);
    for (std::size_t first = 0; first < open.units.size(); first += rows_at_once) {
      const std::size_t end = std::min(first + rows_at_once, open.units.size());
      std::vector<Form> forms;
      for (std::size_t i = first; i < end; ++i) {
        const auto sample = static_cast<std::uint32_t>(open.units[i] / size);
        if (kinks[sample].empty()) continue;
        forms.emplace_back().sample = sample;
        forms.back().unit = {value, open.units[i] % size, sign};
      }
      std::vector<Form*> all;
      for (Form& form : forms) all.push_back(&form);
      improve(graph, known, kinks, all, {steps, rate_of_an_end, !open.all}, tape);
      for (const Form& form : forms) cut(known, value, form.sample * size + form.unit->unit, sign, form.float32);
    }
  }
  set_reach(known, value);
}

}  // namespace

Known known_of(const Graph& graph, Known known, const BoundOptions& options, Tape& tape) {
  const BoundMethod method = options.method;
  const bool back = method != BoundMethod::ibp && method != BoundMethod::crown_ibp;
  for (std::size_t k = 0; k < graph.ops.size(); ++k) {
    relax(graph, k, method == BoundMethod::zonotope ? Slope::same : options.slope, known, tape);
    bound_by_intervals(graph, k, known, tape);
    if (back) tighten(graph, k + 1, known, tape);
    if (method == BoundMethod::joint) raise(graph, k + 1, known, options.steps, tape);
  }
  return known;
}

std::size_t elided(const Graph& graph) {
  std::size_t value = graph.logits();
  while (value > 0 && graph.ops[value - 1].kind == Kind::affine && graph.ops[value - 1].from.size() == 1) {
    value = graph.ops[value - 1].from[0];
  }
  return value;
}

}  // namespace hans::nn::bounds
