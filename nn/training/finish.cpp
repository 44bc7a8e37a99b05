// What is done to a trained network before it is shipped: statistics of all data, fewer layers, shorter numbers.
#include <hans/nn/finish.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <hans/core/error.hpp>
#include <hans/nn/layers.hpp>
#include <hans/nn/normalization_layers.hpp>
#include "../../data/detail/bytes.hpp"

namespace hans::nn {
namespace {

/// Sums of batch statistics of one layer.
struct StatisticsSum {
  std::vector<double> mean, variance;

  void add(const BatchStatistics& seen) {
    mean.resize(seen.mean.size());
    variance.resize(seen.variance.size());
    const double correction = static_cast<double>(seen.count) / static_cast<double>(seen.count - 1);
    for (std::size_t c = 0; c < mean.size(); ++c) {
      mean[c] += double{seen.mean.data()[c]};
      variance[c] += double{seen.variance.data()[c]} * correction;
    }
  }
};

void store_mean(Tensor& out, const std::vector<double>& sum, std::size_t count) {
  for (std::size_t c = 0; c < sum.size(); ++c) {
    out.mutable_data()[c] = static_cast<real>(sum[c] / static_cast<double>(count));
  }
}

bool has_batch_norm(const Sequential& net) {
  return std::ranges::any_of(net.layers(), [](const Layer& layer) { return layer.as<BatchNorm>() != nullptr; });
}

/// Per layer: the place of the batch normalisation that is folded into it, or none.
std::vector<std::optional<std::size_t>> foldable(const Sequential& net) {
  const std::span<const Layer> layers = net.layers();
  std::vector<std::size_t> users(layers.size());
  for (std::size_t position = 0; position < layers.size(); ++position) {
    for (const Source& source : net.sources(position)) {
      if (source.layer != Source::images) ++users[source.layer];
    }
  }
  std::vector<std::optional<std::size_t>> norms(layers.size());
  for (std::size_t position = 0; position < layers.size(); ++position) {
    if (layers[position].as<BatchNorm>() == nullptr) continue;
    const std::size_t from = net.sources(position)[0].layer;
    if (from == Source::images || users[from] > 1) continue;
    if (layers[from].as<Conv2d>() != nullptr || layers[from].as<Linear>() != nullptr) norms[from] = position;
  }
  return norms;
}

/// The same layer with a bias.
Layer with_bias(const Layer& layer) {
  const auto biased = [](auto settings) {
    settings.bias = true;
    return Layer(settings);
  };
  const Linear* const linear = layer.as<Linear>();
  return linear != nullptr ? biased(*linear) : biased(*layer.as<Conv2d>());
}

/// Weights and bias of a layer, one column of weights for each output, with a batch normalisation behind it.
std::pair<Tensor, Tensor> folded_weights(const Sequential& net, std::size_t layer, std::size_t norm) {
  const std::span<const Tensor> own = net.weights(layer), learnt = net.weights(norm), stored = net.buffers(norm);
  const std::size_t outputs = learnt[0].size();
  const double eps = double{net.layers()[norm].as<BatchNorm>()->eps};
  std::vector<double> factor(outputs);
  Tensor weights = own[0], bias = Tensor::uninitialised({outputs});
  for (std::size_t c = 0; c < outputs; ++c) {
    const double deviation = std::sqrt(double{stored[1].data()[c]} + eps);
    factor[c] = double{learnt[0].data()[c]} / deviation;
    const double before = own.size() > 1 ? double{own[1].data()[c]} : 0;
    bias.mutable_data()[c] =
        static_cast<real>((before - double{stored[0].data()[c]}) * factor[c] + double{learnt[1].data()[c]});
  }
  const std::span<real> values = weights.mutable_values();
  for (std::size_t k = 0; k < values.size(); ++k) {
    values[k] = static_cast<real>(double{values[k]} * factor[k % outputs]);
  }
  return {std::move(weights), std::move(bias)};
}

}  // namespace

void use_population_statistics(Sequential& net, const data::Dataset& train, std::size_t images, std::size_t batch) {
  const std::size_t size = std::min(batch, images);
  check_usage(size > 1, "statistics of a batch need at least 2 images, not ", size);
  if (!has_batch_norm(net)) return;
  const std::size_t batches = images / size;
  std::map<std::size_t, StatisticsSum> sums;
  Tape tape;
  for (std::size_t k = 0; k < batches; ++k) {
    const data::Samples samples = train.samples(k * size, size);
    std::vector<BatchStatistics> seen;
    std::vector<Var> weights;
    for (const Tensor& weight : net.weights()) weights.push_back(tape.constant(weight));
    (void)net.forward(weights, tape.constant(samples.images), {nullptr, &seen});
    for (const BatchStatistics& one : seen) sums[one.layer].add(one);
    weights.clear();
    tape.rewind();
  }
  std::vector<Tensor> buffers;
  for (std::size_t layer = 0; layer < net.layers().size(); ++layer) {
    const auto found = sums.find(layer);
    for (const Tensor& buffer : net.buffers(layer)) buffers.push_back(buffer);
    if (found == sums.end()) continue;
    store_mean(buffers[buffers.size() - 2], found->second.mean, batches);
    store_mean(buffers.back(), found->second.variance, batches);
  }
  net.set_buffers(buffers);
}

Sequential folded(const Sequential& net) {
  const std::vector<std::optional<std::size_t>> norms = foldable(net);
  const std::span<const Layer> layers = net.layers();
  std::vector<std::size_t> place(layers.size());  // of each layer's output among the layers that stay
  std::vector<Layer> kept;
  std::vector<Tensor> tensors;  // parameters, then buffers of each layer
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    const std::vector<Source> sources = net.sources(layer);
    if (!sources.empty() && sources[0].layer != Source::images && norms[sources[0].layer] == layer) {
      place[layer] = place[sources[0].layer];
      continue;
    }
    place[layer] = kept.size();
    std::vector<Source> moved = sources;
    for (Source& source : moved) source.layer = source.layer == Source::images ? source.layer : place[source.layer];
    const bool follows = moved == std::vector{Source{kept.empty() ? Source::images : kept.size() - 1}};
    const Layer same = norms[layer] ? with_bias(layers[layer]) : layers[layer];
    const bool implied = moved.empty() || (follows && !layers[layer].sources());
    kept.push_back(implied ? same : same.of(std::move(moved)));
    if (norms[layer]) {
      auto [weights, bias] = folded_weights(net, layer, *norms[layer]);
      tensors.push_back(std::move(weights));
      tensors.push_back(std::move(bias));
    } else {
      for (const Tensor& weight : net.weights(layer)) tensors.push_back(weight);
      for (const Tensor& buffer : net.buffers(layer)) tensors.push_back(buffer);
    }
  }
  std::size_t next = 0;
  return Sequential(net.input(), std::move(kept),
                    [&](const std::string&, const WeightInfo&) { return tensors[next++]; });
}

void round_to_float16(Sequential& net) {
  const auto rounded = [](std::span<const Tensor> tensors, std::span<const std::string> names) {
    std::vector<Tensor> all(tensors.begin(), tensors.end());
    for (std::size_t k = 0; k < all.size(); ++k) {
      for (real& value : all[k].mutable_values()) {
        const std::optional<std::uint16_t> bits = data::half_bits(double{value});
        check(bits.has_value(), names[k], " holds ", value, ", which no float16 is near; keep float32");
        value = static_cast<real>(data::half_number(*bits));
      }
    }
    return all;
  };
  net.set_weights(rounded(net.weights(), net.weight_names()));
  net.set_buffers(rounded(net.buffers(), net.buffer_names()));
}

}  // namespace hans::nn
