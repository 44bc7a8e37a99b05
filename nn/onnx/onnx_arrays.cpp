// ONNX operators that rearrange.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <hans/core/error.hpp>
#include <hans/nn/array_layers.hpp>
#include "detail/onnx_importer.hpp"

namespace hans::nn::onnx {
namespace {

Value numbers_of(const Dims& values) {
  Value made;
  made.whole = true;
  made.dims = {static_cast<std::int64_t>(values.size())};
  Tensor tensor({values.size()});
  std::ranges::transform(values, tensor.mutable_data(), [](std::int64_t value) { return static_cast<real>(value); });
  made.constant = std::move(tensor);
  return made;
}

/// first, first + step, ...: `count` of them.
Dims counted(std::int64_t first, std::int64_t step, std::int64_t count) {
  Dims made;
  for (std::int64_t k = 0; k < count; ++k) made.push_back(first + k * step);
  return made;
}

/// Of indices that are about to be made.
void check_count(std::int64_t count) {
  check(count <= static_cast<std::int64_t>(most_features), "an axis would have ", count, " elements, more than ",
        most_features);
}

void reshape(Work& work) {
  const Value x = work.in(0);
  Dims dims = work.has(1) ? work.whole(1, "shape") : work.integers("shape", {});
  const bool zero_is_zero = work.integer("allowzero", 0) != 0;
  std::int64_t known = 1;
  for (std::size_t k = 0; k < dims.size(); ++k) {
    if (dims[k] == 0 && !zero_is_zero) {
      check(k < x.rank(), "shape ", to_text(dims), " takes over axis ", k, " of ", to_text(x.dims));
      dims[k] = x.dims[k];
    }
    check(dims[k] >= -1, "shape ", to_text(dims), " has a negative extent");
    if (dims[k] == -1) continue;
    check(dims[k] == 0 || known <= static_cast<std::int64_t>(Sequential::most_weights) / dims[k], "shape ",
          to_text(dims), " is too large");
    known *= dims[k];
  }
  check(std::ranges::count(dims, -1) <= 1, "shape ", to_text(dims), " leaves more than one extent open");
  const auto open = std::ranges::find(dims, -1);
  if (open != dims.end() && known > 0) *open = elements(x.dims) / known;
  work.give(work.build.reshaped(x, dims));
}

void flatten(Work& work) {
  const Value x = work.in(0);
  const std::int64_t given = work.integer("axis", 1);
  const auto rank = static_cast<std::int64_t>(x.rank());
  check(-rank <= given && given <= rank, "axis ", given, " of ", rank);
  const auto axis = static_cast<std::ptrdiff_t>(given < 0 ? given + rank : given);
  const std::span<const std::int64_t> dims(x.dims);
  work.give(work.build.reshaped(x, {elements(dims.first(static_cast<std::size_t>(axis))),
                                    elements(dims.subspan(static_cast<std::size_t>(axis)))}));
}

void squeeze(Work& work) {
  const Value x = work.in(0);
  std::vector<std::size_t> axes;
  if (work.has(1) || work.has("axes")) {
    axes = work.axes(work.has(1) ? work.whole(1, "axes") : work.integers("axes", {}), x.rank());
  } else {
    for (std::size_t k = 0; k < x.rank(); ++k) {
      if (x.dims[k] == 1) axes.push_back(k);
    }
  }
  Dims dims;
  for (std::size_t k = 0; k < x.rank(); ++k) {
    const bool gone = std::ranges::count(axes, k) > 0;
    check(!gone || x.dims[k] == 1, "axis ", k, " of ", to_text(x.dims), " does not have extent 1");
    if (!gone) dims.push_back(x.dims[k]);
  }
  work.give(work.build.reshaped(x, dims));
}

void unsqueeze(Work& work) {
  const Value x = work.in(0);
  const Dims given = work.has(1) ? work.whole(1, "axes") : work.integers("axes", {});
  const std::vector<std::size_t> axes = work.axes(given, x.rank() + given.size());
  Dims dims = x.dims;
  for (std::size_t k = 0; k < x.rank() + given.size(); ++k) {
    if (std::ranges::count(axes, k) > 0) dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(k), 1);
  }
  check(dims.size() == x.rank() + given.size(), "axes ", to_text(given), " name one twice");
  work.give(work.build.reshaped(x, dims));
}

void transpose(Work& work) {
  const Value x = work.in(0);
  Dims given = work.integers("perm", {});
  if (given.empty()) {
    for (std::size_t k = x.rank(); k-- > 0;) given.push_back(static_cast<std::int64_t>(k));
  }
  const std::vector<std::size_t> order = work.axes(given, x.rank());
  check(order.size() == x.rank(), "perm ", to_text(given), " does not name each axis of ", to_text(x.dims), " once");
  work.give(work.build.transposed(x, order));
}

void concat(Work& work) {
  check(work.inputs() <= Concat::operands.most, work.inputs(), " inputs, more than ", Concat::operands.most);
  std::vector<Value> parts;
  bool last = false, batched = false;
  for (std::size_t k = 0; k < work.inputs(); ++k) {
    parts.push_back(work.in(k));
    const Value& part = parts.back();
    check(part.rank() == parts[0].rank(), "shapes ", to_text(parts[0].dims), " and ", to_text(part.dims));
    last = last || part.order == Order::channels_last;
    batched = batched || part.batched;
  }
  const std::size_t axis = work.axis(work.integer("axis"), parts[0].rank());
  check(!batched || axis > 0, "it works along the samples' axis");
  Value made;
  made.batched = batched;
  made.order = last ? Order::channels_last : Order::plain;
  made.dims = parts[0].dims;
  made.dims[axis] = 0;
  made.whole = parts[0].whole;
  if (std::ranges::any_of(parts, [](const Value& part) { return elements(part.dims) > 0; })) {
    std::erase_if(parts, [](const Value& part) { return elements(part.dims) == 0; });
  }
  for (Value& part : parts) {
    made.dims[axis] += part.dims[axis];
    if (part.known() && batched) {  // each sample gets the same
      check(part.dims[0] == 1, "numbers of shape ", to_text(part.dims), " stand beside samples");
      part = work.build.reshaped(part, Dims(part.dims.begin() + 1, part.dims.end()));
    }
    if (part.known() && last) {
      std::vector<std::size_t> order(part.rank());
      std::iota(order.begin(), order.end(), std::size_t{1});
      order.back() = 0;
      part = work.build.transposed(part, order);
    }
    if (!part.known()) part = last ? work.build.channels_last(part) : work.build.plain(part);
  }
  const auto stored = static_cast<unsigned>(made.stored_axis(axis));
  const Value joined = work.build.add(Concat{.axis = stored}, parts);
  made.source = joined.source;
  made.constant = joined.constant;
  work.give(made);
}

void split(Work& work) {
  const Value x = work.in(0);
  const std::size_t axis = work.axis(work.integer("axis", 0), x.rank());
  Dims sizes = work.has(1) ? work.whole(1, "split") : work.integers("split", {});
  if (sizes.empty()) {
    const auto parts = work.integer("num_outputs", static_cast<std::int64_t>(work.outputs()));
    check(parts == static_cast<std::int64_t>(work.outputs()), "num_outputs = ", parts, " for ", work.outputs());
    check(parts > 0 && parts <= x.dims[axis], parts, " parts of axis ", axis, " of ", to_text(x.dims));
    const std::int64_t size = (x.dims[axis] + parts - 1) / parts;
    sizes.assign(static_cast<std::size_t>(parts), size);
    sizes.back() = x.dims[axis] - size * (parts - 1);
  }
  const auto fits = [&](std::int64_t size) { return 0 <= size && size <= x.dims[axis]; };
  check(sizes.size() == work.outputs() && std::ranges::all_of(sizes, fits) &&
            std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0}) == x.dims[axis],
        "parts of ", to_text(sizes), " do not make up axis ", axis, " of ", to_text(x.dims));
  check_count(x.dims[axis]);
  std::int64_t first = 0;
  for (std::size_t k = 0; k < sizes.size(); ++k) {
    if (work.wants(k)) work.give(work.build.taken(x, axis, counted(first, 1, sizes[k])), k);
    first += sizes[k];
  }
}

