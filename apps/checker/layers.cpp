// The layers that the checker knows, and at the end the table of them.
#include "network.hpp"

#include <cmath>
#include <numeric>

#include "window.hpp"

namespace hans::checker {
namespace {

/// What the layer of that name makes of all numbers; the smaller operand is repeated along the first axes of the other.
Array combine(std::string_view name, const Array& a, const Array& b) {
  const auto map = find_kind(name).map;
  const bool swapped = std::pair(a.shape.size(), a.values.size()) < std::pair(b.shape.size(), b.values.size());
  const Shape &whole = (swapped ? b : a).shape, &part = (swapped ? a : b).shape;
  const auto first = std::ranges::find_if(part, [](std::size_t extent) { return extent != 1; });
  check(std::equal(first, part.end(), whole.end() - (part.end() - first)), "shapes ", shape_text(a.shape), " and ",
        shape_text(b.shape), " cannot be combined by the checker");
  Array out = filled(whole, 0);
  for (std::size_t k = 0; k < out.values.size(); ++k) {
    out.values[k] = map(a.values[k % a.values.size()], b.values[k % b.values.size()]);
  }
  return out;
}

/// Of every number, with those of another operand or the first of the layer's settings.
Array each(const Layer& layer, Operands x) {
  const Array setting{{}, {layer.settings.empty() ? 0 : layer.number(layer.settings.begin()->first)}};
  return combine(layer.kind->name, *x[0], x.size() == 2 ? *x[1] : setting);
}

Array normalize(const Layer& layer, Operands x) {
  const auto numbers = [&layer](std::string_view key) {
    std::vector<double> all = layer.numbers(key);
    return Array{{all.size()}, std::move(all)};
  };
  const Array scaled = combine("multiply", *x[0], numbers("scale"));
  return combine("divide", combine("subtract", scaled, numbers("mean")), numbers("std"));
}

Array batch_norm(const Layer& layer, Operands x) {
  const Shape row{x[0]->shape.empty() ? 1 : x[0]->shape.back()};
  Array deviation = layer.array("variance", row);
  for (double& value : deviation.values) value = std::sqrt(value + layer.number("eps"));
  const Array out = combine("divide", combine("subtract", *x[0], layer.array("mean", row)), deviation);
  return combine("add", combine("multiply", out, layer.array("scale", row)), layer.array("bias", row));
}

Array flatten(const Layer&, Operands x) { return {{x[0]->values.size()}, x[0]->values}; }
Array constant(const Layer& layer, Operands) { return layer.array("value", read_shape(layer.word("shape"))); }

Array reshape(const Layer& layer, Operands x) {
  const Shape shape = read_shape(layer.word("shape"));
  check(elements(shape, most_features) == x[0]->values.size(), shape_text(x[0]->shape), " is not as much as that");
  return {shape, x[0]->values};
}

Array transpose(const Layer& layer, Operands x) {
  const Shape order = read_list(layer.word("order"), '/'), &from = x[0]->shape;
  Shape axes(from.size()), steps(from.size(), 1), to;
  std::iota(axes.begin(), axes.end(), std::size_t{0});
  check(std::ranges::is_permutation(order, axes), "its order is none of the axes of ", shape_text(from));
  for (std::size_t axis = from.size(); axis-- > 1;) steps[axis - 1] = steps[axis] * from[axis];
  for (const std::size_t axis : order) to.push_back(from[axis]);
  Array out = filled(to, 0);
  for (std::size_t k = 0; k < out.values.size(); ++k) {
    std::size_t rest = k, at = 0;
    for (std::size_t axis = to.size(); axis-- > 0; rest /= to[axis]) at += rest % to[axis] * steps[order[axis]];
    out.values[k] = x[0]->values[at];
  }
  return out;
}

/// conv2d and pooling, in which every channel has a filter of ones to itself: each place of the window makes a row of
/// numbers out of the pixels that the window is on, their sums or the largest.
Array slide(const Layer& layer, Operands x) {
  const Array& image = *x[0];
  check(image.shape.size() == 3, "it takes height x width x channels, not ", shape_text(image.shape));
  const Side down(layer, image, 0), across(layer, image, 1);
  const bool conv = layer.kind->name == "conv2d", largest = layer.kind->name == "max_pool2d", mean = !conv && !largest;
  const std::size_t all = image.shape[2], count = conv ? layer.natural("filters") : all;
  const std::size_t groups = conv ? layer.natural("groups") : all, channels = all / groups, filters = count / groups;
  check(all % groups == 0 && count % groups == 0, groups, " groups of ", all, " channels and ", count, " filters");
  const Shape shape{down.kernel, across.kernel, channels, count};
  const Array none = filled({count}, 0), ones = conv ? none : filled(shape, 1);
  const Array& weight = conv ? layer.array("weight", shape) : ones;
  const Array& bias = conv && layer.flag("bias") ? layer.array("bias", {count}) : none;
  Array out = filled({down.places, across.places, count}, largest ? -HUGE_VAL : 0);
  double* row = out.values.data();
  for (std::size_t place = 0; place < down.places * across.places; ++place, row += count) {
    std::size_t seen = 0;
    for (std::size_t k = 0; k < down.kernel * across.kernel; ++k) {
      const std::size_t y = down.pixel(place / across.places, k / across.kernel);
      const std::size_t z = across.pixel(place % across.places, k % across.kernel);
      if (y >= down.extent || z >= across.extent) continue;
      ++seen;
      const double* pixel = &image.values[(y * across.extent + z) * all];
      const double* weights = &weight.values[k * channels * count];
      for (std::size_t c = 0; c < channels; ++c) {
        for (std::size_t g = 0; g < groups; ++g, weights += filters) {
          const double value = pixel[g * channels + c];
          double* to = row + g * filters;
          for (std::size_t f = 0; f < filters; ++f) {
            to[f] = largest ? std::max(to[f], value) : to[f] + value * weights[f];
          }
        }
      }
    }
    check(conv || seen > 0, "a window sees nothing of the image");
    if (mean && layer.flag("count_padding")) seen = down.kernel * across.kernel;
    const double parts = mean ? static_cast<double>(seen) : 1;
    for (std::size_t f = 0; f < count; ++f) row[f] = row[f] / parts + bias.values[f];
  }
  return out;
}

Array linear(const Layer& layer, Operands x) {
  const std::size_t units = layer.natural("units");
  check(x[0]->shape.size() == 1, "it takes a row of numbers, not ", shape_text(x[0]->shape));
  const double* weight = layer.array("weight", {x[0]->values.size(), units}).values.data();
  Array out = layer.flag("bias") ? layer.array("bias", {units}) : filled({units}, 0);
  for (const double value : x[0]->values) {
    for (double& sum : out.values) sum += value * *weight++;
  }
  return out;
}

constexpr Kind kinds[] = {
    {"linear", 1, "units,bias=true", "weight,bias", linear},
    {"conv2d", 1, "filters,kernel,stride=1,padding=valid,dilation=1,groups=1,bias=true", "weight,bias", slide},
    {"max_pool2d", 1, "kernel,stride=,padding=valid", "", slide},
    {"average_pool2d", 1, "kernel,stride=,padding=valid,count_padding=false", "", slide},
    {"normalize", 1, "scale=1,mean=0,std=1", "", normalize},
    {"batch_norm", 1, "eps=1e-05,momentum=0.1", "scale,bias,mean,variance", batch_norm},
    {"flatten", 1, "", "", flatten},
    {"reshape", 1, "shape", "", reshape},
    {"transpose", 1, "order", "", transpose},
    {"constant", 0, "shape,learnt=false", "value", constant},
    {"dropout", 1, "rate", "", each, [](double x, double) { return x; }},  // only training drops anything
    {"relu", 1, "", "", each, [](double x, double) { return x < 0 ? 0 : x; }},
    {"negate", 1, "", "", each, [](double x, double) { return -x; }},
    {"leaky_relu", 1, "slope=0.01", "", each, [](double x, double slope) { return x >= 0 ? x : slope * x; }},
    {"elu", 1, "alpha=1", "", each, [](double x, double alpha) { return x > 0 ? x : alpha * std::expm1(x); }},
    {"sigmoid", 1, "", "", each, [](double x, double) { return 1 / (1 + std::exp(-x)); }},
    {"tanh", 1, "", "", each, [](double x, double) { return std::tanh(x); }},
    {"prelu", 2, "", "", each, [](double x, double slope) { return x >= 0 ? x : slope * x; }},
    {"add", 2, "", "", each, [](double a, double b) { return a + b; }},
    {"subtract", 2, "", "", each, [](double a, double b) { return a - b; }},
    {"multiply", 2, "", "", each, [](double a, double b) { return a * b; }},
    {"divide", 2, "", "", each, [](double a, double b) { return a / b; }},
};

}  // namespace

const Kind& find_kind(std::string_view name) {
  const Kind* kind = std::ranges::find(kinds, name, &Kind::name);
  check(kind != std::end(kinds), "the checker does not know the layer ", name,
        "; without it these images cannot be checked");
  return *kind;
}

double read_real(std::string_view word) {
  float value = 0;
  check(read_number(word, value), in_quotes(word), " is not a number");
  return value;
}

std::vector<std::size_t> read_list(std::string_view word, char separator) {
  std::vector<std::size_t> all;
  split(word, separator, [&](std::string_view piece) {
    std::uint64_t value = 0;
    check(read_number(piece, value), in_quotes(word), " is not a list of whole numbers");
    all.push_back(static_cast<std::size_t>(value));
  });
  return all;
}

Shape read_shape(std::string_view word) {
  if (word == "scalar") return {};
  Shape shape = read_list(word, 'x');
  check(!shape.empty() && shape.size() <= 6 && std::ranges::min(shape) > 0, in_quotes(word), " is not a shape");
  return shape;
}

}  // namespace hans::checker
