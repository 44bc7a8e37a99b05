// The layers of a network as numbers: see neurons.hpp.
#include "neurons.hpp"

#include <cmath>
#include <numeric>

#include "window.hpp"

namespace hans::checker {
namespace {

using Numbers = std::vector<double>;

/// The output of a layer: the places from `first` on.
struct Output {
  std::size_t first, size;
  Shape shape;
};

void add_sum(Neurons& net, double bias, double offset, std::size_t roundings) {
  check(net.all.size() < std::size_t{1} << 21, "makes the network too large");
  net.all.push_back({net.runs.size(), net.runs.size(), bias, offset, roundings});
}

void add_run(Neurons& net, std::size_t begin, std::size_t weight, std::size_t count) {
  check(net.runs.size() < std::size_t{1} << 24, "makes the network too large");
  net.runs.push_back({begin, weight, count});
  net.all.back().last_run = net.runs.size();
}

/// Sums of linear, or of a window at each of its places. The weights of one filter come to stand side by side.
void add_products(Neurons& net, const Layer& layer, const Output& from) {
  const bool pool = layer.kind->name == "average_pool2d", linear = layer.kind->name == "linear";
  const Numbers none{0}, &weight = pool ? none : layer.arrays.find("weight")->second.values;
  const Numbers& bias = layer.arrays.contains("bias") ? layer.arrays.find("bias")->second.values : none;
  const std::size_t base = net.weights.size(), filters = layer.output.back(), width = weight.size() / filters;
  for (std::size_t k = 0; k < width * filters; ++k) net.weights.push_back(weight[k % width * filters + k / width]);
  const auto start = [&](std::size_t filter, std::size_t terms) {
    const double shift = bias[filter % bias.size()];
    add_sum(net, shift, std::abs(shift), terms + 2);
  };
  for (std::size_t filter = 0; linear && filter < filters; ++filter) {
    start(filter, width);
    add_run(net, from.first, base + filter * width, width);
  }
  if (linear) return;
  const Side down(layer, {from.shape, {}}, 0), across(layer, {from.shape, {}}, 1);
  const std::size_t area = down.kernel * across.kernel, channels = from.shape[2];
  const std::size_t groups = pool ? channels : layer.natural("groups"), size = channels / groups;
  for (std::size_t o = 0; o < down.places * across.places * filters; ++o) {
    const std::size_t filter = o % filters, place = o / filters, group = filter / (filters / groups);
    start(filter, area * size);
    std::size_t seen = 0;
    for (std::size_t k = 0; k < area; ++k) {
      const std::size_t y = down.pixel(place / across.places, k / across.kernel);
      const std::size_t x = across.pixel(place % across.places, k % across.kernel);
      if (y >= down.extent || x >= across.extent) continue;
      const std::size_t begin = from.first + (y * across.extent + x) * channels + group * size;
      add_run(net, begin, pool ? net.weights.size() : base + filter * width + k * size, size);
      ++seen;
    }
    if (pool) net.weights.push_back(1 / static_cast<double>(layer.flag("count_padding") ? area : seen));
  }
}

/// Sums of (scale * x - shift) / divisor + bias, in batch_norm scale * (x - shift) / divisor + bias. For add and
/// subtract, x is a sum or difference itself.
void add_combined(Neurons& net, const Layer& layer, std::vector<Output> from, std::size_t size) {
  const std::string_view name = layer.kind->name;
  const auto array = [&layer](std::string_view key) { return layer.arrays.find(key)->second.values; };
  Numbers scale{name == "negate" ? -1.0 : 1.0}, shift{0}, divisor{1}, bias{0};
  Array places = filled(from.empty() ? Shape{} : from[0].shape, 0);
  std::iota(places.values.begin(), places.values.end(), 0);
  const Array* const operand = &places;
  if (name == "constant") {
    bias = array("value");
  } else if (name == "transpose") {
    places = layer.kind->run(layer, Operands(&operand, 1));
  } else if (name == "multiply") {
    const auto constant = [&net](const Output& of) {
      const auto sum = [](const Neuron& one) { return one.relu || one.first_run < one.last_run; };
      return of.first > 0 && std::ranges::none_of(std::span(net.all).subspan(of.first, of.size), sum);
    };
    if (constant(from[0])) std::swap(from[0], from[1]);
    check(constant(from[1]), "is no product with a constant");
    scale.clear();
    for (std::size_t k = 0; k < from[1].size; ++k) scale.push_back(net.all[from[1].first + k].bias);
    from.pop_back();
  } else if (name == "normalize") {
    scale = layer.numbers("scale"), shift = layer.numbers("mean"), divisor = layer.numbers("std");
  } else if (name == "batch_norm") {
    scale = array("scale"), shift = array("mean"), divisor = array("variance"), bias = array("bias");
    for (double& one : divisor) one = std::sqrt(one + layer.number("eps"));
  } else {
    check(name == "add" || name == "subtract" || name == "negate", "is none that bounds pass through");
  }
  const bool exact = name == "constant" || name == "transpose" || name == "negate";
  for (std::size_t o = 0; o < size; ++o) {
    const auto at = [o](const Numbers& numbers) { return numbers[o % numbers.size()]; };
    const double weight = at(scale) / at(divisor), by = std::abs(at(divisor));
    const double shifted = at(shift) * (name == "batch_norm" ? weight : 1 / at(divisor));
    // Then float32 does not overflow on the way, and loses less than 2^-100 by underflow.
    const bool moderate = std::abs(at(scale)) < 1e6 && by > 1e-6 && by < 1e6 && std::abs(at(shift)) < 1e25;
    check(name == "multiply" || (moderate && (weight == 0 || std::abs(weight) > 1e-30)),
          "scales by too large or too small a number");
    add_sum(net, at(bias) - shifted, std::abs(at(bias)) + std::abs(shifted), exact ? 0 : 10);
    for (std::size_t k = 0; k < from.size(); ++k) {
      const std::size_t place = name == "transpose" ? static_cast<std::size_t>(places.values[o]) : o % from[k].size;
      add_run(net, from[k].first + place, net.weights.size(), 1);
      net.weights.push_back(k == 1 && name == "subtract" ? -1 : weight);
    }
  }
}

}  // namespace

Neurons::Neurons(const Network& network, std::string_view where) : all(network.features()) {
  std::vector<Output> made{{0, all.size(), network.input()}};
  for (const Layer& layer : network.layers()) {
    const std::string_view name = layer.kind->name;
    std::vector<Output> from;
    for (const std::size_t operand : layer.operands) from.push_back(made[operand]);
    const bool copies = name == "flatten" || name == "reshape" || name == "dropout";
    made.push_back({copies ? from[0].first : all.size(), elements(layer.output, most_features), layer.output});
    try {
      if (name == "relu") {
        for (std::size_t o = 0; o < from[0].size; ++o) {
          add_sum(*this, 0, 0, 0);
          all.back().relu = true;
          all.back().relu_of = from[0].first + o;
          all.back().unit = units++;
        }
      } else if (name == "linear" || name == "conv2d" || name == "average_pool2d") {
        add_products(*this, layer, from[0]);
      } else if (!copies) {
        add_combined(*this, layer, from, made.back().size);
      }
    } catch (const Error& error) {
      throw Error(
          text("no proof about ", where, " can be checked: layer ", made.size() - 2, ", ", name, ", ", error.what()));
    }
  }
  logits = made.back().first;
}

}  // namespace hans::checker
