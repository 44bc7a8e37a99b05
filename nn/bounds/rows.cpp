// Linear bounds of linear forms, computed from a value back to the images.
#include "detail/rows.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include <hans/core/error.hpp>
#include <hans/core/kernels.hpp>
#include "detail/curves.hpp"

namespace hans::nn::bounds {
namespace {

constexpr std::size_t rows_at_once = 256;
constexpr double unit_of_totals = 0x1p-40;  // of the few sums in double

/// What a row has become: a constant, what rounding may have taken from it here, and in a float32 program.
struct Total {
  double constant = 0, error = 0, float_error = 0;
};

/// The relative error of the kernels' sums of n products, 16 partial sums each, and of a factor or two.
double gamma_of_sum(std::size_t n) { return gamma(n / 16 + 8, unit_of_kernels); }

real* row_of(Tensor& rows, std::size_t row) { return rows.mutable_data() + row * (rows.size() / rows.shape()[0]); }
const real* row_of(const Tensor& rows, std::size_t row) { return rows.data() + row * (rows.size() / rows.shape()[0]); }

std::size_t width(const Tensor& rows) { return rows.size() / std::max<std::size_t>(1, rows.shape()[0]); }

class Pass {
 public:
  Pass(const Graph& graph, const Known& known, const Rows& rows, bool keep, Tape& tape)
      : graph_(graph),
        known_(known),
        rows_(rows),
        keep_(keep),
        tape_(tape),
        forms_(graph.ops.size() + 1),
        totals_(rows.size()) {
    lower_.nu.resize(graph.ops.size());
  }

  Lower run(std::size_t stop) {
    std::size_t value = rows_.value;
    if (rows_.forms.size() > 0) {
      forms_[value] = rows_.forms;
      if (graph_.softmax && value == graph_.logits()) softmax();
    } else {
      start(value);
    }
    for (; value > stop; --value) {
      if (!forms_[value]) continue;
      Tensor forms = std::move(*forms_[value]);
      forms_[value].reset();
      const Op& op = graph_.ops[value - 1];
      if (op.kind == Kind::affine) {
        affine(op, value - 1, std::move(forms));
      } else if (op.kind == Kind::select) {
        select(op, value - 1, std::move(forms));
      } else {
        function(op, value - 1, std::move(forms));
      }
    }
    for (std::size_t row = 0; row < rows_.size(); ++row) finish(row, stop);
    if (forms_[stop]) lower_.at_images = std::move(*forms_[stop]);
    return std::move(lower_);
  }

 private:
  /// Rows that are one unit: the first affine op back is a column of it, without rounding.
  void start(std::size_t value) {
    const Op* const op = value > 0 ? &graph_.ops[value - 1] : nullptr;
    const std::size_t size = graph_.features(value);
    if (op != nullptr && op->kind == Kind::affine && op->affine.column) {
      Tensor forms = op->affine.column(rows_.units);
      if (rows_.sign < 0) {
        for (real& each : forms.mutable_values()) each = -each;
      }
      const Tensor& offset = op->affine.offset;
      for (std::size_t row = 0; row < rows_.size(); ++row) {
        const std::size_t unit = rows_.units[row], sample = rows_.sample[row];
        if (offset.size() > 0) add(row, double{rows_.sign} * double{offset.data()[unit]});
        totals_[row].float_error +=
            known_.share[value - 1][sample] * double{known_.of(known_.mass, value - 1, sample)[unit]};
      }
      forms_[op->from[0]] = forms.reshaped(graph_.shape(op->from[0]).with_front(rows_.size()));
      return;
    }
    Tensor forms(graph_.shape(value).with_front(rows_.size()));
    for (std::size_t row = 0; row < rows_.size(); ++row) {
      forms.mutable_data()[row * size + rows_.units[row]] = rows_.sign;
    }
    forms_[value] = std::move(forms);
  }

  /// A softmax at the end may turn close logits into a tie: exp errs, and what it takes is a rounded difference. Its
  /// outputs shrink as their logits fall below the largest, the errors of a sum of 1 do not.
  void softmax() {
    for (std::size_t row = 0; row < rows_.size(); ++row) {
      const std::size_t sample = rows_.sample[row];
      const std::span<const real> low = known_.of(known_.low, rows_.value, sample);
      const std::span<const real> high = known_.of(known_.high, rows_.value, sample);
      const real* const form = row_of(std::as_const(rows_.forms), row);
      double reach = 0, size = 0, top = -std::numeric_limits<double>::infinity(), least = -top;
      for (std::size_t j = 0; j < low.size(); ++j) {
        reach = std::max({reach, std::abs(double{low[j]}), std::abs(double{high[j]})});
        size += std::abs(double{form[j]});
        top = std::max(top, double{high[j]});
        if (form[j] > 0) least = std::min(least, double{low[j]});
      }
      double far = 1;
      if (graph_.any_pair) {
        const double gap = std::max(0.0, top - least);
        far = gap < 12 ? 1.001 * double{hans::exp(above(gap))} : std::numeric_limits<double>::infinity();
      }
      totals_[row].float_error += size * (2 * curve_error + 8 * unit_of_float * reach) * far;
    }
  }

