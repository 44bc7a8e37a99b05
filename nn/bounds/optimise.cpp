// Optimised linear bounds: slopes below unstable kinks, and multipliers of splits.
#include "detail/optimise.hpp"

#include <algorithm>
#include <cmath>

namespace hans::nn::bounds {
namespace {

constexpr real rate = real{0.1F}, decay = real{0.98F};
constexpr real first_share = real{0.9F}, second_share = real{0.999F}, least = real{1e-8F};

/// Adam (Kingma 2015), upwards.
class Ascent {
 public:
  void step(std::size_t parameters) {
    first_.resize(parameters);
    second_.resize(parameters);
    rate_ = steps_++ == 0 ? rate : rate_ * decay;
    first_power_ *= first_share;
    second_power_ *= second_share;
  }
  real move(std::size_t k, real gradient) {
    first_[k] = first_share * first_[k] + (1 - first_share) * gradient;
    second_[k] = second_share * second_[k] + (1 - second_share) * gradient * gradient;
    const real mean = first_[k] / (1 - first_power_), square = second_[k] / (1 - second_power_);
    return rate_ * mean / (std::sqrt(square) + least);
  }

 private:
  std::vector<real> first_, second_;
  real rate_ = rate, first_power_ = 1, second_power_ = 1;
  unsigned steps_ = 0;
};

/// A form at work: its slopes as numbers in [0, 1].
struct Work {
  Form* form;
  std::span<const KinkAt> kinks;
  std::vector<real> slopes;
  std::vector<bool> split;  ///< per kink
  std::vector<Split> splits;
  Ascent ascent = {};
};

real as_slope(const Kink& kink, std::size_t unit, std::uint8_t byte) {
  const real left = kink.left[unit], right = kink.right[unit];
  return std::clamp(left + (right - left) * (static_cast<real>(byte) / 255), left, right);
}

std::uint8_t as_byte(real share) { return static_cast<std::uint8_t>(share * 255 + real{0.5F}); }

Work work_of(const Graph& graph, const Known& known, std::span<const KinkAt> kinks, Form& form) {
  Work work{&form, kinks, {}, std::vector<bool>(kinks.size()), form.splits};
  for (const Split& split : form.splits) {
    const auto at = std::ranges::find(kinks, KinkAt{split.op, split.unit});
    if (at != kinks.end()) work.split[static_cast<std::size_t>(at - kinks.begin())] = true;
  }
  for (std::size_t k = 0; k < kinks.size(); ++k) {
    if (!form.slopes.empty()) {
      work.slopes.push_back(static_cast<real>(form.slopes[k]) / 255);
      continue;
    }
    const Kink& kink = graph.ops[kinks[k].op].kink;
    const std::size_t size = kink.left.size();
    const real slope = known.lines[kinks[k].op].lower_slope.data()[form.sample * size + kinks[k].unit];
    const real left = kink.left[kinks[k].unit], right = kink.right[kinks[k].unit];
    work.slopes.push_back(right > left ? (slope - left) / (right - left) : 0);
  }
  return work;
}

/// The rows of a pass, but for the slopes.
Rows rows_at_work(const Graph& graph, const Known& known, std::span<const Work> all) {
  Rows rows;
  rows.value = graph.logits();
  const std::size_t classes = graph.features(rows.value);
  rows.forms = Tensor({all.size(), classes});
  for (std::size_t row = 0; row < all.size(); ++row) {
    rows.sample.push_back(all[row].form->sample);
    std::ranges::copy(all[row].form->form, rows.forms.mutable_data() + row * classes);
  }
  rows.slopes.resize(graph.ops.size());
  for (std::size_t k = 0; k < graph.ops.size(); ++k) {
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
    for (std::size_t k = 0; k < work.kinks.size(); ++k) {
      const KinkAt& at = work.kinks[k];
      const Kink& kink = graph.ops[at.op].kink;
      real* const slopes = rows.slopes[at.op].mutable_data() + row * kink.left.size();
      slopes[at.unit] = as_slope(kink, at.unit, as_byte(work.slopes[k]));
    }
    rows.splits.push_back(work.splits);
  }
}

/// The kink whose upper line costs the bound most; of equals the first.
std::optional<KinkAt> branch_of(const Known& known, const Work& work, const Lower& lower, std::size_t row) {
  std::optional<KinkAt> best;
  double most = -1;
  for (std::size_t k = 0; k < work.kinks.size(); ++k) {
    const KinkAt& at = work.kinks[k];
    if (work.split[k]) continue;
    const std::size_t size = lower.nu[at.op].size() / lower.nu[at.op].shape()[0];
    const double nu = double{lower.nu[at.op].data()[row * size + at.unit]};
    const std::size_t place = work.form->sample * size + at.unit;
    const double cost = nu < 0 ? -nu * double{known.lines[at.op].upper_add.data()[place]} : 0;
    if (cost > most) {
      most = cost;
      best = at;
    }
  }
  return best;
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
  form.branch = branch_of(known, work, lower, row);
  form.point = points.rows(row, 1);
}

/// One step up the gradient: a slope moves the bound by max(nu, 0) * z, a multiplier by -sign * z.
void ascend(const Graph& graph, Work& work, const Lower& lower, std::span<const Tensor> inputs, std::size_t row) {
  work.ascent.step(work.kinks.size() + work.splits.size());
  const auto element = [row](const Tensor& all, std::size_t unit) {
    return all.data()[row * (all.size() / all.shape()[0]) + unit];
  };
  for (std::size_t k = 0; k < work.kinks.size(); ++k) {
    const KinkAt& at = work.kinks[k];
    if (work.split[k]) continue;
    const Kink& kink = graph.ops[at.op].kink;
    const real nu = std::max(element(lower.nu[at.op], at.unit), real{0});
    const real gradient = nu * element(inputs[at.op], at.unit) * (kink.right[at.unit] - kink.left[at.unit]);
    work.slopes[k] = std::clamp(work.slopes[k] + work.ascent.move(k, gradient), real{0}, real{1});
  }
  for (std::size_t k = 0; k < work.splits.size(); ++k) {
    Split& split = work.splits[k];
    const real gradient = -split.sign * element(inputs[split.op], split.unit);
    split.multiplier = std::max(split.multiplier + work.ascent.move(work.kinks.size() + k, gradient), real{0});
  }
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

std::vector<real> margin_form(std::size_t classes, std::size_t label, std::size_t other) {
  std::vector<real> form(classes);
  form[label] = 1;
  form[other] = -1;
  return form;
}

Rows rows_of(const Graph& graph, std::span<const Form> forms) {
  Rows rows;
  rows.value = graph.logits();
  const std::size_t classes = graph.features(rows.value);
  rows.forms = Tensor(graph.shape(rows.value).with_front(forms.size()));
  for (std::size_t row = 0; row < forms.size(); ++row) {
    rows.sample.push_back(forms[row].sample);
    std::ranges::copy(forms[row].form, rows.forms.mutable_data() + row * classes);
  }
  return rows;
}

void improve(const Graph& graph, const Known& known, std::span<const std::vector<KinkAt>> kinks,
             std::span<Form* const> forms, unsigned steps, bool until_done, Tape& tape) {
  std::vector<Work> all;
  for (Form* const form : forms) {
    if (!until_done || !form->done()) all.push_back(work_of(graph, known, kinks[form->sample], *form));
  }
  Rows rows;
  for (unsigned step = 0; !all.empty(); ++step) {
    if (rows.size() != all.size()) rows = rows_at_work(graph, known, all);
    set_slopes(graph, all, rows);
    const Lower lower = lower_bounds(graph, known, rows, true, 0, tape);
    const Tensor points = minimisers(known, rows, lower);
    for (std::size_t row = 0; row < all.size(); ++row) keep_if_better(known, all[row], lower, points, row);
    if (step == steps) break;
    const std::vector<Tensor> inputs = replay(graph, known, rows, lower, points, tape);
    for (std::size_t row = 0; row < all.size(); ++row) ascend(graph, all[row], lower, inputs, row);
    std::erase_if(all, [=](const Work& work) { return until_done && work.form->done(); });
  }
}

Known known_of(const Graph& graph, Known known, BoundMethod method, Slope slope, Tape& tape) {
  for (std::size_t k = 0; k < graph.ops.size(); ++k) {
    relax(graph, k, slope, known, tape);
    bound_by_intervals(graph, k, known, tape);
    if (method == BoundMethod::crown || method == BoundMethod::alpha) tighten(graph, k + 1, known, tape);
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
