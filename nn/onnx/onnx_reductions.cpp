// ONNX operators that reduce axes or normalise over them.
#include <algorithm>
#include <numeric>

#include <hans/autodiff/arrays.hpp>
#include <hans/autodiff/functions.hpp>
#include <hans/autodiff/ops.hpp>
#include <hans/core/error.hpp>
#include <hans/nn/array_layers.hpp>
#include <hans/nn/normalization_layers.hpp>
#include "detail/onnx_importer.hpp"

namespace hans::nn::onnx {
namespace {

template <Reduction by>
void reduce(Work& work) {
  const Value given = work.in(0);
  Value x = given.order == Order::flat ? work.build.plain(given) : given;
  Dims axes = work.has(1) ? work.whole(1, "axes") : work.integers("axes", {});
  if (axes.empty() && work.integer("noop_with_empty_axes", 0) == 0) {
    for (std::size_t k = 0; k < x.rank(); ++k) axes.push_back(static_cast<std::int64_t>(k));
  }
  if (axes.empty()) return work.give(by == Reduction::l2 ? formed_like(x, work.build.add(hans::abs, x)) : x);
  Axes stored;
  Dims kept = x.dims, gone;
  const std::vector<std::size_t> reduced = work.axes(axes, x.rank());
  if (std::ranges::count(reduced, std::size_t{0}) > 0) x = work.build.within_sample(x);
  for (const std::size_t axis : reduced) {
    kept[axis] = 1;
    stored.all.push_back(x.stored_axis(axis));
  }
  std::ranges::sort(stored.all);
  Value made = work.build.add(Reduce{.by = by, .axes = stored, .keep = true}, x);
  made = formed_like(x, std::move(made));
  made.dims = kept;
  made.whole = x.whole && by != Reduction::mean && by != Reduction::l2;
  if (work.integer("keepdims", 1) == 0) {
    for (std::size_t k = 0; k < x.rank(); ++k) {
      if (std::ranges::count(reduced, k) == 0) gone.push_back(x.dims[k]);
    }
    made = work.build.reshaped(made, gone);
  }
  work.give(made);
}

template <Reduction by>
void over_image(Work& work) {
  const Value x = work.build.channels_last(work.in(0));
  check(x.batched, "a value of shape ", to_text(x.dims), " is not one for each image");
  Axes image;
  for (std::size_t k = 0; k + 1 < x.sample().size(); ++k) image.all.push_back(k);
  Value made = formed_like(x, work.build.add(Reduce{.by = by, .axes = image, .keep = true}, x));
  std::fill(made.dims.begin() + (x.batched ? 2 : 1), made.dims.end(), 1);
  work.give(made);
}

/// Softmax and LogSoftmax; our layers work along the last axis.
template <Var (*function)(const Var&)>
void softmax(Work& work) {
  const Value given = work.in(0);
  const Dims before = given.dims;
  Value x = work.build.plain(given);  // softmax along the sample axis: the graph was made for one image
  std::size_t axis = 0;
  if (work.opset() >= 13) {
    axis = work.axis(work.integer("axis", -1), x.rank());
  } else {  // over all axes from this one on
    axis = work.axis(work.integer("axis", 1), x.rank());
    const std::span<const std::int64_t> dims(x.dims);
    Dims joined(dims.begin(), dims.begin() + static_cast<std::ptrdiff_t>(axis));
    joined.push_back(elements(dims.subspan(axis)));
    x = work.build.reshaped(x, joined);
  }
  check(!(x.batched && axis == 0), "it works along the samples' axis");
  std::vector<std::size_t> order(x.rank());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::swap(order[axis], order.back());
  const bool moved = axis + 1 != x.rank();
  if (moved) x = work.build.transposed(x, order);
  Value made = formed_like(x, work.build.add(function, x));
  if (moved) made = work.build.transposed(made, order);
  work.give(work.build.reshaped(made, before));
}

void batch_normalization(Work& work) {
  check(work.integer("training_mode", 0) == 0 && work.outputs() == 1, "in training mode");
  check(work.integer("spatial", 1) == 1, "spatial = 0");
  Value x = work.in(0);
  if (x.sample().size() > 1) x = work.build.channels_last(x);
  if (x.sample().size() == 1) x = work.build.plain(x);
  const BatchNorm layer{.eps = work.number("epsilon", 1e-5F), .momentum = rest_of(work.number("momentum", 0.9F))};
  work.give(formed_like(x, work.build.add(layer, x,
                                          {work.known(1, "scale"), work.known(2, "bias"), work.known(3, "mean"),
                                           work.known(4, "variance")})));
}

void instance_normalization(Work& work) {
  const Value x = work.build.channels_last(work.in(0));
  const InstanceNorm layer{.eps = work.number("epsilon", 1e-5F)};
  work.give(formed_like(x, work.build.add(layer, x, {work.known(1, "scale"), work.known(2, "bias")})));
}

void layer_normalization(Work& work) {
  check(!work.wants(1) && !work.wants(2), "only its first output is supported");
  const Value x = work.build.plain(work.in(0));
  const std::size_t axis = work.axis(work.integer("axis", -1), x.rank());
  check(!(x.batched && axis == 0), "it works along the samples' axis");
  const Shape shape = to_shape(std::span(x.dims).subspan(axis));
  const LayerNorm layer{.axes = static_cast<unsigned>(shape.rank()), .eps = work.number("epsilon", 1e-5F)};
  Tensor bias(shape);
  if (work.has(2)) bias = work.known(2, "bias").reshaped(shape);
  work.give(formed_like(x, work.build.add(layer, x, {work.known(1, "scale").reshaped(shape), std::move(bias)})));
}

/// The predicted class, one-hot: 1 for it and 0 elsewhere, so the largest "logit" is the predicted class.
void arg_max(Work& work) {
  check(work.integer("select_last_index", 0) == 0, "select_last_index = 1");
  const Value x = work.build.plain(work.in(0));
  const std::size_t axis = work.axis(work.integer("axis", 0), x.rank());
  check(!x.known() && !(x.batched && axis == 0), "along axis ", axis, " of ", to_text(x.dims));
  const auto stored = static_cast<std::size_t>(x.stored_axis(axis));
  const Value most = work.build.add(Reduce{.by = Reduction::max, .axes = Axes{{stored}}, .keep = true}, x);
  Value made = formed_like(x, work.build.add(hans::equal, std::vector{x, most}));
  made.whole = made.index = true;
  work.give(made);
}

}  // namespace

Operators reduction_operators() {
  return {{"ArgMax", {arg_max, 1, 1}},
          {"BatchNormalization", {batch_normalization, 5, 5}},
          {"GlobalAveragePool", {over_image<Reduction::mean>, 1, 1}},
          {"GlobalMaxPool", {over_image<Reduction::max>, 1, 1}},
          {"InstanceNormalization", {instance_normalization, 3, 3}},
          {"LayerNormalization", {layer_normalization, 2, 3}},
          {"LogSoftmax", {softmax<hans::log_softmax>, 1, 1}},
          {"ReduceL2", {reduce<Reduction::l2>, 1, 2}},
          {"ReduceMax", {reduce<Reduction::max>, 1, 2}},
          {"ReduceMean", {reduce<Reduction::mean>, 1, 2}},
          {"ReduceMin", {reduce<Reduction::min>, 1, 2}},
          {"ReduceSum", {reduce<Reduction::sum>, 1, 2}},
          {"Softmax", {softmax<hans::softmax>, 1, 1}}};
}

}  // namespace hans::nn::onnx
