// A network: a graph of layers, and their weights.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <hans/core/rng.hpp>
#include <hans/nn/classifier.hpp>
#include <hans/nn/layers.hpp>

namespace hans::nn {

/// A network of layers in order, with their weights. A layer works on the output of the layer before it, or on the
/// operands it names (Layer::of): the images or any earlier layers. The last layer gives the logits. All shapes follow
/// from the input's. Layers that can apply a following relu themselves do so. Copies share weights until one of them
/// changes.
class Sequential final : public Classifier {
 public:
  static constexpr std::size_t most_weights = std::size_t{1} << 28;
  static constexpr std::size_t most_layers = std::size_t{1} << 16;

  /// `input` is height x width x channels. Weights are initialised uniformly in +-sqrt(6 / (fan in + fan out)) (Glorot
  /// 2010) and biases to 0, each tensor from its own random stream ("init/<layer>.<name>").
  ///
  /// Throws Error if a layer does not fit its operands, if the last layer does not give one row of logits per sample,
  /// or if a limit is exceeded: most_layers layers, most_weights numbers in a tensor, most_features features of one
  /// sample in a layer (1 at least), 2^25 features in all layers plus 16 for each number of the network, 2^37
  /// multiply-adds per sample.
  template <class... Layers>
  Sequential(const Shape& input, Rng rng, Layers... layers)
      : Sequential(input, rng, std::vector<Layer>{Layer(layers)...}) {}
  Sequential(const Shape& input, Rng rng, std::vector<Layer> layers);

  /// Parses text such as "28x28x1;flatten;linear:units=10" (see architecture()). A layer whose operand is not the layer
  /// before names its operands: "add:of=2/5" for layers 2 and 5, counted from 0, "of=input" for the images. Throws
  /// UsageError or Error.
  static Sequential parse(std::string_view architecture, Rng rng);

  /// The same with existing weights: calls `weights(name, info)` for each tensor in turn, and allocates none itself.
  /// Throws Error if a shape differs or a number is not finite.
  using WeightSource = std::function<Tensor(const std::string& name, const WeightInfo& info)>;
  static Sequential parse(std::string_view architecture, const WeightSource& weights);
  Sequential(const Shape& input, std::vector<Layer> layers, const WeightSource& weights);

  /// The text that parse() reads: the input shape and every layer's canonical SPEC, joined by ';'.
  std::string architecture() const;

  const Shape& input() const override { return input_; }
  std::size_t classes() const override { return classes_; }
  Var logits(const Var& images) const override { return logits_for(images, {}); }
  Var logits_for(const Var& images, const Query& how) const override;
  bool random() const override;
  bool differentiable() const override { return differentiable_; }

  /// The number of images, in multiples of 16, whose layer outputs (kept for a gradient) fill 2 MiB. 0 if the weights
  /// are larger than that, because every piece reads them again. If one image alone needs more than 8 MiB: as many as
  /// fit in 64 MiB, at least one.
  std::size_t piece() const override { return piece_; }
  Var operator()(const Var& images) const { return logits(images); }

  /// The logits for the given weights, one Var for each of weights(). Training differentiates this.
  Var forward(std::span<const Var> weights, const Var& images, const Mode& mode = {}) const;

  /// The layers in order, and the output shape of each for one sample.
  std::span<const Layer> layers() const { return layers_; }
  std::span<const Shape> shapes() const { return shapes_; }

  /// The operands of a layer, including implicit ones.
  std::vector<Source> sources(std::size_t layer) const;

  /// The parameters in declaration order, named by layer number and name: "0.weight", "0.bias", ...
  std::span<const Tensor> weights() const { return weights_.tensors; }
  std::span<const std::string> weight_names() const { return weights_.names; }

  /// The buffers, which no optimizer changes, such as stored statistics and constants of an imported network. Named in
  /// the same way.
  std::span<const Tensor> buffers() const { return buffers_.tensors; }
  std::span<const std::string> buffer_names() const { return buffers_.names; }

  /// The parameters or buffers of one layer.
  std::span<const Tensor> weights(std::size_t layer) const { return weights_.of(weights(), layer); }
  std::span<const Tensor> buffers(std::size_t layer) const { return buffers_.of(buffers(), layer); }

  /// The parameters for writing. Shapes must stay.
  std::span<Tensor> mutable_weights() { return weights_.tensors; }

  /// Replaces the parameters, or the buffers. Throws Error if a shape differs or a number is not finite.
  void set_weights(std::span<const Tensor> weights) { replace(weights_, weights); }
  void set_buffers(std::span<const Tensor> buffers) { replace(buffers_, buffers); }

  /// Updates a layer's stored mean and variance with those of a batch; the variance is corrected to n - 1.
  void follow(const BatchStatistics& batch);

  std::size_t parameters() const;  ///< the number of trainable scalars

  /// A table of the layers for display: layer, output shape, parameters.
  std::string summary() const;

 private:
  /// The tensors of all layers, concatenated.
  struct Numbers {
    std::vector<Tensor> tensors;
    std::vector<std::string> names;
    std::vector<std::size_t> first{0};  ///< start of each layer, then the total

    template <class T>
    std::span<T> of(std::span<T> all, std::size_t layer) const {
      return all.subspan(first[layer], first[layer + 1] - first[layer]);
    }
  };

  /// A step of forward(): one layer, and the following layers that are fused into it.
  struct Step {
    static constexpr std::size_t before = ~std::size_t{0};  ///< the output of the previous step
    std::size_t layer;
    std::size_t gives;                  ///< the layer whose output the step gives
    std::optional<std::size_t> norm{};  ///< the fused batch normalisation
    float eps = 0;
    std::optional<Source> source{};       ///< the operand of the fused addition
    bool relu = false;                    ///< the fused relu
    std::optional<PoolWindow> pool{};     ///< the fused max pooling
    std::vector<std::size_t> operands{};  ///< places of the operands in kept values, or `before`
    std::size_t added = before;           ///< place of `source`
    std::size_t keep = before;            ///< place for the result if later steps need it
    std::vector<std::size_t> release{};   ///< places that no later step needs
  };
  struct Plan {
    std::vector<Step> steps{};
    std::size_t places = 0;
    std::size_t keep_images = Step::before;  ///< place for the images if later steps need them
  };

  using Sources = std::span<const std::vector<Source>>;

  static void replace(Numbers& numbers, std::span<const Tensor> tensors);
  void add_numbers(std::size_t position, std::span<const Shape> in, const WeightSource& weights);
  Plan plan(Sources sources, const std::vector<bool>& batched, bool plain) const;
  std::size_t best_piece() const;

  Shape input_;
  std::vector<Layer> layers_;
  std::vector<Shape> shapes_;  // output shape of each layer for one sample
  Numbers weights_, buffers_;
  Plan plan_, plain_;  // plain_ is for passes without gradients and batch statistics
  std::size_t classes_ = 0;
  std::size_t piece_ = 0;
  std::size_t few_ = 1;  // samples per pass that fit in a core's own cache
  bool differentiable_ = true;
};

}  // namespace hans::nn
