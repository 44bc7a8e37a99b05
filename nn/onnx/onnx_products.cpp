// ONNX operators with sums of products: convolutions, pooling, matrix products.
#include <algorithm>
#include <array>
#include <numeric>

#include <hans/autodiff/arrays.hpp>
#include <hans/core/error.hpp>
#include <hans/nn/array_layers.hpp>
#include <hans/nn/layers.hpp>
#include "detail/onnx_importer.hpp"

namespace hans::nn::onnx {
namespace {

/// The permutation from filters x channels x rows x columns.
constexpr std::array<std::size_t, 4> from_filters_first{2, 3, 1, 0};

/// The window geometry in a node's attributes.
struct Geometry {
  Extent kernel = 1, stride = 1;
  std::optional<Extent> dilation;  ///< empty if it is 1
  Padding padding;
  bool row = false;  ///< the image has one spatial axis; a second one was added
};

unsigned small(std::int64_t value, std::string_view what) {
  check(0 <= value && value <= 4096, what, " of ", value);
  return static_cast<unsigned>(value);
}

std::optional<unsigned> groups_of(Work& work) {
  const unsigned groups = small(work.integer("group", 1), "group");
  if (groups == 1) return {};
  return groups;
}

Extent extent_of(const Dims& given, bool row, std::string_view what) {
  check(given.size() == (row ? 1U : 2U), what, " ", to_text(given), " for an image of two axes");
  return row ? Extent(1U, small(given[0], what)) : Extent(small(given[0], what), small(given[1], what));
}

/// ONNX lists all beginnings, then all ends.
Padding padding_of(const Dims& pads, bool row) {
  const auto side = [&](std::size_t k) { return small(pads[k], "pads"); };
  if (std::ranges::count(pads, 0) == std::ssize(pads)) return {};
  if (row) return {Padding::Kind::given, 0, 0, side(0), side(1)};
  return {Padding::Kind::given, side(0), side(2), side(1), side(3)};
}

/// Evaluates the attributes for the extents of the image.
Geometry geometry(Work& work, const Value& x, Dims kernel, bool transposed = false) {
  check(x.sample().size() == 2 || x.sample().size() == 3, "a value of shape ", to_text(x.dims),
        ": only images of one or two axes are supported");
  const std::size_t axes = x.sample().size() - 1;
  Geometry made;
  made.row = axes == 1;
  kernel = work.extents("kernel_shape", kernel);
  const Dims strides = work.extents("strides", Dims(axes, 1));
  const Dims dilations = work.extents("dilations", Dims(axes, 1));
  made.kernel = extent_of(kernel, made.row, "kernel_shape");
  made.stride = extent_of(strides, made.row, "strides");
  if (const Extent dilation = extent_of(dilations, made.row, "dilations"); dilation != Extent(1)) {
    made.dilation = dilation;
  }
  Dims pads = work.extents("pads", Dims(2 * axes, 0));
  check(pads.size() == 2 * axes, "pads ", to_text(pads), " for ", axes, " axes");
  const std::string automatic = work.word("auto_pad", "NOTSET");
  for (std::size_t k = 0; k < axes && !transposed; ++k) {
    const std::int64_t extent = x.dims[x.rank() - axes + k];
    const std::int64_t reach = (kernel[k] - 1) * dilations[k] + 1;
    check(strides[k] > 0, "strides ", to_text(strides));
    if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
      const std::int64_t all = std::max<std::int64_t>((extent - 1) / strides[k] * strides[k] + reach - extent, 0);
      pads[k] = automatic == "SAME_UPPER" ? all / 2 : all - all / 2;
      pads[k + axes] = all - pads[k];
    } else {
      check(automatic == "NOTSET" || automatic == "VALID", "auto_pad ", in_quotes(automatic));
      if (automatic == "VALID") pads[k] = pads[k + axes] = 0;
    }
  }
  made.padding = padding_of(pads, made.row);
  if (automatic == "SAME_UPPER" && !transposed) made.padding = Padding{Padding::Kind::same};
  return made;
}

/// Adds a second spatial axis to an image that has only one.
Value as_image(Work& work, const Value& x, bool row) {
  if (!row) return work.build.channels_last(x);
  Dims dims = x.dims;
  dims.insert(dims.end() - 1, 1);
  return work.build.channels_last(work.build.reshaped(work.build.plain(x), dims));
}

/// Gives the output of a layer on such an image; it is stored as height x width x channels.
void give_image(Work& work, Value made, const Value& x, bool row) {
  const Dims stored = made.sample();
  made.batched = x.batched;
  made.dims = {stored[2], stored[0], stored[1]};
  if (made.batched) made.dims.insert(made.dims.begin(), 1);
  made.order = Order::channels_last;
  if (row) {
    Dims dims = made.dims;
    dims.erase(dims.end() - 2);
    made = work.build.reshaped(work.build.plain(made), dims);
  }
  work.give(made);
}

void conv(Work& work) {
  const Value x = work.in(0);
  Tensor weight = work.known(1, "weights");
  Dims dims(weight.shape().begin(), weight.shape().end());
  check(dims.size() >= 3 && dims.size() == x.sample().size() + 1 && weight.size() > 0, "weights of shape ",
        to_text(dims));
  const Geometry at = geometry(work, x, Dims(dims.begin() + 2, dims.end()));
  if (at.row) weight = weight.reshaped(to_shape(Dims{dims[0], dims[1], 1, dims[2]}));
  const std::size_t filters = weight.shape()[0];
  std::optional<Tensor> bias;
  if (work.has(2)) bias = work.known(2, "bias");
  if (!bias) bias = work.bias_behind(filters, x.batched ? 1 : 0, x.rank());
  std::vector<Tensor> numbers{transposed(weight, from_filters_first)};
  if (bias) numbers.push_back(*bias);
  const Conv2d layer{.filters = static_cast<unsigned>(filters),
                     .kernel = at.kernel,
                     .stride = at.stride,
                     .padding = at.padding,
                     .bias = bias.has_value(),
                     .dilation = at.dilation,
                     .groups = groups_of(work)};
  const Value image = as_image(work, x, at.row);
  give_image(work, work.build.add(layer, image, std::move(numbers)), x, at.row);
}

void conv_transpose(Work& work) {
  const Value x = work.in(0);
  Tensor weight = work.known(1, "weights");
  const Dims dims(weight.shape().begin(), weight.shape().end());
  check(dims.size() >= 3 && dims.size() == x.sample().size() + 1 && weight.size() > 0, "weights of shape ",
        to_text(dims));
  Geometry at = geometry(work, x, Dims(dims.begin() + 2, dims.end()), true);
  const std::size_t axes = at.row ? 1 : 2;
  if (at.row) weight = weight.reshaped(to_shape(Dims{dims[0], dims[1], 1, dims[2]}));
  const std::optional<unsigned> groups = groups_of(work);
  // The output has the extent that the window implies, cut at both ends by the padding.
  const Dims strides = work.extents("strides", Dims(axes, 1));
  const Dims dilations = work.extents("dilations", Dims(axes, 1));
  const Dims more = work.extents("output_padding", Dims(axes, 0));
  Dims pads = work.extents("pads", Dims(2 * axes, 0));
  const std::string automatic = work.word("auto_pad", "NOTSET");
  Dims out = work.extents("output_shape", {});
  if (out.size() > axes) out.erase(out.begin(), out.end() - static_cast<std::ptrdiff_t>(axes));
  const Dims kernel(dims.begin() + 2, dims.end());
  check(more.size() == axes, "output_padding ", to_text(more), " for ", axes, " axes");
  const bool given = !out.empty();
  if (!given) out.assign(axes, 0);
  for (std::size_t k = 0; k < axes; ++k) {
    const std::int64_t extent = x.dims[x.rank() - axes + k];
    const std::int64_t whole = strides[k] * (extent - 1) + more[k] + (kernel[k] - 1) * dilations[k] + 1;
    const bool same = automatic == "SAME_UPPER" || automatic == "SAME_LOWER";
    if (given || same) {
      if (!given) out[k] = extent * strides[k];
      const std::int64_t cut = std::max<std::int64_t>(whole - out[k], 0);
      pads[k] = automatic == "SAME_UPPER" ? cut / 2 : cut - cut / 2;
      pads[k + axes] = cut - pads[k];
    } else {
      if (automatic == "VALID") pads[k] = pads[k + axes] = 0;
      out[k] = whole - pads[k] - pads[k + axes];
    }
  }
  at.padding = padding_of(pads, at.row);
  const std::size_t filters = weight.shape()[1] * groups.value_or(1);
  std::optional<Tensor> bias;
  if (work.has(2)) bias = work.known(2, "bias");
  std::vector<Tensor> numbers{transposed(weight, from_filters_first)};
  if (bias) numbers.push_back(*bias);
  const ConvTranspose2d layer{.filters = static_cast<unsigned>(filters),
                              .kernel = at.kernel,
                              .size = at.row ? Extent(1U, small(out[0], "output")) : extent_of(out, false, "output"),
                              .stride = at.stride,
                              .padding = at.padding,
                              .bias = bias.has_value(),
                              .dilation = at.dilation,
                              .groups = groups};
  give_image(work, work.build.add(layer, as_image(work, x, at.row), std::move(numbers)), x, at.row);
}

/// Defaults are omitted, as in networks built with this library.
template <class Pool>
Pool pool_of(Work& work, const Geometry& at) {
  check(!at.dilation, "dilations of pooling");
  Pool pool{.kernel = at.kernel};
  if (at.stride != at.kernel) pool.stride = at.stride;
  if (at.padding.kind != Padding::Kind::valid) pool.padding = at.padding;
  if (work.integer("ceil_mode", 0) != 0) pool.ceil = true;
  return pool;
}

void max_pool(Work& work) {
  check(!work.wants(1), "only its first output is supported");
  const Value x = work.in(0);
  const Geometry at = geometry(work, x, {});
  give_image(work, work.build.add(pool_of<MaxPool2d>(work, at), as_image(work, x, at.row)), x, at.row);
}

void average_pool(Work& work) {
  const Value x = work.in(0);
  const Geometry at = geometry(work, x, {});
  auto layer = pool_of<AveragePool2d>(work, at);
  layer.count_padding = work.integer("count_include_pad", 0) != 0;
  give_image(work, work.build.add(layer, as_image(work, x, at.row)), x, at.row);
}

/// Adds a linear layer: x (features, possibly flat) times constant features x units.
void give_linear(Work& work, const Value& x, Tensor weight, std::optional<Tensor> bias) {
  if (x.order == Order::flat) {
    Dims split = x.image;
    const auto units = static_cast<std::int64_t>(weight.shape()[1]);
    split.push_back(units);
    std::vector<std::size_t> order(split.size());
    std::iota(order.begin(), order.end(), std::size_t{1});
    order[split.size() - 2] = 0;
    order.back() = split.size() - 1;
    const Shape shape = weight.shape();
    weight = transposed(weight.reshaped(to_shape(split)), order).reshaped(shape);
  }
  const Linear layer{.units = static_cast<unsigned>(weight.shape()[1]), .bias = bias.has_value()};
  std::vector<Tensor> numbers{std::move(weight)};
  if (bias) numbers.push_back(std::move(*bias));
  const Dims dims = x.dims;
  Value made = work.build.add(layer, x, std::move(numbers));
  made.batched = x.batched;
  made.dims = dims;
  made.dims.back() = static_cast<std::int64_t>(layer.units.value());
  work.give(made);
}

Value scaled(Work& work, const Value& x, float factor) {
  if (factor == 1) return x;
  Value one;
  one.constant = Tensor::full({}, static_cast<real>(factor));
  return work.build.combine(hans::operator*, {x, one});
}

Value turned(Work& work, const Value& x) {
  check(x.rank() == 2, "a matrix of shape ", to_text(x.dims));
  return work.build.transposed(x, std::vector<std::size_t>{1, 0});
}

void gemm(Work& work) {
  Value a = work.in(0), b = work.in(1);
  if (work.integer("transA", 0) != 0) a = turned(work, a);
  if (work.integer("transB", 0) != 0) b = turned(work, b);
  check(a.rank() == 2 && b.rank() == 2, "matrices of shapes ", to_text(a.dims), " and ", to_text(b.dims));
  check(a.dims[1] == b.dims[0], "matrices of shapes ", to_text(a.dims), " and ", to_text(b.dims));
  b = scaled(work, b, work.number("alpha", 1));
  std::optional<Value> c;
  if (work.has(2)) c = scaled(work, work.in(2), work.number("beta", 1));
  const std::int64_t units = b.dims[1];
  if (!a.known() && a.batched && b.known()) {
    const bool row = c && c->known() && (c->rank() < 2 || c->dims[0] == 1) &&
                     (elements(c->dims) == units || c->dims.empty() || elements(c->dims) == 1);
    if (!c || row) {
      std::optional<Tensor> bias;
      if (c) {
        bias = elements(c->dims) == units ? c->constant->reshaped(to_shape(Dims{units}))
                                          : Tensor::full(to_shape(Dims{units}), c->constant->data()[0]);
      } else {
        bias = work.bias_behind(static_cast<std::size_t>(units), 1, 2);
      }
      return give_linear(work, a, *b.constant, std::move(bias));
    }
  }
  Value made = work.build.product(a, b);
  if (c) made = work.build.combine(hans::operator+, {made, *c}, true);
  work.give(made);
}

void matmul(Work& work) {
  const Value a = work.in(0), b = work.in(1);
  const Dims sample = a.sample();
  if (!a.known() && b.known() && b.rank() == 2 && !sample.empty()) {
    check(a.dims.back() == b.dims[0], "matrices of shapes ", to_text(a.dims), " and ", to_text(b.dims));
    const auto units = static_cast<std::size_t>(b.dims[1]);
    if (sample.size() == 1 && a.batched) {
      return give_linear(work, a, *b.constant, work.bias_behind(units, a.rank() - 1, a.rank()));
    }
    if (elements(sample) == a.dims.back()) {  // one row, with extra axes
      Value row = work.build.reshaped(a, a.batched ? Dims{1, a.dims.back()} : Dims{a.dims.back()});
      Dims dims = a.dims;
      dims.back() = b.dims[1];
      std::optional<Tensor> bias = work.bias_behind(units, a.rank() - 1, a.rank());
      give_linear(work, row, *b.constant, std::move(bias));
      return work.give(work.build.reshaped(work.given(), dims));
    }
  }
  work.give(work.build.product(a, b));
}

}  // namespace

Operators product_operators() {
  return {{"AveragePool", {average_pool, 1, 1}},
          {"Conv", {conv, 2, 3}},
          {"ConvTranspose", {conv_transpose, 2, 3}},
          {"Gemm", {gemm, 2, 3}},
          {"MatMul", {matmul, 2, 2}},
          {"MaxPool", {max_pool, 1, 1}}};
}

}  // namespace hans::nn::onnx
