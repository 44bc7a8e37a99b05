// Optimised linear bounds: slopes below unstable kinks, and multipliers of splits.
#include "detail/optimise.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "detail/windows.hpp"

namespace hans::nn::bounds {
namespace {

constexpr real decay = real{0.98F};
constexpr real first_share = real{0.9F}, second_share = real{0.999F}, least = real{1e-8F};

/// Adam (Kingma 2015), upwards, for numbers from 0 to `most`.
class Ascent {
 public:
  explicit Ascent(real rate) : rate_(rate) {}

  void step(std::span<const real> gradient, real most, std::vector<real>& numbers) {
    first_.resize(numbers.size());
    second_.resize(numbers.size());
    if (steps_++ > 0) rate_ *= decay;
    first_power_ *= first_share;
    second_power_ *= second_share;
    const real scale = rate_, of_first = 1 - first_power_, of_second = 1 - second_power_;
    const real* const __restrict g = gradient.data();
    real* const __restrict first = first_.data(), * const __restrict second = second_.data();
    real* const __restrict number = numbers.data();
    for (std::size_t k = 0; k < numbers.size(); ++k) {
      first[k] = first_share * first[k] + (1 - first_share) * g[k];
      second[k] = second_share * second[k] + (1 - second_share) * g[k] * g[k];
      const real moved = number[k] + scale * (first[k] / of_first) / (std::sqrt(second[k] / of_second) + least);
      const real raised = moved > 0 ? moved : 0;  // so is NaN
      number[k] = raised < most ? raised : most;
    }
  }

