// Linear bounds of linear forms, computed from a value back to the images.
#include "detail/rows.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include <hans/core/error.hpp>
#include <hans/core/kernels.hpp>
#include "detail/curves.hpp"
#include "detail/windows.hpp"

namespace hans::nn::bounds {
namespace {

constexpr double unit_of_totals = 0x1p-40;  // of the few sums in double

/// What a row has become: a constant, what rounding may have taken from it here, and in a float32 program.
struct Total {
  double constant = 0, error = 0, float_error = 0;
};

/// The relative error of the kernels' sums of n products, 16 partial sums each, and of a factor or two.
double gamma_of_sum(std::size_t n) { return gamma(n / 16 + 8, unit_of_kernels); }

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
      forms_[value] = {rows_.forms};
      if (graph_.softmax && value == graph_.logits()) softmax();
    } else {
      start(value);
    }
    for (; value > stop; --value) {
      if (!forms_[value]) continue;
      Coefficients forms = std::move(*forms_[value]);
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
    if (keep_ && forms_[stop]) forms_[stop] = spread(std::move(*forms_[stop]), graph_.shape(stop));
    finish(stop);
    for (const Total& total : totals_) {
      lower_.bound.push_back(total.constant - total.error * (1 + 0x1p-20));
      lower_.float32.push_back(lower_.bound.back() - total.float_error * (1 + 0x1p-20));
    }
    if (forms_[stop] && !forms_[stop]->windowed()) lower_.at_images = std::move(forms_[stop]->rows);
    return std::move(lower_);
  }

