// CROWN-IBP in training: linear bounds from the logits back to the images, over a pass with intervals.
#include <hans/nn/intervals.hpp>

#include <array>
#include <numeric>
#include <vector>

#include <hans/autodiff/arrays.hpp>
#include <hans/autodiff/functions.hpp>
#include <hans/core/error.hpp>
#include <hans/nn/walk.hpp>

namespace hans::nn {
namespace {

Var samples_of(const Var& x, std::size_t first, std::size_t count) {
  std::vector<std::size_t> all(count);
  std::iota(all.begin(), all.end(), first);
  return take(x, 0, all);
}

/// Carries linear forms, intervals * classes x features of a layer, back to those of its operands. The constants that
/// they leave behind add up.
class CrownWalk {
 public:
  CrownWalk(const Sequential& net, std::span<const Var> weights, const IntervalPass& pass, std::size_t clean,
            std::size_t boxes, std::size_t classes)
      : net_(net), weights_(weights), pass_(pass), clean_(clean), boxes_(boxes), classes_(classes) {}

  std::vector<Var> operator()(const Linear& layer, const LayerAt& at, const Var& forms) {
    const std::span<const Var> own = weights_of(at);
    if (layer.bias) add(by_class(forms * own[1]));
    return {linear(forms, transpose(own[0], std::array<std::size_t, 2>{1, 0}))};
  }
  std::vector<Var> operator()(const Conv2d& layer, const LayerAt& at, const Var& forms) {
    const std::span<const Var> own = weights_of(at);
    if (layer.bias) add(by_class(forms * own[1]));
    return {conv_transpose2d(forms, own[0], {}, window_of(layer, at.in()), at.in()[0], at.in()[1])};
  }
  std::vector<Var> operator()(const BatchNorm& layer, const LayerAt& at, const Var& forms) {
    const std::span<const Var> own = weights_of(at);
    const Var x = samples_of(pass_.inputs[at.position], 0, clean_);
    std::vector<std::size_t> axes(x.shape().rank() - 1);
    std::iota(axes.begin(), axes.end(), std::size_t{0});
    const Var mean = reduce(x, Reduction::mean, axes, false), off = x - mean;
    const Var variance = reduce(off * off, Reduction::mean, axes, false);
    const Var factor = own[0] / sqrt(variance + static_cast<real>(layer.eps));
    add(by_class(forms * (own[1] - mean * factor)));
    return {forms * factor};
  }
  std::vector<Var> operator()(const Relu&, const LayerAt& at, const Var& forms) {
    const Ends x = ends_of(at.position);
    const Var up = relu(x.centre + x.radius), down = relu(x.radius - x.centre);  // u and -l, where they are positive
    const Var slope = up / (up + down + least), above = slope * down, kept = greater(up, down);
    const Var all = by_class(forms), plus = relu(all), minus = all - plus;
    add(plus * above);
    return {reshape(plus * slope + minus * kept, forms.shape())};
  }
  std::vector<Var> operator()(const Flatten&, const LayerAt& at, const Var& forms) {
    return {reshape(forms, at.in().with_front(forms.shape()[0]))};
  }
  std::vector<Var> operator()(const Add&, const LayerAt&, const Var& forms) { return {forms, forms}; }
  std::vector<Var> operator()(const auto& layer, const LayerAt& at, const Var&) {
    throw UsageError(text("layer ", at.position, " (", std::decay_t<decltype(layer)>::name,
                          ") has no rule for linear bounds in training; use conv2d, linear, batch_norm, relu, flatten, "
                          "or add of two layers of one shape"));
  }

  /// The largest values of forms of the images.
  Var largest(const Var& forms) {
    const Ends x = ends_of(0);
    const Var all = by_class(forms);
    add(all * x.centre + abs(all) * x.radius);
    return constants_;
  }

 private:
  /// In place of 0 between equal ends, where the slope is then 0.
  static constexpr real least = real{1e-30F};

  /// What enters a layer: intervals x 1 x features.
  struct Ends {
    Var centre, radius;
  };
  Ends ends_of(std::size_t position) const {
    const Var& x = pass_.inputs[position];
    const std::size_t samples = x.shape()[0];
    const auto part = [&](std::size_t first) {
      const Var rows = samples_of(x, first, boxes_);
      return reshape(rows, {boxes_, 1, rows.shape().without_front().elements()});
    };
    return {part(samples - 2 * boxes_), part(samples - boxes_)};
  }

  Var by_class(const Var& forms) const {
    return reshape(forms, {boxes_, classes_, forms.shape().without_front().elements()});
  }

  /// Adds the sums over all features of each form; the terms are those of by_class().
  void add(const Var& terms) {
    const Var sums = reduce(terms, Reduction::sum, std::array<std::size_t, 1>{2}, false);
    constants_ = constants_.present() ? constants_ + sums : sums;
  }

  std::span<const Var> weights_of(const LayerAt& at) const {
    const std::span<const Tensor> own = at.weights();
    return weights_.subspan(own.empty() ? 0 : static_cast<std::size_t>(own.data() - net_.weights().data()), own.size());
  }

  const Sequential& net_;
  std::span<const Var> weights_;
  const IntervalPass& pass_;
  std::size_t clean_, boxes_, classes_;
  Var constants_;  // intervals x classes
};

}  // namespace

Var crown_margins(const Sequential& net, std::span<const Var> weights, const IntervalPass& pass, std::size_t clean,
                  std::span<const int> labels) {
  check(pass.inputs.size() == net.layers().size(), "linear bounds in training need a traced pass");
  const std::size_t boxes = labels.size(), classes = net.classes();
  Tensor margins({boxes * classes, classes});  // z_j - z_label
  for (std::size_t box = 0; box < boxes; ++box) {
    const auto label = static_cast<std::size_t>(labels[box]);
    for (std::size_t j = 0; j < classes; ++j) {
      if (j == label) continue;
      real* const form = margins.mutable_data() + (box * classes + j) * classes;
      form[j] = 1;
      form[label] = -1;
    }
  }
  CrownWalk walk(net, weights, pass, clean, boxes, classes);
  const auto visitor = [&walk](const auto& layer, const LayerAt& at, const Var& forms) {
    return walk(layer, at, forms);
  };
  const Var start = pass.margins.tape().constant(std::move(margins));
  return walk.largest(walk_backward<Var>(net, net.layers().size() - 1, start, visitor));
}

}  // namespace hans::nn
