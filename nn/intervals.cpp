// Training with intervals: a forward pass for points and intervals together, and weights to start from.
#include <hans/nn/intervals.hpp>

#include <array>
#include <cmath>
#include <numeric>
#include <vector>

#include <hans/autodiff/arrays.hpp>
#include <hans/core/error.hpp>
#include <hans/core/math.hpp>
#include <hans/core/reduce.hpp>
#include <hans/nn/walk.hpp>

namespace hans::nn {
namespace {

Var rows_of(const Var& x, std::size_t first, std::size_t count) {
  std::vector<std::size_t> all(count);
  std::iota(all.begin(), all.end(), first);
  return take(x, 0, all);
}

class IntervalWalk {
 public:
  IntervalWalk(const Sequential& net, std::span<const Var> weights, std::size_t boxes, std::size_t clean,
               const Mode& mode, Trace trace)
      : net_(net),
        weights_(weights),
        boxes_(boxes),
        clean_(clean),
        mode_(mode),
        trace_(trace),
        users_(net.layers().size()) {
    for (std::size_t position = 0; position < users_.size(); ++position) {
      for (const Source& source : net.sources(position)) {
        if (source.layer != Source::images) users_[source.layer].push_back(position);
      }
    }
  }

  Var operator()(const Conv2d& layer, const LayerAt& at, std::span<Var> x) {
    const std::span<const Var> own = weights_of(at);
    return interval_conv2d(x[0], boxes_, own[0], layer.bias ? own[1] : Var(), window_of(layer, at.in()));
  }
  Var operator()(const Linear& layer, const LayerAt& at, std::span<Var> x) {
    const std::span<const Var> own = weights_of(at);
    if (at.position + 1 == net_.layers().size()) return x[0];  // the caller does the last layer
    return interval_linear(x[0], boxes_, own[0], layer.bias ? own[1] : Var());
  }
  Var operator()(const BatchNorm& layer, const LayerAt& at, std::span<Var> x) {
    const std::span<const Var> own = weights_of(at);
    check(mode_.statistics != nullptr, "intervals pass a batch normalisation in training only");
    const std::size_t count = at.in().elements() / at.in()[at.in().rank() - 1] * clean_;
    check_usage(count > 1, "layer ", at.position,
                " (batch_norm) needs more than one number for each channel: a batch of ", clean_, " is too small");
    IntervalNormed made = interval_batch_norm(x[0], boxes_, clean_, own[0], own[1], static_cast<real>(layer.eps),
                                              rectified(at.position) ? Activation::relu : Activation::none);
    mode_.statistics->push_back({at.position, std::move(made.mean), std::move(made.variance), count, layer.momentum});
    return made.y;
  }
  Var operator()(const Relu&, const LayerAt& at, std::span<Var> x) {
    const std::size_t from = at.sources[0].layer;
    if (from != Source::images && rectified(from)) return x[0];
    return interval_relu(x[0], boxes_);
  }
  Var operator()(const Flatten&, const LayerAt&, std::span<Var> x) { return flatten(x[0]); }
  Var operator()(const AveragePool2d& layer, const LayerAt& at, std::span<Var> x) {
    return layer(x[0], {{}, {}, mode_, at.position});
  }
  Var operator()(const Add&, const LayerAt& at, std::span<Var> x) {
    if (at.in(0) != at.in(1) || x[0].shape() != x[1].shape()) refuse("add", at);
    return x[0] + x[1];
  }
  Var operator()(const auto& layer, const LayerAt& at, std::span<Var>) {
    refuse(std::decay_t<decltype(layer)>::name, at);
    return {};
  }

 private:
  [[noreturn]] static void refuse(std::string_view name, const LayerAt& at) {
    throw UsageError(text("layer ", at.position, " (", name,
                          ") has no rule for intervals in training; use conv2d, linear, batch_norm, relu, "
                          "average_pool2d, flatten, or add of two layers of one shape"));
  }

  std::span<const Var> weights_of(const LayerAt& at) const {
    const std::span<const Tensor> own = at.weights();
    return weights_.subspan(own.empty() ? 0 : static_cast<std::size_t>(own.data() - net_.weights().data()), own.size());
  }

