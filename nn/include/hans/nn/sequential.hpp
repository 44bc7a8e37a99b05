// A network: layers one behind the other.
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

/// Layers one behind the other, and their weights. Each works on what the one before gives, or on what it says
/// (Layer::of): the images or any layers before it. The last one gives the logits. All shapes follow from the input's.
/// A layer that can apply the relu behind it does so itself. Copying copies the weights only when one of the copies
/// changes them.
class Sequential final : public Classifier {
 public:
  static constexpr std::size_t most_weights = std::size_t{1} << 28;
  static constexpr std::size_t most_layers = std::size_t{1} << 16;

  /// `input` is height x width x channels. Weights start uniform in +-sqrt(6 / (fan in + fan out)) (Glorot 2010),
  /// biases at 0; each tensor from a stream of its own ("init/<layer>.<name>"). Throws Error if a layer does not
  /// fit what comes before it, the last one does not give one row of logits, there are more than most_layers, or a
  /// layer gives none or more than most_features for one sample or has more than most_weights numbers in one tensor.
  /// Also if one sample takes more than 2^37 multiply-adds, or all layers give more than 2^25 features and 16 for each
  /// number of the network.
  template <class... Layers>
  Sequential(const Shape& input, Rng rng, Layers... layers)
      : Sequential(input, rng, std::vector<Layer>{Layer(layers)...}) {}
  Sequential(const Shape& input, Rng rng, std::vector<Layer> layers);

  /// From text such as "28x28x1;flatten;linear:units=10" (see architecture()). A layer that does not work on the one
  /// before says on what: "add:of=2/5" on layers 2 and 5, counted from 0, "of=input" on the images. Throws UsageError
  /// or Error.
  static Sequential parse(std::string_view architecture, Rng rng);

  /// The same with weights that exist already: `weights(name, shape)` is asked for each in turn, and nothing is
  /// allocated for one before it is there. Throws Error if a shape differs or a number is not finite.
  using WeightSource = std::function<Tensor(const std::string& name, const WeightInfo& info)>;
  static Sequential parse(std::string_view architecture, const WeightSource& weights);
  Sequential(const Shape& input, std::vector<Layer> layers, const WeightSource& weights);

  /// The text that parse() reads: the input shape, then every layer's canonical SPEC, joined by ';'.
  std::string architecture() const;

  const Shape& input() const override { return input_; }
  std::size_t classes() const override { return classes_; }
  Var logits(const Var& images) const override { return asked(images, {}); }
  Var asked(const Var& images, const Asking& how) const override;
  bool random() const override;
  bool differentiable() const override { return differentiable_; }

  /// As many images, in sixteens, as fill 2 MiB with what the layers give, kept for a gradient; 0 where the weights
  /// weigh more than that, because every piece reads them anew. As many as fill 64 MiB, or one, where an image fills 8.
  std::size_t piece() const override { return piece_; }
  Var operator()(const Var& images) const { return logits(images); }

  /// Logits computed with the given weights, one Var for each of weights(); how training differentiates.
  Var forward(std::span<const Var> weights, const Var& images, const Mode& mode = {}) const;

  /// The layers in order, and what each gives for one sample.
  std::span<const Layer> layers() const { return layers_; }
  std::span<const Shape> shapes() const { return shapes_; }

  /// What a layer works on, also where it does not say so itself.
  std::vector<Source> sources(std::size_t layer) const;

  /// The weights in declaration order, "0.weight", "0.bias", ...: layer number and name.
  std::span<const Tensor> weights() const { return weights_.tensors; }
  std::span<const std::string> weight_names() const { return weights_.names; }

  /// The numbers that no optimizer changes, such as the constants of an imported network, named in the same way.
  std::span<const Tensor> others() const { return others_.tensors; }
  std::span<const std::string> other_names() const { return others_.names; }

  /// Those of one layer.
  std::span<const Tensor> weights(std::size_t layer) const { return weights_.of(weights(), layer); }
  std::span<const Tensor> others(std::size_t layer) const { return others_.of(others(), layer); }

  /// The weights for changing. Shapes must stay.
  std::span<Tensor> mutable_weights() { return weights_.tensors; }

  /// Replaces the weights, or the other numbers. Throws Error if a shape differs or a number is not finite.
  void set_weights(std::span<const Tensor> weights) { replace(weights_, weights); }
  void set_others(std::span<const Tensor> others) { replace(others_, others); }

  /// Moves the stored means and variances of a layer towards those of a batch (the variance of a sample: n - 1).
  void follow(const BatchStatistics& batch);

  std::size_t parameters() const;  ///< how many numbers all weights hold

  /// A table for people: layer, output shape, parameters.
  std::string summary() const;

 private:
  /// Numbers of all layers in a row.
  struct Numbers {
    std::vector<Tensor> tensors;
    std::vector<std::string> names;
    std::vector<std::size_t> first{0};  ///< of each layer, and the total

    template <class T>
    std::span<T> of(std::span<T> all, std::size_t layer) const {
      return all.subspan(first[layer], first[layer + 1] - first[layer]);
    }
  };

  /// What forward() does for a layer and those behind it that it does itself.
  struct Step {
    static constexpr std::size_t before = ~std::size_t{0};  ///< what the step before has made
    std::size_t layer;
    std::size_t gives;                  ///< the layer whose output that is
    std::optional<std::size_t> norm{};  ///< the layer that normalises behind it
    float eps = 0;
    std::optional<Source> source{};       ///< what is added then
    bool relu = false;                    ///< at the end
    std::optional<PoolWindow> pool{};     ///< and the largest of such windows
    std::vector<std::size_t> operands{};  ///< places where values are kept, or `before`
    std::size_t added = before;           ///< of `source`
    std::size_t keep = before;            ///< where to keep the result for later steps
    std::vector<std::size_t> release{};   ///< places that no later step needs
  };
  struct Plan {
    std::vector<Step> steps{};
    std::size_t places = 0;
    std::size_t keep_images = Step::before;  ///< where, for later steps than the first
  };

  using Sources = std::span<const std::vector<Source>>;

  static void replace(Numbers& numbers, std::span<const Tensor> tensors);
  void add_numbers(std::size_t position, std::span<const Shape> in, const WeightSource& weights);
  Plan plan(Sources sources, const std::vector<bool>& batched, bool plain) const;
  std::size_t best_piece() const;

  Shape input_;
  std::vector<Layer> layers_;
  std::vector<Shape> shapes_;  // what each layer gives for one sample
  Numbers weights_, others_;
  Plan plan_, plain_;  // the second where nothing is tracked and nobody asks for the statistics of a batch
  std::size_t classes_ = 0;
  std::size_t piece_ = 0;
  std::size_t few_ = 1;  // samples at a time that fit into a core's own cache from layer to layer
  bool differentiable_ = true;
};

}  // namespace hans::nn
