// ONNX operators that rearrange elements.
#include <algorithm>

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
    if (part.known() && batched) {  // repeat constants for every sample
      check(part.dims[0] == 1, "numbers of shape ", to_text(part.dims), " stand beside samples");
      part = work.build.reshaped(part, Dims(part.dims.begin() + 1, part.dims.end()));
    }
    if (part.known() && last) part = work.build.transposed(part, channels_behind(part.rank()));
    if (!part.known()) part = last ? work.build.channels_last(part) : work.build.plain(part);
  }
  const auto stored = static_cast<unsigned>(made.stored_axis(axis));
  const Value joined = work.build.add(Concat{.axis = stored}, parts);
  made.source = joined.source;
  made.constant = joined.constant;
  work.give(made);
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

}  // namespace

Operators array_operators() {
  return {{"Concat", {concat, 1, Operator::any_number}},
          {"Constant", {constant, 0, 0}},
          {"ConstantOfShape", {constant_of_shape, 1, 1}},
          {"Flatten", {flatten, 1, 1}},
          {"Reshape", {reshape, 1, 2}},
          {"Shape", {shape, 1, 1}},
          {"Squeeze", {squeeze, 1, 2}},
          {"Transpose", {transpose, 1, 1}},
          {"Unsqueeze", {unsqueeze, 1, 2}}};
}

}  // namespace hans::nn::onnx
