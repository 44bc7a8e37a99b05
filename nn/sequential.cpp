// A network: layers in a row.
#include <hans/nn/sequential.hpp>

#include <algorithm>
#include <array>
#include <cmath>

#include <hans/core/error.hpp>
#include <hans/core/reduce.hpp>

namespace hans::nn {
namespace {

Tensor initial(const WeightInfo& info, Stream stream) {
  Tensor made(info.shape);
  if (info.fan_in == 0) return made;
  const real limit = std::sqrt(real{6} / static_cast<real>(info.fan_in + info.fan_out));
  for (real& value : made.mutable_values()) value = (2 * stream.uniform() - 1) * limit;
  return made;
}

Sequential::WeightSource started_from(Rng rng) {
  return
      [rng](const std::string& name, const WeightInfo& info) { return initial(info, rng.stream(text("init/", name))); };
}

void check_weight(const Tensor& weight, const Shape& shape, const std::string& name) {
  check(weight.shape() == shape, "weight ", name, " has shape ", shape, ", not ", weight.shape());
  if (all_finite(weight.values())) return;
  const auto bad = std::ranges::find_if_not(weight.values(), [](real value) { return std::isfinite(value); });
  throw Error(text("weight ", name, " holds a number that is not finite at position ", bad - weight.values().begin()));
}

constexpr std::size_t piece_bytes = std::size_t{2} << 20;  // what a core's own cache holds, about

bool is_relu(const Layer& layer) { return layer.spec().name == "relu"; }

}  // namespace

Sequential::Sequential(const Shape& input, Rng rng, std::vector<Layer> layers)
    : Sequential(input, std::move(layers), started_from(rng)) {}

Sequential::Sequential(const Shape& input, std::vector<Layer> layers, const WeightSource& weights)
    : input_(input), layers_(std::move(layers)) {
  check(input.rank() == 3 && input.elements() > 0, "a network's input is height x width x channels, not ", input);
  check(input.elements() <= most_features, "an input of ", input, " has more than ", most_features, " features");
  check(!layers_.empty(), "a network needs at least one layer");
  Tape tape;
  Var x = tape.constant(Tensor(input.with_front(1)));
  for (std::size_t position = 0; position < layers_.size(); ++position) {
    const Layer& layer = layers_[position];
    first_weight_.push_back(weights_.size());
    std::vector<Var> own;
    try {
      for (const WeightInfo& info : layer.weights(x.shape().without_front())) {
        check(info.shape.elements() <= most_weights, "its ", info.name, " of ", info.shape, " has more than ",
              most_weights, " numbers");
        names_.push_back(text(position, ".", info.name));
        weights_.push_back(weights(names_.back(), info));
        check_weight(weights_.back(), info.shape, names_.back());
        own.push_back(tape.constant(weights_.back()));
      }
      x = layer(x, {own, {}, position});
      check(x.shape().elements() <= most_features, "it gives ", x.shape().elements(),
            " features for one sample, more than ", most_features);
    } catch (const Error& error) {
      throw Error(text("layer ", position, " (", layer.spec(), "): ", error.what()));
    }
    shapes_.push_back(x.shape().without_front());
  }
  first_weight_.push_back(weights_.size());
  check(x.shape().rank() == 2, "a classifier ends in one row of logits a sample, not in ", x.shape().without_front(),
        "; end with flatten and linear");
  classes_ = x.shape()[1];
  piece_ = best_piece();
}

bool Sequential::fused(std::size_t position) const {
  return layers_[position].fuses() && position + 1 < layers_.size() && is_relu(layers_[position + 1]);
}

std::size_t Sequential::best_piece() const {
  if (parameters() * sizeof(real) > piece_bytes) return 0;
  std::size_t given = input_.elements();
  for (std::size_t position = 0; position < layers_.size(); ++position) {
    given += shapes_[position].elements();
    if (fused(position)) ++position;
  }
  // Where lanes run across samples there are 16 of them.
  constexpr std::size_t lanes = 16;
  return std::max(piece_bytes / (given * sizeof(real)) / lanes, std::size_t{1}) * lanes;
}

Sequential Sequential::parse(std::string_view architecture, Rng rng) { return parse(architecture, started_from(rng)); }

Sequential Sequential::parse(std::string_view architecture, const WeightSource& weights) {
  const std::size_t end = architecture.find(';');
  check_usage(end != std::string_view::npos,
              "an architecture is a shape and layers, such as 28x28x1;flatten;linear:units=10; not '",
              architecture.substr(0, 80), "'");
  std::vector<Layer> layers;
  for (const Spec& spec : parse_list(architecture.substr(end + 1), ';')) layers.push_back(Layer::from_spec(spec));
  return Sequential(read_shape(architecture.substr(0, end)), std::move(layers), weights);
}

std::string Sequential::architecture() const {
  std::string all = text(input_);
  for (const Layer& layer : layers_) append(all, text(';', layer.spec()));
  return all;
}

Var Sequential::logits(const Var& images) const {
  std::vector<Var> constants;
  constants.reserve(weights_.size());
  for (const Tensor& weight : weights_) constants.push_back(images.tape().constant(weight));
  return forward(constants, images);
}

Var Sequential::forward(std::span<const Var> weights, const Var& images, const Mode& mode) const {
  check(images.shape().rank() == 4 && images.shape().without_front() == input_, "the network takes images of ", input_,
        ", not ", images.shape());
  check(weights.size() == weights_.size(), "the network has ", weights_.size(), " weight tensors, not ",
        weights.size());
  Var x = images;
  for (std::size_t position = 0; position < layers_.size(); ++position) {
    const std::size_t first = first_weight_[position];
    const bool fuse = fused(position);
    x = layers_[position](x, {weights.subspan(first, first_weight_[position + 1] - first), mode, position,
                              fuse ? Activation::relu : Activation::none});
    if (fuse) ++position;
  }
  return x;
}

void Sequential::set_weights(std::span<const Tensor> weights) {
  check(weights.size() == weights_.size(), "the network has ", weights_.size(), " weight tensors, not ",
        weights.size());
  for (std::size_t w = 0; w < weights.size(); ++w) check_weight(weights[w], weights_[w].shape(), names_[w]);
  std::ranges::copy(weights, weights_.begin());
}

std::size_t Sequential::parameters() const {
  std::size_t total = 0;
  for (const Tensor& weight : weights_) total += weight.size();
  return total;
}

std::string Sequential::summary() const {
  std::vector<std::array<std::string, 3>> rows{{"layer", "output", "parameters"}, {"input", text(input_), ""}};
  for (std::size_t position = 0; position < layers_.size(); ++position) {
    std::size_t count = 0;
    for (std::size_t w = first_weight_[position]; w < first_weight_[position + 1]; ++w) count += weights_[w].size();
    rows.push_back({text(layers_[position].spec()), text(shapes_[position]), count == 0 ? "" : text(count)});
  }
  rows.push_back({"total", text(classes_, " classes"), text(parameters())});
  std::array<std::size_t, 3> width{};
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < row.size(); ++c) width[c] = std::max(width[c], row[c].size());
  }
  std::string table;
  for (const auto& row : rows) {
    append(table, row[0] + std::string(width[0] - row[0].size() + 2, ' '));
    append(table, row[1] + std::string(width[1] - row[1].size() + 2, ' '));
    append(table, std::string(width[2] - row[2].size(), ' ') + row[2] + '\n');
  }
  return table;
}

}  // namespace hans::nn