 private:
  /// Rows that are one unit: windows of one place; or the first affine op back is a column of it, without rounding.
  void start(std::size_t value) {
    const Op* const op = value > 0 ? &graph_.ops[value - 1] : nullptr;
    const Shape& shape = graph_.shape(value);
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
      forms_[op->from[0]] = {forms.reshaped(graph_.shape(op->from[0]).with_front(rows_.size()))};
      return;
    }
    const bool local = op != nullptr && op->kind == Kind::affine && op->affine.local;
    Coefficients forms{Tensor(local ? Shape{rows_.size(), 1, 1, shape[2]} : shape.with_front(rows_.size()))};
    for (std::size_t row = 0; row < rows_.size(); ++row) {
      const std::size_t unit = rows_.units[row], place = local ? unit / shape[2] : 0;
      forms.row(row)[local ? unit % shape[2] : unit] = rows_.sign;
      if (!local) continue;
      forms.corners.push_back(
          {static_cast<std::ptrdiff_t>(place / shape[1]), static_cast<std::ptrdiff_t>(place % shape[1])});
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
  void give(std::size_t value, Coefficients forms) {
    std::optional<Coefficients>& there = forms_[value];
    if (!there) {
      there = std::move(forms);
      return;
    }
    forms = spread(std::move(forms), graph_.shape(value));
    there = spread(std::move(*there), graph_.shape(value));
    const std::size_t size = forms.width();
    for (std::size_t row = 0; row < rows_.size(); ++row) {
      const real* const reach = known_.of(known_.reach, value, rows_.sample[row]).data();
      const double mass = double{kernels::bound_add(size, std::as_const(forms).row(row), reach, there->row(row))};
      totals_[row].error += unit_of_kernels * (1 + gamma_of_sum(size)) * mass;
    }
  }

  void affine(const Op& op, std::size_t k, Coefficients forms) {
    if (!op.affine.local) forms = spread(std::move(forms), op.out);
    if (known_.mass[k].size() > 0) {
      const std::size_t size = forms.width();
      const bool shifted = op.affine.offset.size() > 0;
      const double sum = gamma_of_sum(size);
      Parts parts(op.out, forms, {&known_.mass[k], shifted ? &op.affine.offset : &known_.mass[k]});
      for (std::size_t row = 0; row < rows_.size(); ++row) {
        parts.go_to(row, rows_.sample[row]);
        const kernels::AffineSums sums = kernels::bound_affine(size, std::as_const(forms).row(row), parts[0], parts[1]);
        // Coefficients that are 0 add nothing to the sums of a product, in any order.
        const std::size_t roundings = std::min(op.affine.backward_terms, static_cast<std::size_t>(sums.used)) + 2;
        const double error =
            gamma(roundings, unit_of_kernels) * double{sums.mass} + (shifted ? sum * double{sums.shifts} : 0);
        const double underflow = known_.underflow[k][rows_.sample[row]] + static_cast<double>(size) * smallest_float;
        add(row, shifted ? double{sums.shift} : 0, error * (1 + 2 * sum) + underflow);
        totals_[row].float_error += known_.share[k][rows_.sample[row]] * double{sums.mass} * (1 + 2 * sum);
      }
    }
    if (forms.windowed()) {
      give(op.from[0], pass_back(op.affine, forms, graph_.shape(op.from[0]), tape_));
      return;
    }
    std::vector<Tensor> parts = op.affine.backward(tape_, forms.rows);
    for (std::size_t part = 0; part < parts.size(); ++part) give(op.from[part], {std::move(parts[part])});
  }

  /// The rows' own slopes below kinks; nullptr: those of Known.
  const Tensor* slopes_of(std::size_t k) const {
    return rows_.slopes.size() > k && rows_.slopes[k].size() > 0 ? &rows_.slopes[k] : nullptr;
  }

  void function(const Op& op, std::size_t k, Coefficients forms) {
    if (keep_ || slopes_of(k) != nullptr) forms = spread(std::move(forms), op.out);
    if (keep_) lower_.nu[k] = forms.rows;
    const std::size_t from = op.from[0], size = forms.width();
    if (known_.own[k].size() > 0) {
      Parts parts(op.out, forms, {&known_.own[k]});
      for (std::size_t row = 0; row < rows_.size(); ++row) {
        parts.go_to(row, rows_.sample[row]);
        const real* const form = std::as_const(forms).row(row);
        for (std::size_t i = 0; i < size; ++i) {
          totals_[row].float_error += std::abs(double{form[i]}) * double{parts[0][i]};
        }
      }
    }
    const Lines& lines = known_.lines[k];
    const Tensor* const own = slopes_of(k);
    Parts parts(op.out, forms,
                {&lines.lower_slope, &lines.lower_add, &lines.upper_slope, &lines.upper_add, &known_.reach[from]});
    std::vector<std::pair<std::size_t, real>> held;  // splits of this op, and their coefficients
    for (std::size_t row = 0; row < rows_.size(); ++row) {
      const std::size_t sample = rows_.sample[row];
      parts.go_to(row, sample);
      real* const form = forms.row(row);
      const real* const lower = own != nullptr ? row_of(*own, row) : parts[0];
      const real* const reach = parts[4];
      held.clear();
      for (std::size_t i = 0; row < rows_.splits.size() && i < rows_.splits[row].size(); ++i) {
        const Split& split = rows_.splits[row][i];
        if (split.op != k) continue;
        held.emplace_back(i, form[split.unit]);
        form[split.unit] = 0;
      }
      const double sum = gamma_of_sum(size);
      const kernels::LineSums sums = kernels::bound_lines(size, lower, parts[1], parts[2], parts[3], reach, form);
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

  void select(const Op& op, std::size_t k, Coefficients forms) {
    forms = spread(std::move(forms), op.out);
    if (keep_) lower_.nu[k] = forms.rows;
    const Chosen& chosen = known_.chosen[k];
    const std::size_t size = forms.width(), from = op.from[0];
    Coefficients parts{Tensor(graph_.shape(from).with_front(rows_.size()))};
    for (std::size_t row = 0; row < rows_.size(); ++row) {
      const std::size_t first = rows_.sample[row] * size;
      const real* const form = std::as_const(forms).row(row);
      const real* const high = known_.of(known_.high, k + 1, rows_.sample[row]).data();
      const real* const reach = known_.of(known_.reach, from, rows_.sample[row]).data();
      real* const to = parts.row(row);
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

  /// Adds the smallest value of each form on its set of images, or on the bounds of value `stop`.
  void finish(std::size_t stop) {
    if (!forms_[stop]) return;
    const Coefficients& forms = *forms_[stop];
    const Ball& ball = known_.ball;
    const bool dual = stop == 0 && ball.norm != Norm::linf;
    const std::size_t size = forms.width();
    const double rounding = gamma_of_sum(size);
    const Tensor& low = known_.low[stop];
    Parts parts(graph_.shape(stop), forms,
                {&low, &known_.high[stop], &known_.reach[stop], dual ? &known_.centres : &low});
    for (std::size_t row = 0; row < rows_.size(); ++row) {
      parts.go_to(row, rows_.sample[row]);
      const real* const form = forms.row(row);
      const kernels::BoxSums sums = kernels::bound_box(size, form, parts[0], parts[1], parts[2]);
      double least = double{sums.least} - rounding * (1 + 2 * rounding) * double{sums.mass};
      if (dual) least = std::max(least, least_in_ball(ball, size, form, parts[3]));
      add(row, least, static_cast<double>(size) * smallest_float);
    }
  }

  /// In the ball alone, by the dual norm.
  static double least_in_ball(const Ball& ball, std::size_t size, const real* form, const real* centre) {
    double dot = 0, squares = 0, largest = 0, magnitude = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const double c = double{form[i]}, product = c * double{centre[i]};
      dot += product;
      magnitude += std::abs(product);
      squares += c * c;
      largest = std::max(largest, std::abs(c));
    }
    const double norm = ball.norm == Norm::l2 ? std::sqrt(squares) : largest;
    return dot - double{ball.eps} * norm * (1 + 0x1p-30) - 0x1p-30 * magnitude;
  }

  const Graph& graph_;
  const Known& known_;
  const Rows& rows_;
  const bool keep_;
  Tape& tape_;
  std::vector<std::optional<Coefficients>> forms_;  // per value: the coefficients
  std::vector<Total> totals_;
  Lower lower_;
};

}  // namespace

Lower lower_bounds(const Graph& graph, const Known& known, const Rows& rows, bool keep, std::size_t stop, Tape& tape) {
  return Pass(graph, known, rows, keep, tape).run(stop);
}

}  // namespace hans::nn::bounds
