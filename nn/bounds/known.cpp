// Interval bounds, the lines that enclose functions, and the rounding of float programs.
#include "detail/known.hpp"

#include <algorithm>
#include <cmath>

#include <hans/core/error.hpp>
#include "detail/curves.hpp"

namespace hans::nn::bounds {
namespace {

/// Beyond it, float32 may overflow on the way to a value.
constexpr real most_value = real{1e25F};

real slope_of(const std::vector<real>& slopes, std::size_t i) { return slopes[i % slopes.size()]; }

}  // namespace

std::vector<Tensor> operands_of(const Op& op, const std::vector<Tensor>& all) {
  std::vector<Tensor> x;
  for (const std::size_t value : op.from) x.push_back(all[value]);
  return x;
}

void set_reach(Known& known, std::size_t value) {
  Tensor reach = Tensor::uninitialised(known.low[value].shape());
  for (std::size_t i = 0; i < reach.size(); ++i) {
    reach.mutable_data()[i] = std::max(std::abs(known.low[value].data()[i]), std::abs(known.high[value].data()[i]));
  }
  known.reach[value] = std::move(reach);
}

namespace {

/// Centre and radius (Rump 1999): the radius is widened beforehand for the rounding of the centre.
void affine_intervals(const Op& op, std::size_t k, const Known& known, Tensor& out_low, Tensor& out_high, Tape& tape) {
  std::vector<Tensor> low = operands_of(op, known.low), high = operands_of(op, known.high);
  const std::size_t terms = op.affine.forward_terms;
  if (terms == 0) {  // moves and signs
    out_low = op.affine.forward(tape, low);
    out_high = op.affine.forward(tape, high);
    real *const a = out_low.mutable_data(), *const b = out_high.mutable_data();
    for (std::size_t i = 0; i < out_low.size(); ++i) {
      if (a[i] > b[i]) std::swap(a[i], b[i]);
    }
    return;
  }
  const double widening = gamma(terms + 2, unit_of_kernels);
  for (std::size_t x = 0; x < low.size(); ++x) {  // low becomes the centre, high the radius
    real *const a = low[x].mutable_data(), *const b = high[x].mutable_data();
    for (std::size_t i = 0; i < low[x].size(); ++i) {
      const double from = double{a[i]}, to = double{b[i]};
      const real centre = static_cast<real>((from + to) / 2);
      const double radius = std::max(to - double{centre}, double{centre} - from);
      a[i] = centre;
      b[i] = above(radius + widening * (std::abs(double{centre}) + radius));
    }
  }
  const Tensor centre = op.affine.forward(tape, low), radius = op.affine.magnitude(tape, high);
  const double tiny = static_cast<double>(terms + 2) * smallest_float;
  out_low = Tensor::uninitialised(centre.shape());
  out_high = Tensor::uninitialised(centre.shape());
  real *const a = out_low.mutable_data(), *const b = out_high.mutable_data();
  for (std::size_t i = 0; i < centre.size(); ++i) {
    const double error = known.share[k][i / op.out.elements()] * double{known.mass[k].data()[i]};
    const double r = double{radius.data()[i]} * (1 + 2 * widening) + 2 * widening * op.affine.shift(i) + tiny + error;
    a[i] = below(double{centre.data()[i]} - r);
    b[i] = above(double{centre.data()[i]} + r);
  }
}

}  // namespace

Known begin_with_boxes(const Graph& graph, Tensor low, Tensor high) {
  Known known;
  known.count = low.shape()[0];
  const std::size_t values = graph.ops.size() + 1;
  known.low.resize(values);
  known.high.resize(values);
  known.reach.resize(values);
  known.mass.resize(graph.ops.size());
  known.underflow.resize(graph.ops.size());
  known.share.resize(graph.ops.size());
  known.own.resize(graph.ops.size());
  known.lines.resize(graph.ops.size());
  known.chosen.resize(graph.ops.size());
  known.finite.assign(known.count, true);
  for (std::size_t i = 0; i < low.size(); ++i) {
    const bool holds_one = low.data()[i] <= high.data()[i] && std::isfinite(low.data()[i] - high.data()[i]);
    if (!holds_one) known.finite[i / graph.input.elements()] = false;
  }
  known.low[0] = std::move(low);
  known.high[0] = std::move(high);
  set_reach(known, 0);
  return known;
}

Known begin_with_images(const Graph& graph, const Tensor& images, const Ball& ball) {
  check_usage(ball.norm != Norm::l0, "no bound is known for l0; use linf, l2 or l1");
  check_usage(std::isfinite(ball.eps) && ball.eps >= 0, "eps = ", ball.eps, " is refused: not a number of at least 0");
  check_usage(ball.low < ball.high, "a box from ", ball.low, " to ", ball.high, " holds no image");
  Tensor low = Tensor::uninitialised(images.shape()), high = Tensor::uninitialised(images.shape());
  for (std::size_t i = 0; i < images.size(); ++i) {
    const double x = double{images.data()[i]}, eps = double{ball.eps};
    low.mutable_data()[i] = std::max(below(x - eps), static_cast<real>(ball.low));
    high.mutable_data()[i] = std::min(above(x + eps), static_cast<real>(ball.high));
  }
  Known known = begin_with_boxes(graph, std::move(low), std::move(high));
  known.ball = ball;
  known.centres = images;
  return known;
}

void bound_by_intervals(const Graph& graph, std::size_t k, Known& known, Tape& tape) {
  const Op& op = graph.ops[k];
  Tensor low, high;
  if (op.kind == Kind::affine) {
    affine_intervals(op, k, known, low, high, tape);
  } else {
    const Tensor &from = known.low[op.from[0]], &to = known.high[op.from[0]];
    const std::size_t size = op.out.elements(), in = from.size() / known.count;
    low = Tensor::uninitialised(op.out.with_front(known.count));
    high = Tensor::uninitialised(op.out.with_front(known.count));
    real *const a = low.mutable_data(), *const b = high.mutable_data();
    for (std::size_t i = 0; i < low.size(); ++i) {
      if (op.kind == Kind::kink) {
        const double l = double{from.data()[i]}, u = double{to.data()[i]};
        const double left = double{slope_of(op.kink.left, i)}, right = double{slope_of(op.kink.right, i)};
        const double at_l = l * (l < 0 ? left : right), at_u = u * (u < 0 ? left : right);
        const bool turns = l < 0 && u > 0;
        a[i] = below(turns ? std::min({at_l, at_u, 0.0}) : std::min(at_l, at_u));
        b[i] = above(turns ? std::max({at_l, at_u, 0.0}) : std::max(at_l, at_u));
      } else if (op.kind == Kind::curve) {
        const Enclosure all = enclosure_of(op.curve, from.data()[i], to.data()[i]);
        a[i] = all.low;
        b[i] = all.high;
      } else {
        const std::size_t first = i / size * in;
        a[i] = b[i] = -std::numeric_limits<real>::infinity();
        for (const std::uint32_t candidate : op.select.candidates[i % size]) {
          a[i] = std::max(a[i], from.data()[first + candidate]);
          b[i] = std::max(b[i], to.data()[first + candidate]);
        }
      }
    }
  }
  const Tensor& own = known.own[k];
  for (std::size_t i = 0; i < own.size(); ++i) {
    low.mutable_data()[i] = below(double{low.data()[i]} - double{own.data()[i]});
    high.mutable_data()[i] = above(double{high.data()[i]} + double{own.data()[i]});
  }
  const std::size_t size = low.size() / known.count;
  for (std::size_t i = 0; i < low.size(); ++i) {
    const real l = low.data()[i], u = high.data()[i];
    if (!(l > -most_value && l <= u && u < most_value)) known.finite[i / size] = false;
  }
  known.low[k + 1] = std::move(low);
  known.high[k + 1] = std::move(high);
  set_reach(known, k + 1);
}

namespace {

void relax_kink(const Kink& kink, Slope slope, const Tensor& low, const Tensor& high, Lines& lines) {
  real *const lower = lines.lower_slope.mutable_data(), *const lower_add = lines.lower_add.mutable_data();
  real *const upper = lines.upper_slope.mutable_data(), *const upper_add = lines.upper_add.mutable_data();
  for (std::size_t i = 0; i < low.size(); ++i) {
    const real left = slope_of(kink.left, i), right = slope_of(kink.right, i);
    const double l = double{low.data()[i]}, u = double{high.data()[i]};
    lower_add[i] = upper_add[i] = 0;
    if (!(l < 0 && u > 0)) {
      lower[i] = upper[i] = l >= 0 ? right : left;
      continue;
    }
    const double at_l = l * double{left}, at_u = u * double{right};
    const real chord =
        std::clamp(static_cast<real>((at_u - at_l) / (u - l)), std::min(left, right), std::max(left, right));
    const double over_l = at_l - double{chord} * l, over_u = at_u - double{chord} * u;
    const real free = slope == Slope::zero   ? left
                      : slope == Slope::one  ? right
                      : slope == Slope::same ? chord
                      : u > -l               ? right
                                             : left;
    const bool convex = right >= left;
    (convex ? upper : lower)[i] = chord;
    (convex ? lower : upper)[i] = free;
    if (convex) {
      upper_add[i] = above(std::max({over_l, over_u, 0.0}));
    } else {
      lower_add[i] = below(std::min({over_l, over_u, 0.0}));
    }
  }
}

/// The rounding of a slope: none for those of a relu or an absolute value.
Tensor kink_error(const Kink& kink, const Tensor& reach) {
  const auto rounds = [](real slope) { return slope != 0 && std::abs(slope) != 1; };
  if (std::ranges::none_of(kink.left, rounds) && std::ranges::none_of(kink.right, rounds)) return {};
  Tensor own = Tensor::uninitialised(reach.shape());
  for (std::size_t i = 0; i < own.size(); ++i) {
    const double steep = std::max(std::abs(double{slope_of(kink.left, i)}), std::abs(double{slope_of(kink.right, i)}));
    own.mutable_data()[i] = above(unit_of_float * steep * double{reach.data()[i]} + smallest_float);
  }
  return own;
}

/// Masses and errors of an affine op.
void weigh(const Op& op, std::size_t k, Known& known, Tape& tape) {
  const std::size_t terms = op.affine.forward_terms;
  if (terms == 0 && op.affine.backward_terms == 0 && op.affine.offset.size() == 0) return;
  Tensor mass = op.affine.magnitude(tape, operands_of(op, known.reach));
  const double more = 1 + 2 * gamma(terms + 2, unit_of_kernels);
  for (std::size_t i = 0; i < mass.size(); ++i) {
    mass.mutable_data()[i] = above((double{mass.data()[i]} + op.affine.shift(i)) * more + least_mass);
  }
  known.mass[k] = std::move(mass);
  known.share[k].clear();
  for (std::size_t sample = 0; sample < known.count; ++sample) {
    std::size_t alive = 0;  // features that are always 0 add nothing, in any order of the sum
    for (const std::size_t value : op.from) {
      for (const real each : known.of(known.reach, value, sample)) alive += each != 0 ? std::size_t{1} : 0;
    }
    // Two more roundings: the bias and, in a mean, the division. Scalings round more often than there are features.
    const std::size_t roundings = terms == 0 ? 0 : std::min(terms, alive + combined) + 2;
    known.share[k].push_back(gamma(roundings, unit_of_float) * (1 + 0x1p-20));
  }
}

}  // namespace

void relax(const Graph& graph, std::size_t k, Slope slope, Known& known, Tape& tape) {
  const Op& op = graph.ops[k];
  const Tensor &low = known.low[op.from[0]], &high = known.high[op.from[0]];
  known.underflow[k].assign(known.count, 0);
  for (const std::size_t value : op.from) {
    for (std::size_t sample = 0; sample < known.count; ++sample) {
      double sum = 1;
      for (const real each : known.of(known.reach, value, sample)) sum += double{each};
      const std::size_t products = op.affine.backward_terms + op.out.elements() / graph.features(value) + 2;
      known.underflow[k][sample] += sum * static_cast<double>(products) * smallest_float;
    }
  }
  if (op.kind == Kind::affine) {
    weigh(op, k, known, tape);
    return;
  }
  if (op.kind == Kind::select) {
    const std::size_t size = op.out.elements(), in = low.size() / known.count;
    Chosen& chosen = known.chosen[k];
    chosen.candidate.resize(known.count * size);
    chosen.alone.resize(known.count * size);
    for (std::size_t i = 0; i < chosen.candidate.size(); ++i) {
      const std::vector<std::uint32_t>& all = op.select.candidates[i % size];
      const real *const l = low.data() + i / size * in, *const u = high.data() + i / size * in;
      std::uint32_t best = all[0];
      for (const std::uint32_t each : all) best = l[each] > l[best] ? each : best;
      const auto beaten = [&](std::uint32_t each) { return each == best || u[each] <= l[best]; };
      chosen.candidate[i] = best;
      chosen.alone[i] = std::ranges::all_of(all, beaten);
    }
    return;
  }
  Lines& lines = known.lines[k];
  lines.lower_slope = Tensor::uninitialised(low.shape());
  lines.lower_add = lines.upper_slope = lines.upper_add = lines.lower_slope;
  if (op.kind == Kind::kink) {
    relax_kink(op.kink, slope, low, high, lines);
    known.own[k] = kink_error(op.kink, known.reach[op.from[0]]);
    return;
  }
  known.own[k] = Tensor::uninitialised(low.shape());
  for (std::size_t i = 0; i < low.size(); ++i) {
    const Enclosure all = enclosure_of(op.curve, low.data()[i], high.data()[i]);
    lines.lower_slope.mutable_data()[i] = all.lower.slope;
    lines.lower_add.mutable_data()[i] = all.lower.add;
    lines.upper_slope.mutable_data()[i] = all.upper.slope;
    lines.upper_add.mutable_data()[i] = all.upper.add;
    const double most = std::max(std::abs(double{all.low}), std::abs(double{all.high}));
    known.own[k].mutable_data()[i] = above(op.curve.error(low.data()[i], high.data()[i], most));
  }
}

}  // namespace hans::nn::bounds
