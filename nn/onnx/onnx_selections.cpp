// ONNX operators that select elements along an axis.
#include <algorithm>
#include <cmath>
#include <numeric>

#include <hans/core/error.hpp>
#include "detail/onnx_importer.hpp"

namespace hans::nn::onnx {
namespace {

/// first, first + step, ...: `count` of them.
Dims counted(std::int64_t first, std::int64_t step, std::int64_t count) {
  Dims made;
  for (std::int64_t k = 0; k < count; ++k) made.push_back(first + k * step);
  return made;
}

/// Checks the number of indices before they are created.
void check_count(std::int64_t count) {
  check(count <= static_cast<std::int64_t>(most_features), "an axis would have ", count, " elements, more than ",
        most_features);
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

/// Repeats x along each axis.
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

/// Nearest-neighbour scaling: the input index of each output.
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

Operators selection_operators() {
  return {{"Expand", {expand, 2, 2}}, {"Gather", {gather, 2, 2}}, {"Pad", {pad, 1, 4}},   {"Resize", {resize, 1, 4}},
          {"Slice", {slice, 1, 5}},   {"Split", {split, 1, 2}},   {"Tile", {tile, 2, 2}}, {"Upsample", {resize, 1, 2}}};
}

}  // namespace hans::nn::onnx
