// A network: layers in a row.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <hans/core/rng.hpp>
#include <hans/nn/classifier.hpp>
#include <hans/nn/layers.hpp>

namespace hans::nn {

/// Layers one behind the other, and their weights. All shapes follow from the input's. A layer that can apply the
/// relu behind it does so itself. Copying copies the weights only when one of the copies changes them.
class Sequential final : public Classifier {
 public:
  static constexpr std::size_t most_features = std::size_t{1} << 22;
  static constexpr std::size_t most_weights = std::size_t{1} << 28;

  /// `input` is height x width x channels. Weights start uniform in +-sqrt(6 / (fan in + fan out)) (Glorot 2010),
  /// biases at 0; each tensor from a stream of its own ("init/<layer>.<name>"). Throws Error if a layer does not
  /// fit what comes before it, the last one does not give one row of logits, or a layer gives more than
  /// most_features for one sample or has more than most_weights numbers in one tensor.
  template <class... Layers>
  Sequential(const Shape& input, Rng rng, Layers... layers)
      : Sequential(input, rng, std::vector<Layer>{Layer(layers)...}) {}
  Sequential(const Shape& input, Rng rng, std::vector<Layer> layers);

  /// From text such as "28x28x1;flatten;linear:units=10" (see architecture()). Throws UsageError or Error.
  static Sequential parse(std::string_view architecture, Rng rng);

  /// The same with weights that exist already: `weights(name, shape)` is asked for each in turn, and nothing is
  /// allocated for one before it is there. Throws Error if a shape differs or a number is not finite.
  using WeightSource = std::function<Tensor(const std::string& name, const WeightInfo& info)>;
  static Sequential parse(std::string_view architecture, const WeightSource& weights);

  /// The text that parse() reads: the input shape, then every layer's canonical SPEC, joined by ';'.
  std::string architecture() const;

  const Shape& input() const override { return input_; }
  std::size_t classes() const override { return classes_; }
  Var logits(const Var& images) const override;

  /// As many images, in sixteens, as fill 2 MiB with what the layers give, kept for a gradient; 0 where the weights
  /// weigh more than that, because every piece reads them anew.
  std::size_t piece() const override { return piece_; }
  Var operator()(const Var& images) const { return logits(images); }

  /// Logits computed with the given weights, one Var for each of weights(); how training differentiates.
  Var forward(std::span<const Var> weights, const Var& images, const Mode& mode = {}) const;

  /// The layers in order, and what each gives for one sample.
  std::span<const Layer> layers() const { return layers_; }
  std::span<const Shape> shapes() const { return shapes_; }

  /// The weights in declaration order, "0.weight", "0.bias", ...: layer number and name.
  std::span<const Tensor> weights() const { return weights_; }
  std::span<const std::string> weight_names() const { return names_; }

  /// The weights for changing. Shapes must stay.
  std::span<Tensor> mutable_weights() { return weights_; }

  /// Replaces the weights. Throws Error if a shape differs or a number is not finite.
  void set_weights(std::span<const Tensor> weights);

  std::size_t parameters() const;  ///< how many numbers all weights hold

  /// A table for people: layer, output shape, parameters.
  std::string summary() const;

 private:
  Sequential(const Shape& input, std::vector<Layer> layers, const WeightSource& weights);
  bool fused(std::size_t position) const;  ///< with the relu behind it
  std::size_t best_piece() const;

  Shape input_;
  std::vector<Layer> layers_;
  std::vector<std::size_t> first_weight_;  // of each layer, and the total
  std::vector<Shape> shapes_;              // what each layer gives for one sample
  std::vector<Tensor> weights_;
  std::vector<std::string> names_;
  std::size_t classes_ = 0;
  std::size_t piece_ = 0;
};

}  // namespace hans::nn
