// The rounding of float32 programs.
#include "detail/rounding.hpp"

#include <algorithm>
#include <cmath>

#include "detail/curves.hpp"

namespace hans::nn::bounds {
namespace {

/// What an affine op adds to the error of its operands, and the error of its output.
struct AffineError {
  Tensor own, all;
};
AffineError affine_error(const Op& op, std::size_t k, const Known& known, const std::vector<Tensor>& error,
                         Tape& tape) {
  AffineError made;
  made.all = op.affine.magnitude(tape, operands_of(op, error));
  made.own = Tensor(made.all.shape());
  const std::size_t terms = op.affine.forward_terms;
  if (terms == 0) return made;
  // A feature that is 0 in every evaluation adds nothing, in any order of the sum.
  std::vector<std::size_t> alive(known.count, 0);
  for (const std::size_t value : op.from) {
    const std::size_t size = error[value].size() / known.count;
    for (std::size_t i = 0; i < error[value].size(); ++i) {
      alive[i / size] += known.reach[value].data()[i] != 0 || error[value].data()[i] != 0 ? std::size_t{1} : 0;
    }
  }
  const double tiny = static_cast<double>(terms + 2) * smallest_float;
  const double kernels = 1 + 2 * gamma(terms + 2, unit_of_kernels);
  const Tensor mass = known.mass[k].size() > 0 ? known.mass[k] : mass_of(op, known, tape);
  for (std::size_t i = 0; i < mass.size(); ++i) {
    // Two more roundings: the bias and, in a mean, the division.
    const double rounding = gamma(std::min(terms, alive[i / op.out.elements()] + 1) + 2, unit_of_float);
    const double given = double{made.all.data()[i]} * kernels;
    const double own = rounding * (double{mass.data()[i]} + given) + tiny;
    made.own.mutable_data()[i] = above(own);
    made.all.mutable_data()[i] = above(given + own);
  }
  return made;
}

/// The error of a function of one number whose operand errs by `given`, or of a maximum.
double function_error(const Op& op, std::size_t i, const Known& known, const Tensor& error) {
  const Tensor &low = known.low[op.from[0]], &high = known.high[op.from[0]];
  if (op.kind == Kind::select) {
    const std::size_t size = op.out.elements(), in = error.size() / known.count;
    double all = 0;
    for (const std::uint32_t each : op.select.candidates[i % size]) {
      all = std::max(all, double{error.data()[i / size * in + each]});
    }
    return all;
  }
  const double given = double{error.data()[i]};
  const double l = double{low.data()[i]} - given, u = double{high.data()[i]} + given;
  if (op.kind == Kind::curve) {
    const double all = op.curve.steepness(l, u) * given;
    return all + curve_error * std::max(1.0, std::max(std::abs(l), std::abs(u)) * op.curve.steepness(l, u) + 1 + all);
  }
  const std::size_t unit = i % op.kink.left.size();
  const double left = std::abs(double{op.kink.left[unit]}), right = std::abs(double{op.kink.right[unit]});
  const double steep = l > 0 ? right : u < 0 ? left : std::max(left, right);
  if (steep == 0 || steep == 1) return steep * given;
  return steep * given * (1 + 2 * unit_of_float) + unit_of_float * steep * std::max(std::abs(l), std::abs(u)) +
         smallest_float;
}

}  // namespace

FloatError::FloatError(const Graph& graph, const Known& known, Tape& tape) : graph_(graph) {
  std::vector<Tensor> error(graph.ops.size() + 1);
  error[0] = Tensor(known.low[0].shape());  // images are float32
  for (std::size_t k = 0; k < graph.ops.size(); ++k) {
    const Op& op = graph.ops[k];
    if (op.kind == Kind::affine) {
      AffineError made = affine_error(op, k, known, error, tape);
      error[k + 1] = std::move(made.all);
      own_ = std::move(made.own);
    } else {
      error[k + 1] = Tensor(op.out.with_front(known.count));
      real* const to = error[k + 1].mutable_data();
      for (std::size_t i = 0; i < error[k + 1].size(); ++i)
        to[i] = above(function_error(op, i, known, error[op.from[0]]));
    }
  }
  logits_ = error.back();
  softmax_.assign(known.count, 0);
  for (std::size_t sample = 0; sample < known.count && graph.softmax; ++sample) {
    for (const real reach : known.of(known.reach, graph.logits(), sample)) {
      softmax_[sample] = std::max(softmax_[sample], 4 * curve_error + 16 * unit_of_float * double{reach});
    }
  }
  const Op& last = graph.ops.back();
  if (last.kind == Kind::affine && last.from.size() == 1) before_ = error[last.from[0]];
}

std::vector<double> FloatError::of(const Rows& rows, Tape& tape) const {
  const std::size_t classes = graph_.features(graph_.logits());
  const bool shared = before_.size() > 0;
  const AffineMap& map = graph_.ops.back().affine;
  Tensor back;
  if (shared) back = map.backward(tape, rows.forms.reshaped(graph_.ops.back().out.with_front(rows.size())))[0];
  std::vector<double> all;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const real* const form = rows.forms.data() + row * classes;
    const std::size_t first = rows.sample[row] * classes;
    double apart = 0, own = 0;
    for (std::size_t j = 0; j < classes; ++j) {
      apart += std::abs(double{form[j]}) * double{logits_.data()[first + j]};
      own += std::abs(double{form[j]}) * double{own_.data()[first + j]};
    }
    if (shared) {
      const std::size_t size = back.size() / rows.size();
      double together = 0;
      for (std::size_t i = 0; i < size; ++i) {
        together += std::abs(double{back.data()[row * size + i]}) * double{before_.data()[rows.sample[row] * size + i]};
      }
      // The coefficients are rounded, each by at most this share of the magnitudes that `apart` sums.
      const double rounding = gamma(map.backward_terms + 2, unit_of_kernels);
      apart = std::min(apart, together * (1 + 0x1p-20) + own + rounding * apart);
    }
    all.push_back((apart + softmax_[rows.sample[row]]) * (1 + 0x1p-20));
  }
  return all;
}

}  // namespace hans::nn::bounds