  void add(std::size_t row, double constant, double error = 0) {
    totals_[row].constant += constant;
    totals_[row].error += error + unit_of_totals * std::abs(constant);
  }

  /// Adds coefficients of a value to those that are there.
  void give(std::size_t value, Tensor forms) {
    std::optional<Tensor>& there = forms_[value];
    if (!there) {
      there = std::move(forms);
      return;
    }
    const std::size_t size = width(forms);
    for (std::size_t row = 0; row < rows_.size(); ++row) {
      real* const to = row_of(*there, row);
      const real* const from = row_of(std::as_const(forms), row);
      const real* const reach = known_.of(known_.reach, value, rows_.sample[row]).data();
      const double mass = double{kernels::bound_add(size, from, reach, to)};
      totals_[row].error += unit_of_kernels * (1 + gamma_of_sum(size)) * mass;
    }
  }

  void affine(const Op& op, std::size_t k, Tensor forms) {
    if (known_.mass[k].size() > 0) {
      const std::size_t size = width(forms);
      const bool shifted = op.affine.offset.size() > 0;
      const double sum = gamma_of_sum(size);
      for (std::size_t row = 0; row < rows_.size(); ++row) {
        const real* const mass = known_.of(known_.mass, k, rows_.sample[row]).data();
        const kernels::AffineSums sums = kernels::bound_affine(size, row_of(std::as_const(forms), row), mass,
                                                               shifted ? op.affine.offset.data() : mass);
        // Coefficients that are 0 add nothing to the sums of a product, in any order.
        const std::size_t roundings = std::min(op.affine.backward_terms, static_cast<std::size_t>(sums.used)) + 2;
        const double error =
            gamma(roundings, unit_of_kernels) * double{sums.mass} + (shifted ? sum * double{sums.shifts} : 0);
        const double underflow = known_.underflow[k][rows_.sample[row]] + static_cast<double>(size) * smallest_float;
        add(row, shifted ? double{sums.shift} : 0, error * (1 + 2 * sum) + underflow);
        totals_[row].float_error += known_.share[k][rows_.sample[row]] * double{sums.mass} * (1 + 2 * sum);
      }
    }
    std::vector<Tensor> parts = op.affine.backward(tape_, forms);
    for (std::size_t part = 0; part < parts.size(); ++part) give(op.from[part], std::move(parts[part]));
  }

  void function(const Op& op, std::size_t k, Tensor forms) {
    if (keep_) lower_.nu[k] = forms;
    for (std::size_t row = 0; row < rows_.size() && known_.own[k].size() > 0; ++row) {
      const real* const form = row_of(std::as_const(forms), row);
      const std::span<const real> own = known_.of(known_.own, k, rows_.sample[row]);
      for (std::size_t i = 0; i < own.size(); ++i) {
        totals_[row].float_error += std::abs(double{form[i]}) * double{own[i]};
      }
    }
    const Lines& lines = known_.lines[k];
    const std::size_t from = op.from[0], size = width(forms);
    const bool own = rows_.slopes.size() > k && rows_.slopes[k].size() > 0;
    std::vector<std::pair<std::size_t, real>> held;  // splits of this op, and their coefficients
    for (std::size_t row = 0; row < rows_.size(); ++row) {
      const std::size_t sample = rows_.sample[row], first = sample * size;
      real* const form = row_of(forms, row);
      const real* const lower = own ? row_of(rows_.slopes[k], row) : lines.lower_slope.data() + first;
      const real* const upper = lines.upper_slope.data() + first;
      const real *const lower_add = lines.lower_add.data() + first, *const upper_add = lines.upper_add.data() + first;
      const real* const reach = known_.of(known_.reach, from, sample).data();
      held.clear();
      for (std::size_t i = 0; row < rows_.splits.size() && i < rows_.splits[row].size(); ++i) {
        const Split& split = rows_.splits[row][i];
        if (split.op != k) continue;
        held.emplace_back(i, form[split.unit]);
        form[split.unit] = 0;
      }
      const double sum = gamma_of_sum(size);
      const kernels::LineSums sums = kernels::bound_lines(size, lower, lower_add, upper, upper_add, reach, form);
      double all = double{sums.mass} * (1 + 2 * sum);
      for (const auto& [i, nu] : held) {
        const Split& split = rows_.splits[row][i];
        const real slope = split.sign > 0 ? op.kink.right[split.unit] : op.kink.left[split.unit];
        real& out = form[split.unit];
        out = static_cast<real>(double{nu} * double{slope} - double{split.sign} * double{split.multiplier});
        all += std::abs(double{out}) * double{reach[split.unit]};
      }
      add(row, double{sums.constant},
          unit_of_kernels * all + sum * (1 + 2 * sum) * double{sums.constants} + known_.underflow[k][sample] +
              static_cast<double>(size) * smallest_float);
    }
    give(from, std::move(forms));
  }

