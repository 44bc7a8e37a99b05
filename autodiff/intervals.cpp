// Points and intervals through a network together.
#include <hans/autodiff/intervals.hpp>

#include <array>
#include <cmath>
#include <vector>

#include <hans/core/parallel.hpp>
#include "detail/intervals.hpp"

namespace hans {
namespace {

/// The rows of channels of x.
kernels::Intervals intervals_of(const Var& x, std::size_t boxes) {
  const std::size_t samples = x.shape()[0], channels = x.shape()[x.shape().rank() - 1];
  const std::size_t pixels = samples == 0 || channels == 0 ? 0 : x.value().size() / samples / channels;
  return {
      (samples - 2 * boxes) * pixels, boxes * pixels, channels, x.value().data(), nullptr, nullptr, Activation::none};
}

/// |w_ij - w_ik| for each feature i, in column k * classes + j.
Tensor pair_differences(Tensor made, const Tensor& weights) {
  const std::size_t features = weights.shape()[0], classes = weights.shape()[1];
  real* to = made.mutable_data();
  for (std::size_t i = 0; i < features; ++i) {
    const real* const w = weights.data() + i * classes;
    for (std::size_t label = 0; label < classes; ++label) {
      for (std::size_t j = 0; j < classes; ++j) *to++ = std::abs(w[j] - w[label]);
    }
  }
  return made;
}

using Five = std::array<double, 5>;

enum class Side { neither, active, inactive };
Side side_of(real centre, real radius) {
  if (centre - radius > 0) return Side::active;
  return centre + radius < 0 ? Side::inactive : Side::neither;
}

/// Sums over each interval by `add(sums, centre, radius)`, one interval after the other.
template <class Add>
Five sums_over(std::size_t boxes, std::size_t features, const real* centres, const real* radii, Add add) {
  std::vector<Five> each(boxes, Five{});
  parallel_for(boxes, [&](std::size_t box) {
    Five sums{};
    for (std::size_t i = box * features; i < (box + 1) * features; ++i) add(sums, centres[i], radii[i]);
    each[box] = sums;
  });
  Five all{};
  for (const Five& sums : each) {
    for (std::size_t k = 0; k < all.size(); ++k) all[k] += sums[k];
  }
  return all;
}

kernels::Conv product_of(std::size_t rows, std::size_t features, std::size_t columns) {
  kernels::Conv conv;
  conv.samples = rows;
  conv.channels = features;
  conv.filters = columns;
  return conv;
}

}  // namespace

Var interval_relu(const Var& x, std::size_t boxes) {
  check_boxes("interval_relu", x, boxes);
  kernels::Intervals all = intervals_of(x, boxes);
  all.activation = Activation::relu;
  Tensor y = x.tape().make(x.shape());
  kernels::interval_affine(all, y.mutable_data());
  return x.tape().record("interval_relu", y, {&x}, [all, x = x.value(), y](Tensor g, Inputs& in) {
    real* const of_x = g.mutable_data();
    kernels::interval_affine_gradient(all, y.data(), of_x, of_x, nullptr, nullptr);
    in.add(0, std::move(g));
  });
}

IntervalNormed interval_batch_norm(const Var& x, std::size_t boxes, std::size_t clean, const Var& scale,
                                   const Var& bias, real eps, Activation activation) {
  check_boxes("interval_batch_norm", x, boxes);
  kernels::Intervals all = intervals_of(x, boxes);
  const Shape each{all.channels};
  check(scale.shape() == each && bias.shape() == each, "interval_batch_norm: ", x.shape(), " takes ", each,
        " numbers each, not ", scale.shape(), " and ", bias.shape());
  check(all.channels > 0, "interval_batch_norm: ", x.shape(), " has no channels");
  check(clean > 0 && clean <= x.shape()[0] - 2 * boxes, "interval_batch_norm: statistics of ", clean, " of ",
        x.shape()[0] - 2 * boxes, " points");
  const std::size_t rows = x.value().size() / x.shape()[0] / all.channels * clean;
  Tape& tape = x.tape();
  Tensor mean = tape.make(each), variance = tape.make(each), deviation = tape.make(each), factor = tape.make(each);
  Tensor summand = tape.make(each), y = tape.make(x.shape());
  kernels::moments(rows, all.channels, all.x, mean.mutable_data(), variance.mutable_data());
  for (std::size_t c = 0; c < all.channels; ++c) {
    const real d = std::sqrt(variance.data()[c] + eps), f = scale.value().data()[c] / d;
    deviation.mutable_data()[c] = d;
    factor.mutable_data()[c] = f;
    summand.mutable_data()[c] = bias.value().data()[c] - mean.data()[c] * f;
  }
  all.factor = factor.data();
  all.summand = summand.data();
  all.activation = activation;
  kernels::interval_affine(all, y.mutable_data());
  const Var made = tape.record(
      "interval_batch_norm", y, {&x, &scale, &bias},
      [all, rows, x = x.value(), y, mean, deviation, factor, summand](Tensor g, Inputs& in) {
        Tensor of_factor = in.make(factor.shape()), of_bias = in.make(factor.shape());
        real* const of_x = g.mutable_data();
        kernels::interval_affine_gradient(all, y.data(), of_x, of_x, of_factor.mutable_data(), of_bias.mutable_data());
        // summand = bias - mean * factor, factor = scale / deviation, deviation = sqrt(mean of (x - mean)^2 + eps)
        Tensor of_scale = in.make(factor.shape()), slope = in.make(factor.shape()), shift = in.make(factor.shape());
        const auto count = static_cast<real>(rows);
        for (std::size_t c = 0; c < all.channels; ++c) {
          const real m = mean.data()[c], d = deviation.data()[c], f = factor.data()[c], of_summand = of_bias.data()[c];
          const real through = (of_factor.data()[c] - m * of_summand) / d;
          of_scale.mutable_data()[c] = through;
          slope.mutable_data()[c] = -(f * through) / d / count;
          shift.mutable_data()[c] = -(f * of_summand) / count - m * slope.data()[c];
        }
        in.add(1, std::move(of_scale));
        in.add(2, std::move(of_bias));
        if (!in.wants(0)) return;
        kernels::Epilogue more;
        more.factor = slope.data();
        more.summand = shift.data();
        more.added = of_x;
        kernels::apply_epilogue(more, rows, all.channels, x.data(), of_x);
        in.add(0, std::move(g));
      });
  return {made, std::move(mean), std::move(variance)};
}

Var interval_margins(const Var& logits, const Var& radii, const Var& weights, std::span<const int> labels) {
  const std::size_t boxes = labels.size();
  check(weights.shape().rank() == 2, "interval_margins: weights are features x classes, not ", weights.shape());
  const std::size_t features = weights.shape()[0], classes = weights.shape()[1];
  check(logits.shape() == Shape{boxes, classes} && radii.shape() == Shape{boxes, features}, "interval_margins: ", boxes,
        " labels and weights of ", weights.shape(), " do not fit logits of ", logits.shape(), " and radii of ",
        radii.shape());
  for (const int label : labels) {
    check(label >= 0 && static_cast<std::size_t>(label) < classes, "interval_margins: the label ", label,
          " is none of ", classes, " classes");
  }
  Tape& tape = logits.tape();
  const kernels::Conv conv = product_of(boxes, features, classes * classes);
  const Tensor pairs = pair_differences(tape.make({features, classes * classes}), weights.value());
  Tensor widths = tape.make({boxes, classes * classes}), y = tape.make({boxes, classes});
  {
    Tensor room = tape.make({kernels::forward_pack_size(conv)});
    kernels::conv_forward(conv, radii.value().data(), {pairs.data(), room.mutable_data()}, nullptr, Activation::none,
                          widths.mutable_data());
  }
  for (std::size_t n = 0; n < boxes; ++n) {
    const auto label = static_cast<std::size_t>(labels[n]);
    const real* const z = logits.value().data() + n * classes;
    const real* const width = widths.data() + (n * classes + label) * classes;
    real* const to = y.mutable_data() + n * classes;
    for (std::size_t j = 0; j < classes; ++j) to[j] = j == label ? real{0} : (z[j] - z[label]) + width[j];
  }
  return tape.record(
      "interval_margins", std::move(y), {&logits, &radii, &weights},
      [conv, pairs, classes, radii = radii.value(), weights = weights.value(),
       labels = std::vector(labels.begin(), labels.end())](Tensor g, Inputs& in) {
        Tensor of_logits = in.make(g.shape()), of_widths = in.make({labels.size(), classes * classes});
        std::ranges::fill(of_widths.mutable_values(), real{0});
        for (std::size_t n = 0; n < labels.size(); ++n) {
          const auto label = static_cast<std::size_t>(labels[n]);
          const real* const from = g.data() + n * classes;
          real* const z = of_logits.mutable_data() + n * classes;
          real* const width = of_widths.mutable_data() + (n * classes + label) * classes;
          real all = 0;
          for (std::size_t j = 0; j < classes; ++j) {
            if (j == label) continue;
            z[j] = width[j] = from[j];
            all += from[j];
          }
          z[label] = -all;
        }
        in.add(0, std::move(of_logits));
        if (in.wants(1)) {
          Tensor of_radii = in.make(radii.shape()), room = in.make({kernels::backward_pack_size(conv)});
          kernels::conv_input_gradient(conv, of_widths.data(), {pairs.data(), room.mutable_data()}, nullptr,
                                       of_radii.mutable_data());
          in.add(1, std::move(of_radii));
        }
        if (!in.wants(2)) return;
        Tensor of_pairs = in.make(pairs.shape()), of_weights = in.make(weights.shape());
        kernels::conv_weight_gradient(conv, radii.data(), of_widths.data(), of_pairs.mutable_data(), nullptr);
        std::ranges::fill(of_weights.mutable_values(), real{0});
        for (std::size_t i = 0; i < weights.shape()[0]; ++i) {
          const real *const w = weights.data() + i * classes, *pair = of_pairs.data() + i * classes * classes;
          real* const to = of_weights.mutable_data() + i * classes;
          for (std::size_t label = 0; label < classes; ++label) {
            for (std::size_t j = 0; j < classes; ++j, ++pair) {
              if (w[j] == w[label]) continue;
              const real share = w[j] > w[label] ? *pair : -*pair;
              to[j] += share;
              to[label] -= share;
            }
          }
        }
        in.add(2, std::move(of_weights));
      });
}

Var interval_balance(const Var& x, std::size_t boxes) {
  check_boxes("interval_balance", x, boxes);
  const std::size_t samples = x.shape()[0], features = samples == 0 ? 0 : x.value().size() / samples;
  const std::size_t before = (samples - 2 * boxes) * features, size = boxes * features;
  const real *const centres = x.value().data() + before, *const radii = centres + size;
  const auto count = static_cast<double>(size);
  // The sums of r, of c, and of c where intervals are active or inactive; then those of squares.
  const Five sums = sums_over(boxes, features, centres, radii, [](Five& to, real centre, real radius) {
    const Side side = side_of(centre, radius);
    const auto c = static_cast<double>(centre);
    to[0] += static_cast<double>(radius);
    to[1] += c;
    to[2] += side == Side::active ? c : 0;
    to[3] += side == Side::inactive ? c : 0;
  });
  const double mean = sums[1] / count;
  // The sums of (c - m)^2, and of c - m, where intervals are active or inactive.
  const Five off = sums_over(boxes, features, centres, radii, [mean](Five& to, real centre, real radius) {
    const Side side = side_of(centre, radius);
    const double c = static_cast<double>(centre) - mean;
    to[0] += side == Side::active ? c * c : 0;
    to[1] += side == Side::inactive ? c * c : 0;
    to[2] += side == Side::active ? c : 0;
    to[3] += side == Side::inactive ? c : 0;
  });
  Tensor y = x.tape().make({5});
  const Five all{sums[0], sums[2], 0 - sums[3], off[0], off[1]};  // no -0
  for (std::size_t k = 0; k < 5; ++k) y.mutable_data()[k] = static_cast<real>(all[k] / count);
  return x.tape().record("interval_balance", y, {&x}, [=, x = x.value()](Tensor g, Inputs& in) {
    Five of{};
    for (std::size_t k = 0; k < 5; ++k) of[k] = static_cast<double>(g.data()[k]) / count;
    const double through_mean = -2 * (of[3] * off[2] + of[4] * off[3]) / count;
    const auto of_radius = static_cast<real>(of[0]);
    Tensor of_x = in.make(x.shape());
    real *const points = of_x.mutable_data(), *const of_centres = points + before, *const of_radii = of_centres + size;
    const real *const c = x.data() + before, *const r = c + size;
    std::fill_n(points, before, real{0});
    parallel_for(boxes, [&](std::size_t box) {
      for (std::size_t i = box * features; i < (box + 1) * features; ++i) {
        const Side side = side_of(c[i], r[i]);
        const double away = 2 * (static_cast<double>(c[i]) - mean);
        double gradient = through_mean;
        if (side == Side::active) gradient += of[1] + away * of[3];
        if (side == Side::inactive) gradient += away * of[4] - of[2];
        of_centres[i] = static_cast<real>(gradient);
        of_radii[i] = of_radius;
      }
    });
    in.add(0, std::move(of_x));
  });
}

}  // namespace hans
