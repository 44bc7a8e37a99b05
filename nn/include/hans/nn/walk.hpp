// Walks over a network's graph: computes a value of any type per layer, from the images to the logits or back.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <hans/nn/all_layers.hpp>
#include <hans/nn/sequential.hpp>

namespace hans::nn {

/// A layer in its network. The network must outlive it.
struct LayerAt {
  const Sequential& net;
  std::size_t position;
  std::vector<Source> sources = net.sources(position);  ///< its operands

  const Layer& layer() const { return net.layers()[position]; }
  std::span<const Tensor> weights() const { return net.weights(position); }
  std::span<const Tensor> buffers() const { return net.buffers(position); }

  /// The shape of one sample of an operand (or of the whole operand if it is a constant); that of a scalar if there is
  /// no such operand.
  Shape in(std::size_t operand = 0) const {
    if (operand >= sources.size()) return {};
    return sources[operand].layer == Source::images ? net.input() : net.shapes()[sources[operand].layer];
  }
  const Shape& out() const { return net.shapes()[position]; }
};

/// Computes a value for each layer from the values of its operands, in layer order, and returns the value of the
/// logits:
///
///     Value visitor(const Conv2d& settings, const LayerAt& at, std::span<Value> operands);  // for each type of layer
///
/// See visit() for the types that the visitor must accept. The visitor may change its operands: they are copies, except
/// for the last use of a value, which is moved. So no value lives longer than needed.
template <class Value, class Visitor>
Value walk_forward(const Sequential& net, Value images, Visitor&& visitor) {
  const std::size_t count = net.layers().size();
  std::vector<std::size_t> uses(count + 1, 0);  // remaining uses of each value; the last entry: of the images
  for (std::size_t position = 0; position < count; ++position) {
    for (const Source& source : net.sources(position)) ++uses[std::min(source.layer, count)];
  }
  std::vector<std::optional<Value>> values(count + 1);
  values[count] = std::move(images);
  for (std::size_t position = 0; position < count; ++position) {
    const LayerAt at{net, position};
    std::vector<Value> given;
    for (const Source& source : at.sources) {
      const std::size_t from = std::min(source.layer, count);
      given.push_back(--uses[from] == 0 ? std::move(*values[from]) : *values[from]);
      if (uses[from] == 0) values[from].reset();
    }
    values[position] = visit(at.layer(), visitor, at, std::span<Value>(given));
  }
  return std::move(*values[count - 1]);
}

/// Carries a value of layer `from` (the last layer gives the logits) back to the images and returns the value there. A
/// visitor turns a layer's value into one per operand:
///
///     std::vector<Value> visitor(const Conv2d& settings, const LayerAt& at, const Value& value);
///
/// See visit() for the types that the visitor must accept. A layer with several uses gets sum(value, more) over them,
/// in falling order of the users and, for one user, in order of its operands. Skips layers that `from` does not depend
/// on. Throws Error if `from` does not depend on the images.
template <class Value, class Visitor, class Sum = std::plus<>>
Value walk_backward(const Sequential& net, std::size_t from, Value value, Visitor&& visitor, Sum sum = {}) {
  const std::size_t count = net.layers().size();
  check(from < count, "layer ", from, " of a network of ", count);
  std::vector<std::optional<Value>> values(count + 1);  // the last entry is for the images
  values[from] = std::move(value);
  for (std::size_t position = from + 1; position-- > 0;) {
    if (!values[position]) continue;
    const LayerAt at{net, position};
    std::vector<Value> parts = visit(at.layer(), visitor, at, std::as_const(*values[position]));
    values[position].reset();
    check(parts.size() == at.sources.size(), "layer ", position, " has ", at.sources.size(), " operands, not ",
          parts.size());
    for (std::size_t k = 0; k < parts.size(); ++k) {
      std::optional<Value>& to = values[std::min(at.sources[k].layer, count)];
      to = to ? sum(std::move(*to), std::move(parts[k])) : std::move(parts[k]);
    }
  }
  check(values[count].has_value(), "layer ", from, " does not depend on the images");
  return std::move(*values[count]);
}

}  // namespace hans::nn