  void select(const Op& op, std::size_t k, Tensor forms) {
    if (keep_) lower_.nu[k] = forms;
    const Chosen& chosen = known_.chosen[k];
    const std::size_t size = width(forms), from = op.from[0];
    Tensor parts(graph_.shape(from).with_front(rows_.size()));
    for (std::size_t row = 0; row < rows_.size(); ++row) {
      const std::size_t first = rows_.sample[row] * size;
      const real* const form = row_of(std::as_const(forms), row);
      const real* const high = known_.of(known_.high, k + 1, rows_.sample[row]).data();
      const real* const reach = known_.of(known_.reach, from, rows_.sample[row]).data();
      real* const to = row_of(parts, row);
      double constant = 0, constants = 0, mass = 0;
      for (std::size_t i = 0; i < size; ++i) {
        if (form[i] >= 0 || chosen.alone[first + i] != 0) {
          const std::uint32_t place = chosen.candidate[first + i];
          to[place] += form[i];
          mass += std::abs(double{to[place]}) * double{reach[place]};
        } else {
          const double term = double{form[i]} * double{high[i]};
          constant += term;
          constants += std::abs(term);
        }
        mass += form[i] != form[i] ? double{form[i]} : 0;  // NaN stays NaN
      }
      add(row, constant, unit_of_kernels * mass + 0x1p-30 * constants);
    }
    give(from, std::move(parts));
  }

  /// Adds the smallest value of a form on its set of images, or on the bounds of value `stop`.
  void finish(std::size_t row, std::size_t stop) {
    const std::size_t sample = rows_.sample[row];
    Total& total = totals_[row];
    if (forms_[stop]) {
      const real* const form = row_of(std::as_const(*forms_[stop]), row);
      const real* const low = known_.of(known_.low, stop, sample).data();
      const real* const high = known_.of(known_.high, stop, sample).data();
      const real* const reach = known_.of(known_.reach, stop, sample).data();
      const std::size_t size = width(*forms_[stop]);
      const double rounding = gamma_of_sum(size);
      const kernels::BoxSums sums = kernels::bound_box(size, form, low, high, reach);
      double least = double{sums.least} - rounding * (1 + 2 * rounding) * double{sums.mass};
      const Ball& ball = known_.ball;
      if (stop == 0 && ball.norm != Norm::linf) {  // the ball alone, by the dual norm
        const real* const centre = known_.centres.data() + sample * size;
        double dot = 0, squares = 0, largest = 0, magnitude = 0;
        for (std::size_t i = 0; i < size; ++i) {
          const double c = double{form[i]}, product = c * double{centre[i]};
          dot += product;
          magnitude += std::abs(product);
          squares += c * c;
          largest = std::max(largest, std::abs(c));
        }
        const double dual = ball.norm == Norm::l2 ? std::sqrt(squares) : largest;
        least = std::max(least, dot - double{ball.eps} * dual * (1 + 0x1p-30) - 0x1p-30 * magnitude);
      }
      add(row, least, static_cast<double>(size) * smallest_float);
    }
    lower_.bound.push_back(total.constant - total.error * (1 + 0x1p-20));
    lower_.float32.push_back(lower_.bound.back() - total.float_error * (1 + 0x1p-20));
  }

  const Graph& graph_;
  const Known& known_;
  const Rows& rows_;
  const bool keep_;
  Tape& tape_;
  std::vector<std::optional<Tensor>> forms_;  // per value: the coefficients
  std::vector<Total> totals_;
  Lower lower_;
};

}  // namespace

Lower lower_bounds(const Graph& graph, const Known& known, const Rows& rows, bool keep, std::size_t stop, Tape& tape) {
  return Pass(graph, known, rows, keep, tape).run(stop);
}

Tensor minimisers(const Known& known, const Rows& rows, const Lower& lower) {
  Tensor points = Tensor::uninitialised(lower.at_images.shape());
  const std::size_t size = width(points);
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const real* const form = row_of(lower.at_images, row);
    const real* const low = known.of(known.low, 0, rows.sample[row]).data();
    const real* const high = known.of(known.high, 0, rows.sample[row]).data();
    real* const __restrict point = row_of(points, row);
    for (std::size_t i = 0; i < size; ++i) {
      const real l = low[i], u = high[i];
      point[i] = form[i] >= 0 ? l : u;
    }
  }
  return points;
}