void slice(Work& work) {
  Value x = work.in(0);
  const bool inputs = work.opset() >= 10;
  const Dims starts = inputs ? work.whole(1, "starts") : work.integers("starts", {});
  const Dims ends = inputs ? work.whole(2, "ends") : work.integers("ends", {});
  Dims given = counted(0, 1, static_cast<std::int64_t>(starts.size()));
  if (inputs ? work.has(3) : work.has("axes")) given = inputs ? work.whole(3, "axes") : work.integers("axes", {});
  const Dims steps = inputs && work.has(4) ? work.whole(4, "steps") : Dims(starts.size(), 1);
  const std::vector<std::size_t> axes = work.axes(given, x.rank());
  check(ends.size() == starts.size() && axes.size() == starts.size() && steps.size() == starts.size(),
        "its starts, ends, axes and steps are not equally many");
  for (std::size_t k = 0; k < axes.size(); ++k) {
    const std::int64_t extent = x.dims[axes[k]];
    const std::int64_t step = steps[k];
    check(step != 0, "a step of 0");
    check(extent > 0, "axis ", axes[k], " of ", to_text(x.dims), " is empty");
    check_count(extent);
    const auto place = [&](std::int64_t at, std::int64_t low, std::int64_t high) {
      return std::clamp(at < 0 ? at + extent : at, low, high);
    };
    const std::int64_t first = step > 0 ? place(starts[k], 0, extent) : place(starts[k], 0, extent - 1);
    const std::int64_t end = step > 0 ? place(ends[k], 0, extent) : place(ends[k], -1, extent - 1);
    Dims indices;
    const std::int64_t stride = std::clamp(step, -extent, extent);
    for (std::int64_t at = first; stride > 0 ? at < end : at > end; at += stride) indices.push_back(at);
    x = work.build.taken(x, axes[k], indices);
  }
  work.give(x);
}

