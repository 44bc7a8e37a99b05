// A network under construction during an ONNX import.
#include "detail/onnx_builder.hpp"

#include <algorithm>

#include <hans/autodiff/arrays.hpp>
#include <hans/core/error.hpp>
#include <hans/nn/array_layers.hpp>

namespace hans::nn::onnx {
namespace {

Dims dims_of(const Shape& shape) { return Dims(shape.begin(), shape.end()); }

/// Whether a permutation moves no element, because all axes it passes have extent 1.
bool moves_nothing(std::span<const std::int64_t> dims, std::span<const std::size_t> order) {
  std::size_t last = 0;
  for (const std::size_t axis : order) {
    if (dims[axis] == 1) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

Dims permuted(std::span<const std::int64_t> dims, std::span<const std::size_t> order) {
  Dims made;
  for (const std::size_t axis : order) made.push_back(dims[axis]);
  return made;
}

/// The output of a layer for these operands, with samples along their first axis.
Tensor run(const Layer& layer, std::span<const Tensor> operands, std::span<const Shape> shapes,
           std::span<const Tensor> numbers) {
  Tape tape;
  std::vector<Var> x, trainable;
  std::vector<Tensor> others;
  for (const Tensor& operand : operands) x.push_back(tape.constant(operand));
  std::size_t next = 0;
  for (const WeightInfo& info : layer.weights(shapes)) {
    const Tensor& given = numbers[next++];
    check(given.shape() == info.shape, "its ", info.name, " has shape ", given.shape(), ", not ", info.shape);
    if (info.trainable) {
      trainable.push_back(tape.constant(given));
    } else {
      others.push_back(given);
    }
  }
  return layer(tape, x, {trainable, others, {}, 0}).value();
}

}  // namespace

Builder::Builder(const Shape& image, Budget given) : budget(given), image_(image) {
  images_.dims = {1, static_cast<std::int64_t>(image[2]), static_cast<std::int64_t>(image[0]),
                  static_cast<std::int64_t>(image[1])};
  images_.batched = true;
  images_.order = Order::channels_last;
}

Source Builder::push(Made layer) {
  check(layers_.size() < Sequential::most_layers, "the network has more than ", Sequential::most_layers, " layers");
  layers_.push_back(std::move(layer));
  return Source{layers_.size() - 1};
}

Source Builder::source_of(const Value& value, bool trainable) {
  if (!value.known()) return value.source;
  const Shape& shape = value.constant->shape();
  return push({Layer(Constant{.shape = shape, .trainable = trainable}), {}, {*value.constant}, shape, false});
}

Value Builder::fold(const Layer& layer, std::span<const Value> operands, std::span<const Tensor> numbers) {
  std::vector<Shape> shapes;
  std::uint64_t size = 0;
  for (const Value& operand : operands) {
    shapes.push_back(operand.constant->shape());
    size += operand.constant->size();
    check(operand.constant->size() > 0, "it works on a value of shape ", to_text(operand.dims), ", which is empty");
  }
  // First with no samples: this gives the shape without using memory.
  const auto run_with = [&](std::size_t samples) {
    std::vector<Tensor> x;
    for (const Value& operand : operands) {
      const Shape whole = operand.constant->shape().with_front(samples);
      x.push_back(samples == 0 ? Tensor(whole) : operand.constant->reshaped(whole));
    }
    return run(layer, x, shapes, numbers);
  };
  const Shape shape = run_with(0).shape().without_front();
  constexpr std::uint64_t each = 16;  // approximate multiply-adds per element: some functions are polynomials
  budget.take_numbers(shape.elements());
  budget.take_work(size + shape.elements(), each);
  Value result;
  result.constant = run_with(1).reshaped(shape);
  result.dims = dims_of(shape);
  return result;
}

Value Builder::add(const Layer& layer, std::span<const Value> operands, std::vector<Tensor> numbers) {
  for (const Tensor& each : numbers) budget.take_numbers(each.size());
  if (std::ranges::all_of(operands, &Value::known)) return fold(layer, operands, numbers);
  Value result;
  std::vector<Source> sources;
  std::vector<Tensor> x;
  std::vector<Shape> shapes;
  for (const Value& operand : operands) {
    sources.push_back(source_of(operand));
    const std::size_t from = sources.back().layer;
    shapes.push_back(from == Source::images ? image_ : layers_[from].shape);
    const bool each = from == Source::images || layers_[from].each;
    x.push_back(each ? Tensor(shapes.back().with_front(0)) : layers_[from].numbers[0]);
    result.batched = result.batched || operand.batched;
  }
  const Shape shape = run(layer, x, shapes, numbers).shape().without_front();
  check(0 < shape.elements() && shape.elements() <= most_features, "it gives ", shape.elements(),
        " features for one image, not 1 to ", most_features);
  result.dims = dims_of(shape);
  if (result.batched) result.dims.insert(result.dims.begin(), 1);
  result.source = push({layer, std::move(sources), std::move(numbers), shape});
  return result;
}

Sequential Builder::finish(const Value& logits) {
  const Value last = logits.sample().size() == 1 ? plain(logits)
                                                 : reshaped(logits, logits.batched ? Dims{1, elements(logits.dims)}
                                                                                   : Dims{elements(logits.dims)});
  check(!last.known() && last.source.layer != Source::images, "its output does not depend on its input");
  std::vector<bool> needed(layers_.size(), false);
  needed[last.source.layer] = true;
  std::vector<std::size_t> place(layers_.size(), 0);
  for (std::size_t k = layers_.size(); k-- > 0;) {
    for (const Source& source : layers_[k].sources) {
      if (needed[k] && source.layer != Source::images) needed[source.layer] = true;
    }
  }
  std::vector<Layer> layers;
  std::vector<Tensor> numbers;
  for (std::size_t k = 0; k <= last.source.layer; ++k) {
    if (!needed[k]) continue;
    place[k] = layers.size();
    std::vector<Source> sources = layers_[k].sources;
    for (Source& source : sources) {
      if (source.layer != Source::images) source.layer = place[source.layer];
    }
    layers.push_back(layers_[k].layer.of(std::move(sources)));
    for (Tensor& each : layers_[k].numbers) numbers.push_back(std::move(each));
  }
  std::size_t next = 0;
  return Sequential(image_, std::move(layers), [&](const std::string&, const WeightInfo&) { return numbers[next++]; });
}

Value Builder::plain(const Value& value) {
  if (value.order == Order::plain) return value;
  Value last = value;
  if (value.order == Order::flat) {
    last.dims = value.image;
    if (value.batched) last.dims.insert(last.dims.begin(), 1);
    Dims stored(value.image.begin() + 1, value.image.end());
    stored.push_back(value.image.front());
    last.source = add(Reshape{.shape = to_shape(stored)}, value).source;
    last.order = Order::channels_last;
  }
  const Dims sample = last.sample();
  Value made = last;
  made.order = Order::plain;
  const std::vector<std::size_t> order = channels_behind(sample.size());
  made.source = moves_nothing(sample, order)
                    ? add(Reshape{.shape = to_shape(sample)}, last).source
                    : add(Transpose{.order = Axes{channels_before(sample.size())}}, last).source;
  if (value.order != Order::flat) return made;
  return reshaped(made, value.dims);
}

Value Builder::channels_last(const Value& given) {
  if (given.order == Order::channels_last) return given;
  const Value value = plain(given);
  const Dims sample = value.sample();
  check(!value.known(), "numbers of shape ", to_text(value.dims), " stand where an image belongs");
  check(sample.size() >= 2, "a value of shape ", to_text(value.dims), " has no image to work on");
  Value made = value;
  const std::vector<std::size_t> order = channels_behind(sample.size());
  made.order = Order::channels_last;
  made.source = moves_nothing(sample, order) ? add(Reshape{.shape = to_shape(permuted(sample, order))}, value).source
                                             : add(Transpose{.order = Axes{order}}, value).source;
  return made;
}

Value Builder::reshaped(const Value& value, const Dims& dims) {
  check(elements(dims) == elements(value.dims), "a value of shape ", to_text(value.dims), " cannot be seen as ",
        to_text(dims));
  if (dims == value.dims) return value;
  Value made;
  made.whole = value.whole;
  made.dims = dims;
  if (value.known()) {
    made.constant = value.constant->reshaped(to_shape(dims));
    return made;
  }
  made.batched = !dims.empty() && dims[0] == 1 && value.batched;
  const Dims sample = made.sample();
  if (value.order == Order::channels_last && sample.size() == 1) {
    made.order = Order::flat;
    made.image = value.sample();
    made.source = add(hans::flatten, value).source;
    if (made.image[0] == 1 || elements(made.image) == made.image[0]) made.order = Order::plain;
    return made;
  }
  if (value.order == Order::flat && sample == value.image) {
    Dims stored(sample.begin() + 1, sample.end());
    stored.push_back(sample[0]);
    made.order = Order::channels_last;
    made.source = add(Reshape{.shape = to_shape(stored)}, value).source;
    return made;
  }
  const Layer layer = sample.size() == 1 ? Layer(hans::flatten) : Layer(Reshape{.shape = to_shape(sample)});
  made.source = add(layer, plain(value)).source;
  return made;
}

Value Builder::within_sample(const Value& value) {
  if (value.known() || !value.batched) return value;
  Value made = plain(value);
  made.source = add(Reshape{.shape = to_shape(value.dims)}, made).source;
  made.batched = false;
  return made;
}

Value Builder::taken(const Value& given, std::size_t axis, std::span<const std::int64_t> indices, float fill) {
  budget.take_work(indices.size(), 8);
  Value value = given.order == Order::flat ? plain(given) : given;
  bool all = static_cast<std::int64_t>(indices.size()) == value.dims[axis];
  for (std::size_t k = 0; all && k < indices.size(); ++k) all = indices[k] == static_cast<std::int64_t>(k);
  if (all) return value;
  check(!(value.batched && axis == 0), "it works along the samples' axis");
  check(!indices.empty(), "nothing is left along axis ", axis, " of a value of shape ", to_text(value.dims));
  Dims dims = value.dims;
  dims[axis] = static_cast<std::int64_t>(indices.size());
  check(elements(dims) <= static_cast<std::int64_t>(most_features), "a value of shape ", to_text(dims),
        " has more than ", most_features, " numbers");
  Tensor which({indices.size()});
  for (std::size_t k = 0; k < indices.size(); ++k) {
    check(indices[k] < value.dims[axis], "the index ", indices[k], " is beyond the ", value.dims[axis],
          " elements of axis ", axis);
    which.mutable_data()[k] = static_cast<real>(indices[k]);
  }
  const auto stored = static_cast<unsigned>(value.stored_axis(axis));
  Value made = add(Take{.axis = stored, .count = static_cast<unsigned>(indices.size()), .fill = fill}, value,
                   {std::move(which)});
  made = formed_like(value, std::move(made));
  made.dims = dims;
  made.whole = value.whole;
  return made;
}

Value Builder::transposed(const Value& value, std::span<const std::size_t> order) {
  const std::size_t first = value.batched ? 1 : 0;
  check(!value.batched || order[0] == 0, "it moves the samples' axis");
  std::vector<std::size_t> sample;
  for (std::size_t k = first; k < order.size(); ++k) sample.push_back(order[k] - first);
  const std::size_t rank = sample.size();
  const auto renamed = [&](Order kept) {  // the numbers stay in place
    Value made = value;
    made.dims = permuted(value.dims, order);
    made.order = kept;
    return made;
  };
  if (!value.known() && rank >= 2) {
    if (value.order == Order::channels_last && sample == channels_behind(rank)) return renamed(Order::plain);
    if (value.order == Order::plain && sample == channels_before(rank)) return renamed(Order::channels_last);
  }
  const Value from = plain(value);
  Value made = add(Transpose{.order = Axes{sample}}, from);
  made.dims = permuted(value.dims, order);
  made.batched = value.batched;
  made.whole = value.whole;
  return made;
}

}  // namespace hans::nn::onnx