std::vector<Tensor> replay(const Graph& graph, const Known& known, const Rows& rows, const Lower& lower,
                           const Tensor& points, Tape& tape) {
  std::vector<Tensor> values(graph.ops.size() + 1), inputs(graph.ops.size());
  values[0] = points;
  for (std::size_t k = 0; k < graph.ops.size(); ++k) {
    const Op& op = graph.ops[k];
    if (op.kind == Kind::affine) {
      std::vector<Tensor> x;
      for (const std::size_t from : op.from) x.push_back(values[from]);
      values[k + 1] = op.affine.forward(tape, x);
      continue;
    }
    const Tensor& in = values[op.from[0]];
    inputs[k] = in;
    Tensor out = Tensor::uninitialised(op.out.with_front(rows.size()));
    const std::size_t size = width(out);
    const bool own = rows.slopes.size() > k && rows.slopes[k].size() > 0;
    for (std::size_t row = 0; row < rows.size(); ++row) {
      const std::size_t first = rows.sample[row] * size;
      const real* const z = row_of(in, row);
      const real* const nu = lower.nu[k].size() > 0 ? row_of(lower.nu[k], row) : nullptr;
      real* const to = row_of(out, row);
      if (op.kind == Kind::select) {
        const real* const high = known.of(known.high, k + 1, rows.sample[row]).data();
        for (std::size_t i = 0; i < size; ++i) {
          const bool one = known.chosen[k].alone[first + i] != 0 || nu == nullptr || nu[i] >= 0;
          to[i] = one ? z[known.chosen[k].candidate[first + i]] : high[i];
        }
        continue;
      }
      const Lines& lines = known.lines[k];
      const real* const below_slope = own ? row_of(rows.slopes[k], row) : lines.lower_slope.data() + first;
      for (std::size_t i = 0; i < size; ++i) {
        const bool positive = nu == nullptr || nu[i] >= 0;
        to[i] = z[i] * (positive ? below_slope[i] : lines.upper_slope.data()[first + i]) +
                (positive ? lines.lower_add : lines.upper_add).data()[first + i];
      }
      if (row >= rows.splits.size()) continue;
      for (const Split& split : rows.splits[row]) {
        if (split.op != k) continue;
        to[split.unit] = z[split.unit] * (split.sign > 0 ? op.kink.right : op.kink.left)[split.unit];
      }
    }
    values[k + 1] = std::move(out);
  }
  return inputs;
}

void tighten(const Graph& graph, std::size_t value, Known& known, Tape& tape) {
  bool any = false, all = false;  // whether functions read it, and whether they need better bounds of every unit
  for (const Op& op : graph.ops) {
    if (op.kind == Kind::affine || op.from[0] != value) continue;
    any = true;
    all = all || op.kind != Kind::kink;
  }
  if (!any || value == 0) return;
  const std::size_t size = graph.features(value);
  std::vector<std::size_t> open;  // sample * size + unit
  for (std::size_t i = 0; i < known.low[value].size(); ++i) {
    const real l = known.low[value].data()[i], u = known.high[value].data()[i];
    if (known.finite[i / size] && (all ? l < u : l < 0 && u > 0)) open.push_back(i);
  }
  for (std::size_t first = 0; first < open.size(); first += rows_at_once) {
    const std::size_t count = std::min(rows_at_once, open.size() - first);
    Rows rows;
    rows.value = value;
    for (std::size_t i = first; i < first + count; ++i) {
      rows.sample.push_back(static_cast<std::uint32_t>(open[i] / size));
      rows.units.push_back(open[i] % size);
    }
    const std::vector<double> low = lower_bounds(graph, known, rows, false, 0, tape).float32;
    rows.sign = -1;
    const std::vector<double> high = lower_bounds(graph, known, rows, false, 0, tape).float32;
    for (std::size_t i = 0; i < count; ++i) {
      real& l = known.low[value].mutable_data()[open[first + i]];
      real& u = known.high[value].mutable_data()[open[first + i]];
      const real cut_l = below(low[i]), cut_u = above(-high[i]);
      if (cut_l > l && cut_l <= u) l = cut_l;
      if (cut_u < u && cut_u >= l) u = cut_u;
    }
  }
  set_reach(known, value);
}

}  // namespace hans::nn::bounds