void gather(Work& work) {
  const Value x = work.in(0);
  const Value which = work.in(1);
  const std::size_t axis = work.axis(work.integer("axis", 0), x.rank());
  Dims indices = work.whole(1, "indices");
  for (std::int64_t& index : indices) {
    check(-x.dims[axis] <= index && index < x.dims[axis], "index ", index, " of ", x.dims[axis]);
    if (index < 0) index += x.dims[axis];
  }
  Dims dims(x.dims.begin(), x.dims.begin() + static_cast<std::ptrdiff_t>(axis));
  dims.insert(dims.end(), which.dims.begin(), which.dims.end());
  dims.insert(dims.end(), x.dims.begin() + static_cast<std::ptrdiff_t>(axis) + 1, x.dims.end());
  work.give(work.build.reshaped(work.build.taken(x, axis, indices), dims));
}

void pad(Work& work) {
  Value x = work.in(0);
  const bool inputs = work.opset() >= 11;
  const Dims pads = inputs ? work.whole(1, "pads") : work.integers("pads", {});
  const std::string mode = work.word("mode", "constant");
  float fill = work.number("value", 0);
  if (inputs && work.has(2)) fill = static_cast<float>(work.scalar(2, "constant_value"));
  Dims given = counted(0, 1, static_cast<std::int64_t>(x.rank()));
  if (work.has(3)) given = work.whole(3, "axes");
  const std::vector<std::size_t> axes = work.axes(given, x.rank());
  check(pads.size() == 2 * axes.size(), "pads ", to_text(pads), " for ", axes.size(), " axes");
  check(mode == "constant" || mode == "edge" || mode == "wrap" || mode == "reflect", "mode ", in_quotes(mode));
  for (std::size_t k = 0; k < axes.size(); ++k) {
    const std::int64_t extent = x.dims[axes[k]];
    const std::int64_t before = pads[k], behind = pads[k + axes.size()];
    constexpr std::int64_t limit = std::int64_t{1} << 22;
    check(-limit < before && before < limit && -limit < behind && behind < limit, "pads ", to_text(pads));
    check(extent > 0 || mode == "constant", "axis ", axes[k], " of ", to_text(x.dims), " is empty: nothing to repeat");
    check_count(extent + before + behind);
    Dims indices;
    for (std::int64_t at = -before; at < extent + behind; ++at) {
      const bool inside = 0 <= at && at < extent;
      std::int64_t from = at;
      if (!inside && mode == "constant") from = -1;
      if (!inside && mode == "edge") from = std::clamp<std::int64_t>(at, 0, extent - 1);
      if (!inside && mode == "wrap") from = (at % extent + extent) % extent;
      if (!inside && mode == "reflect") {
        const std::int64_t period = std::max<std::int64_t>(2 * (extent - 1), 1);
        const std::int64_t rest = (at % period + period) % period;
        from = rest < extent ? rest : period - rest;
      }
      indices.push_back(from);
    }
    x = work.build.taken(x, axes[k], indices, fill);
  }
  work.give(x);
}