  /// Whether the batch normalisation at this place does the relu behind it too. Then nobody sees what lies between.
  bool rectified(std::size_t position) const {
    if (trace_ != Trace::off) return false;
    const std::vector<std::size_t>& users = users_[position];
    return net_.layers()[position].as<BatchNorm>() != nullptr && users.size() == 1 &&
           net_.layers()[users[0]].as<Relu>() != nullptr;
  }

  const Sequential& net_;
  std::span<const Var> weights_;
  std::size_t boxes_, clean_;
  const Mode& mode_;
  Trace trace_;
  std::vector<std::vector<std::size_t>> users_;  // per layer: those that read its output
};

/// The smaller of a / b and b / a. Both are positive, or 0.
Var smaller_ratio(const Var& a, const Var& b) { return a.value().data()[0] < b.value().data()[0] ? a / b : b / a; }

/// relu(1/2 - x) / (1/2)
Var below_half(const Var& x) { return relu(-x + real{0.5F}) * 2; }

}  // namespace

IntervalPass interval_pass(const Sequential& net, std::span<const Var> weights, const Var& x, std::size_t points,
                           std::size_t clean, std::span<const int> labels, const Mode& mode, Trace trace) {
  const std::size_t boxes = labels.size();
  check(x.shape() == net.input().with_front(points + 2 * boxes), points, " points and ", boxes, " intervals need ",
        points + 2 * boxes, " images of ", net.input(), ", not ", x.shape());
  const Layer& last = net.layers().back();
  check_usage(last.as<Linear>() != nullptr, "training with intervals needs a linear last layer, not ",
              last.spec().name);
  IntervalWalk walk(net, weights, boxes, clean, mode, trace);
  std::vector<Var> inputs(trace == Trace::off ? 0 : net.layers().size());
  const Var features = walk_forward<Var>(net, x, [&](const auto& layer, const LayerAt& at, std::span<Var> operands) {
    if (trace != Trace::off) inputs[at.position] = operands[0];
    return walk(layer, at, operands);
  });
  const bool bias = last.as<Linear>()->bias;
  const Var& w = weights[weights.size() - (bias ? 2 : 1)];
  const Var b = bias ? weights.back() : Var();
  const Var logits = linear(rows_of(features, 0, points + boxes), w, b);
  return {rows_of(logits, 0, points),
          interval_margins(rows_of(logits, points, boxes), rows_of(features, points + boxes, boxes), w, labels),
          std::move(inputs)};
}

Var interval_imbalance(const Sequential& net, const IntervalPass& pass, std::size_t boxes) {
  check(pass.inputs.size() == net.layers().size(), "the regulariser of intervals needs a traced pass");
  const auto balance_of = [boxes](const Var& x) {
    const Var all = interval_balance(x, boxes);
    std::array<Var, 5> each;
    for (std::size_t k = 0; k < each.size(); ++k) each[k] = take(all, 0, std::array{k});
    return each;
  };
  const Var start = balance_of(pass.inputs[0])[0];
  Var total = start.tape().constant(Tensor::full({1}, 0));
  std::size_t relus = 0;
  for (std::size_t position = 0; position < pass.inputs.size(); ++position) {
    if (net.layers()[position].as<Relu>() == nullptr) continue;
    ++relus;
    const auto [radius, active, inactive, active_square, inactive_square] = balance_of(pass.inputs[position]);
    const Var width = start / radius;
    const Var means = smaller_ratio(active, inactive), squares = smaller_ratio(active_square, inactive_square);
    if (all_finite(width.value().values())) total = total + below_half(width);
    if (all_finite(means.value().values()) && all_finite(squares.value().values())) {
      total = total + (below_half(means) + below_half(squares));
    }
  }
  return relus == 0 ? total : total * (1 / static_cast<real>(relus));
}

void start_for_intervals(Sequential& net, Rng rng) {
  const std::span<Tensor> weights = net.mutable_weights();
  for (std::size_t k = 0; k < weights.size(); ++k) {
    const Shape& shape = weights[k].shape();
    const bool last = &weights[k] >= net.weights(net.layers().size() - 1).data();
    if (last || shape.rank() < 2) continue;  // biases, scales
    const std::size_t fan_in = shape.elements() / shape[shape.rank() - 1];
    const real scale = std::sqrt(real{6.2831853F}) / static_cast<real>(fan_in);
    rng.stream(text("init/intervals/", net.weight_names()[k])).normals(weights[k].mutable_values());
    for (real& value : weights[k].mutable_values()) value *= scale;
  }
}

}  // namespace hans::nn