 private:
  std::vector<real> first_, second_;
  real rate_, first_power_ = 1, second_power_ = 1;
  unsigned steps_ = 0;
};

/// A form at work: its slopes as numbers in [0, 1].
struct Work {
  Form* form;
  std::span<const KinkAt> kinks;
  std::vector<real> slopes;
  std::vector<bool> split;  ///< per kink
  std::vector<Split> splits;
  std::vector<real> multipliers;  ///< of the splits
  Ascent of_slopes, of_multipliers;
};

/// Calls body(op, first, end) for the kinks of each op.
template <class Body>
void over_ops(std::span<const KinkAt> kinks, Body body) {
  for (std::size_t first = 0, end = 0; first < kinks.size(); first = end) {
    while (end < kinks.size() && kinks[end].op == kinks[first].op) ++end;
    body(kinks[first].op, first, end);
  }
}

/// k / 255.
constexpr std::array<real, 256> shares = [] {
  std::array<real, 256> all{};
  for (std::size_t k = 0; k < all.size(); ++k) all[k] = static_cast<real>(k) / 255;
  return all;
}();

real as_slope(const Kink& kink, std::size_t unit, std::uint8_t byte) {
  const real left = kink.left[unit], right = kink.right[unit];
  return std::clamp(left + (right - left) * shares[byte], left, right);
}

std::uint8_t as_byte(real share) { return static_cast<std::uint8_t>(share * 255 + real{0.5F}); }

Work work_of(const Graph& graph, const Known& known, std::span<const KinkAt> kinks, Form& form, real rate) {
  Work work{&form, kinks, {}, std::vector<bool>(kinks.size()), form.splits, {}, Ascent(rate), Ascent(rate)};
  for (const Split& split : form.splits) {
    const KinkAt sought{split.op, split.unit};
    const auto at = std::ranges::lower_bound(kinks, sought);
    if (at != kinks.end() && *at == sought) work.split[static_cast<std::size_t>(at - kinks.begin())] = true;
  }
  for (std::size_t k = 0; k < kinks.size(); ++k) {
    if (!form.slopes.empty()) {
      work.slopes.push_back(shares[form.slopes[k]]);
      continue;
    }
    const Kink& kink = graph.ops[kinks[k].op].kink;
    const std::size_t size = kink.left.size();
    const real slope = known.lines[kinks[k].op].lower_slope.data()[form.sample * size + kinks[k].unit];
    const real left = kink.left[kinks[k].unit], right = kink.right[kinks[k].unit];
    work.slopes.push_back(right > left ? (slope - left) / (right - left) : 0);
  }
  for (const Split& split : form.splits) work.multipliers.push_back(split.multiplier);
  return work;
}

/// The rows of a pass, but for the slopes.
Rows rows_at_work(const Graph& graph, const Known& known, std::span<const Work> all) {
  std::vector<const Form*> forms;
  for (const Work& work : all) forms.push_back(work.form);
  Rows rows = rows_of(graph, forms);
  rows.slopes.resize(graph.ops.size());
  for (std::size_t k = 0; k < rows.value; ++k) {
    if (graph.ops[k].kind != Kind::kink || !graph.ops[k].kink.convex) continue;
    const std::size_t size = graph.ops[k].out.elements();
    rows.slopes[k] = Tensor::uninitialised({all.size(), size});
    for (std::size_t row = 0; row < all.size(); ++row) {
      const real* const lines = known.lines[k].lower_slope.data() + rows.sample[row] * size;
      std::copy_n(lines, size, rows.slopes[k].mutable_data() + row * size);
    }
  }
  return rows;
}

void set_slopes(const Graph& graph, std::span<const Work> all, Rows& rows) {
  rows.splits.clear();
  for (std::size_t row = 0; row < all.size(); ++row) {
    const Work& work = all[row];
    over_ops(work.kinks, [&](std::uint32_t op, std::size_t first, std::size_t end) {
      const Kink& kink = graph.ops[op].kink;
      real* const slopes = row_of(rows.slopes[op], row);
      for (std::size_t k = first; k < end; ++k) {
        const std::uint32_t unit = work.kinks[k].unit;
        slopes[unit] = as_slope(kink, unit, as_byte(work.slopes[k]));
      }
    });
    rows.splits.push_back(work.splits);
  }
}

/// Sets the kink whose upper line costs the bound most, of equals the first, and what all upper lines cost.
void find_branch(const Known& known, const Work& work, const Lower& lower, std::size_t row) {
  Form& form = *work.form;
  form.branch.reset();
  form.cost = 0;
  double most = -1;
  over_ops(work.kinks, [&](std::uint32_t op, std::size_t first, std::size_t end) {
    const real* const nus = row_of(lower.nu[op], row);
    const real* const adds = known.lines[op].upper_add.data() + form.sample * width(lower.nu[op]);
    for (std::size_t k = first; k < end; ++k) {
      if (work.split[k]) continue;
      const std::uint32_t unit = work.kinks[k].unit;
      const double nu = double{nus[unit]}, cost = nu < 0 ? -nu * double{adds[unit]} : 0;
      form.cost += cost;
      if (cost > most) {
        most = cost;
        form.branch = work.kinks[k];
      }
    }
  });
}

void keep_if_better(const Known& known, Work& work, const Lower& lower, const Tensor& points, std::size_t row) {
  Form& form = *work.form;
  const double float32 = lower.float32[row] + form.constant;
  if (!(float32 > form.float32)) return;
  form.bound = lower.bound[row] + form.constant;
  form.float32 = float32;
  form.splits = work.splits;
  form.slopes.clear();
  for (const real share : work.slopes) form.slopes.push_back(as_byte(share));
  if (!form.done()) find_branch(known, work, lower, row);
  form.point = points.rows(row, 1);
}

/// One step up the gradient: a slope moves the bound by max(nu, 0) * z, a multiplier by -sign * z.
void ascend(const Graph& graph, Work& work, const Lower& lower, std::span<const Tensor> inputs, std::size_t row) {
  std::vector<real> gradient(work.kinks.size());
  over_ops(work.kinks, [&](std::uint32_t op, std::size_t first, std::size_t end) {
    const Kink& kink = graph.ops[op].kink;
    const real *const nu = row_of(lower.nu[op], row), *const z = row_of(inputs[op], row);
    for (std::size_t k = first; k < end; ++k) {
      const std::uint32_t unit = work.kinks[k].unit;
      if (!work.split[k]) gradient[k] = std::max(nu[unit], real{0}) * z[unit] * (kink.right[unit] - kink.left[unit]);
    }
  });
  work.of_slopes.step(gradient, 1, work.slopes);
  gradient.clear();
  for (const Split& split : work.splits) gradient.push_back(-split.sign * row_of(inputs[split.op], row)[split.unit]);
  work.of_multipliers.step(gradient, std::numeric_limits<real>::infinity(), work.multipliers);
  for (std::size_t k = 0; k < work.splits.size(); ++k) work.splits[k].multiplier = work.multipliers[k];
}

}  // namespace

std::vector<KinkAt> unstable_kinks(const Graph& graph, const Known& known, std::size_t sample) {
  std::vector<KinkAt> all;
  for (std::size_t k = 0; k < graph.ops.size(); ++k) {
    const Op& op = graph.ops[k];
    if (op.kind != Kind::kink || !op.kink.convex) continue;
    const std::span<const real> low = known.of(known.low, op.from[0], sample);
    const std::span<const real> high = known.of(known.high, op.from[0], sample);
    for (std::size_t unit = 0; unit < low.size(); ++unit) {
      if (low[unit] < 0 && high[unit] > 0) {
        all.push_back({static_cast<std::uint32_t>(k), static_cast<std::uint32_t>(unit)});
      }
    }
  }
  return all;
}

std::size_t units_behind_kinks(const Graph& graph, std::span<const KinkAt> kinks) {
  std::vector<bool> behind(graph.ops.size() + 1);
  for (std::size_t k = 0; k < graph.ops.size(); ++k) {
    const auto bends = [&](std::size_t from) {
      return behind[from] || (from > 0 && graph.ops[from - 1].kind == Kind::kink);
    };
    behind[k + 1] = std::ranges::any_of(graph.ops[k].from, bends);
  }
  const auto counts = [&](const KinkAt& kink) { return bool{behind[kink.op + 1]}; };
  return static_cast<std::size_t>(std::ranges::count_if(kinks, counts));
}

std::vector<real> margin_form(std::size_t classes, std::size_t label, std::size_t other) {
  std::vector<real> form(classes);
  form[label] = 1;
  form[other] = -1;
  return form;
}

Rows rows_of(const Graph& graph, std::span<const Form* const> forms) {
  Rows rows;
  for (const Form* const form : forms) rows.sample.push_back(form->sample);
  if (!forms.empty() && forms[0]->unit) {
    rows.value = forms[0]->unit->value;
    rows.sign = forms[0]->unit->sign;
    for (const Form* const form : forms) rows.units.push_back(form->unit->unit);
    return rows;
  }
  rows.value = graph.logits();
  rows.forms = Tensor(graph.shape(rows.value).with_front(forms.size()));
  for (std::size_t row = 0; row < forms.size(); ++row) {
    std::ranges::copy(forms[row]->form, row_of(rows.forms, row));
  }
  return rows;
}

Rows rows_of(const Graph& graph, std::span<const Form> forms) {
  std::vector<const Form*> all;
  for (const Form& form : forms) all.push_back(&form);
  return rows_of(graph, all);
}

void improve(const Graph& graph, const Known& known, std::span<const std::vector<KinkAt>> kinks,
             std::span<Form* const> forms, const Climb& climb, Tape& tape) {
  std::vector<Work> all;
  for (Form* const form : forms) {
    if (climb.until_done && form->done()) continue;
    all.push_back(work_of(graph, known, kinks[form->sample], *form, climb.rate));
  }
  Rows rows;
  for (unsigned step = 0; !all.empty(); ++step) {
    if (rows.size() != all.size()) rows = rows_at_work(graph, known, all);
    set_slopes(graph, all, rows);
    const Lower lower = lower_bounds(graph, known, rows, true, 0, tape);
    const Tensor points = minimisers(known, rows, lower);
    for (std::size_t row = 0; row < all.size(); ++row) keep_if_better(known, all[row], lower, points, row);
    if (step == climb.steps) break;
    const std::vector<Tensor> inputs = replay(graph, known, rows, lower, points, tape);
    for (std::size_t row = 0; row < all.size(); ++row) ascend(graph, all[row], lower, inputs, row);
    std::erase_if(all, [&](const Work& work) { return climb.until_done && work.form->done(); });
  }
}

}  // namespace hans::nn::bounds