/// Repeats along axes until the dims are these.
Value tiled(Work& work, Value x, const Dims& repeats) {
  for (std::size_t k = 0; k < repeats.size(); ++k) {
    check(repeats[k] > 0 && repeats[k] < (1 << 22), "repeated ", repeats[k], " times");
    const std::int64_t extent = x.dims[k];
    check_count(extent * repeats[k]);
    Dims indices;
    for (std::int64_t j = 0; j < extent * repeats[k]; ++j) indices.push_back(j % extent);
    x = work.build.taken(x, k, indices);
  }
  return x;
}

void expand(Work& work) {
  Value x = work.in(0);
  const Dims to = work.whole(1, "shape");
  Dims dims = x.dims;
  check(to.size() < Shape::max_rank && (dims.size() >= to.size() || x.known() || !x.batched), "shape ", to_text(to),
        " of ", to_text(dims));
  if (dims.size() < to.size()) dims.insert(dims.begin(), to.size() - dims.size(), 1);
  x = work.build.reshaped(x, dims);
  Dims repeats(dims.size(), 1);
  for (std::size_t k = 0; k < to.size(); ++k) {
    const std::size_t axis = dims.size() - to.size() + k;
    check(to[k] == 1 || dims[axis] == 1 || dims[axis] == to[k], "shape ", to_text(to), " of ", to_text(dims));
    if (dims[axis] == 1) repeats[axis] = to[k];
  }
  work.give(tiled(work, x, repeats));
}

void tile(Work& work) {
  const Value x = work.in(0);
  const Dims repeats = work.whole(1, "repeats");
  check(repeats.size() == x.rank(), "repeats ", to_text(repeats), " of ", to_text(x.dims));
  work.give(tiled(work, x, repeats));
}

void shape(Work& work) {
  const Value x = work.in(0);
  const auto rank = static_cast<std::int64_t>(x.rank());
  const auto place = [&](std::int64_t at) { return std::clamp<std::int64_t>(at < 0 ? at + rank : at, 0, rank); };
  const std::int64_t first = place(work.integer("start", 0)), end = place(work.integer("end", rank));
  work.give(numbers_of(first < end ? Dims(x.dims.begin() + first, x.dims.begin() + end) : Dims{}));
}

void constant(Work& work) {
  if (const Attribute* given = work.attribute("value", Attribute::Kind::tensor))
    return work.give(stored(given->tensor));
  if (work.has("value_int")) {
    Value one = numbers_of({work.integer("value_int", 0)});
    return work.give(work.build.reshaped(one, {}));
  }
  if (work.has("value_ints")) return work.give(numbers_of(work.integers("value_ints", {})));
  Value made;
  if (work.has("value_float")) {
    made.constant = Tensor::full({}, static_cast<real>(work.number("value_float", 0)));
  } else {
    const Attribute* many = work.attribute("value_floats", Attribute::Kind::numbers);
    check(many != nullptr, "a constant that is neither a tensor nor a number");
    made.dims = {static_cast<std::int64_t>(many->numbers.size())};
    made.constant = Tensor({many->numbers.size()}, std::vector<real>(many->numbers.begin(), many->numbers.end()));
  }
  work.give(made);
}

void constant_of_shape(Work& work) {
  Value made;
  made.dims = work.whole(0, "shape");
  real fill = 0;
  if (const Attribute* given = work.attribute("value", Attribute::Kind::tensor)) {
    const Value one = stored(given->tensor);
    check(one.constant->size() == 1, "a value of shape ", to_text(one.dims));
    fill = one.constant->data()[0];
    made.whole = one.whole;
  }
  check(elements(made.dims) <= static_cast<std::int64_t>(most_features), "a constant of shape ", to_text(made.dims),
        " has more than ", most_features, " numbers");
  work.build.budget.take_numbers(static_cast<std::uint64_t>(elements(made.dims)));
  made.constant = Tensor::full(to_shape(made.dims), fill);
  work.give(made);
}

/// Nearest-neighbour scaling: which input each output is.
Dims nearest(std::int64_t from, std::int64_t to, double scale, const std::string& mode, const std::string& rounding) {
  Dims indices;
  for (std::int64_t k = 0; k < to; ++k) {
    const auto x = static_cast<double>(k);
    double at = x / scale;
    if (mode == "half_pixel" || (mode == "pytorch_half_pixel" && to > 1)) at = (x + 0.5) / scale - 0.5;
    if (mode == "pytorch_half_pixel" && to <= 1) at = 0;
    if (mode == "half_pixel_symmetric") {
      const double adjustment = static_cast<double>(to) / (scale * static_cast<double>(from));
      const double centre = static_cast<double>(from) / 2;
      at = centre * (1 - adjustment) + (x + 0.5) / scale - 0.5;
    }
    if (mode == "align_corners") {
      at = to == 1 ? 0 : x * static_cast<double>(from - 1) / static_cast<double>(to - 1);
    }
    double index = std::ceil(at - 0.5);  // round_prefer_floor
    if (rounding == "round_prefer_ceil") index = std::floor(at + 0.5);
    if (rounding == "floor") index = std::floor(at);
    if (rounding == "ceil") index = std::ceil(at);
    indices.push_back(std::clamp(static_cast<std::int64_t>(index), std::int64_t{0}, from - 1));
  }
  return indices;
}

void resize(Work& work) {
  Value x = work.in(0);
  check(work.word("mode", "nearest") == "nearest", "mode ", in_quotes(work.word("mode", "nearest")),
        ": only nearest is supported");
  const bool old = work.opset() < 11;
  const std::string mode = work.word("coordinate_transformation_mode", old ? "asymmetric" : "half_pixel");
  const std::string rounding = work.word("nearest_mode", old ? "floor" : "round_prefer_floor");
  check(mode != "tf_crop_and_resize", "coordinate_transformation_mode ", in_quotes(mode));
  const std::size_t scales_at = old ? 1 : 2;
  Dims given = counted(0, 1, static_cast<std::int64_t>(x.rank()));
  if (work.has("axes")) given = work.integers("axes", {});
  const std::vector<std::size_t> axes = work.axes(given, x.rank());
  const bool by_size = !old && work.has(3) && !work.whole(3, "sizes").empty();
  const Dims sizes = by_size ? work.whole(3, "sizes") : Dims{};
  const Tensor scales = by_size ? Tensor() : work.known(scales_at, "scales");
  check((by_size ? sizes.size() : scales.size()) == axes.size(), "one scale or size for each axis of ",
        to_text(x.dims));
  std::vector<double> factors;
  for (std::size_t k = 0; k < axes.size(); ++k) {
    const auto extent = static_cast<double>(x.dims[axes[k]]);
    factors.push_back(by_size ? static_cast<double>(sizes[k]) / extent : static_cast<double>(scales.data()[k]));
    check(factors[k] > 0 && factors[k] < 1e6, "a scale of ", factors[k]);
  }
  const std::string policy = work.word("keep_aspect_ratio_policy", "stretch");
  if (by_size && policy != "stretch") {
    const auto extremes = std::ranges::minmax(factors);
    std::ranges::fill(factors, policy == "not_larger" ? extremes.min : extremes.max);
  }
  for (std::size_t k = 0; k < axes.size(); ++k) {
    const std::int64_t from = x.dims[axes[k]];
    const double exact = static_cast<double>(from) * factors[k];
    const auto to = static_cast<std::int64_t>(by_size ? std::floor(exact + 0.5) : std::floor(exact));
    check(0 < to && to <= 65536, "axis ", axes[k], " of ", to_text(x.dims), " would have ", to, " elements");
    x = work.build.taken(x, axes[k], nearest(from, to, factors[k], mode, rounding));
  }
  work.give(x);
}

}  // namespace

Operators array_operators() {
  return {{"Concat", {concat, 1, Operator::any_number}},
          {"Constant", {constant, 0, 0}},
          {"ConstantOfShape", {constant_of_shape, 1, 1}},
          {"Expand", {expand, 2, 2}},
          {"Flatten", {flatten, 1, 1}},
          {"Gather", {gather, 2, 2}},
          {"Pad", {pad, 1, 4}},
          {"Reshape", {reshape, 1, 2}},
          {"Resize", {resize, 1, 4}},
          {"Shape", {shape, 1, 1}},
          {"Slice", {slice, 1, 5}},
          {"Split", {split, 1, 2}},
          {"Squeeze", {squeeze, 1, 2}},
          {"Tile", {tile, 2, 2}},
          {"Transpose", {transpose, 1, 1}},
          {"Unsqueeze", {unsqueeze, 1, 2}},
          {"Upsample", {resize, 1, 2}}};
}

}  // namespace hans::nn::onnx
