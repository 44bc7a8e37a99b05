// A layer: settings, the weights they ask for, and a function of both.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hans/autodiff/ops.hpp>
#include <hans/core/fields.hpp>
#include <hans/core/spec.hpp>

namespace hans::nn {

/// How a forward pass is run: evaluation, unless a training step asks otherwise, here and for this pass only.
struct Mode {
  const DropoutKeys* training = nullptr;  ///< null in evaluation
};

/// A tensor of weights that a layer asks for.
struct WeightInfo {
  std::string name;  ///< "weight", "bias"
  Shape shape;
  std::size_t fan_in;   ///< inputs that reach one output; 0: starts at zero
  std::size_t fan_out;  ///< outputs that one input reaches
};

/// What a layer computes with in one forward pass.
struct Run {
  std::span<const Var> weights;
  const Mode& mode;
  std::size_t position;                      ///< of the layer in its network; names its random numbers
  Activation activation = Activation::none;  ///< to apply behind; only asked of layers that can fuse it
};

/// Any layer. An aggregate L is one if it has `name`, `meaning`, `fields()` (see core/fields.hpp) and
///
///     std::vector<WeightInfo> weights(const Shape& in) const;   // for one sample of shape `in`
///     Var operator()(const Var& x, const Run& run) const;       // x: samples x in
///     static constexpr bool fuses = true;                       // optional: applies run.activation itself
///
/// Output shapes need no rule: a network finds them by running one sample of zeros. Immutable, cheap to copy. Making
/// one throws UsageError if a setting is out of its range.
class Layer {
 public:
  template <class L>
  requires requires { L::meaning; }
  Layer(L settings) : self_(std::make_shared<Model<L>>(std::move(settings))) {}

  /// relu, sigmoid, tanh or flatten. Throws UsageError for a function that is none of the named layers.
  Layer(Var (*function)(const Var&));

  /// The layer `spec` names. Throws UsageError that lists all layers.
  static Layer from_spec(const Spec& spec);

  Spec spec() const { return self_->spec(); }
  std::vector<WeightInfo> weights(const Shape& in) const { return self_->weights(in); }
  Var operator()(const Var& x, const Run& run) const { return self_->run(x, run); }
  bool fuses() const { return self_->fuses(); }

 private:
  struct Concept {
    virtual ~Concept() = default;
    virtual Spec spec() const = 0;
    virtual std::vector<WeightInfo> weights(const Shape& in) const = 0;
    virtual Var run(const Var& x, const Run& run) const = 0;
    virtual bool fuses() const = 0;
  };
  template <class L>
  struct Model final : Concept {
    explicit Model(L made) : settings(std::move(made)) { check_fields(settings); }
    Spec spec() const override { return to_spec(settings); }
    std::vector<WeightInfo> weights(const Shape& in) const override { return settings.weights(in); }
    Var run(const Var& x, const Run& run) const override { return settings(x, run); }
    bool fuses() const override {
      if constexpr (requires { L::fuses; }) return L::fuses;
      return false;
    }
    L settings;
  };
  struct Function;

  std::shared_ptr<const Concept> self_;
};

/// What the help and the docs say of a layer.
struct LayerInfo {
  std::string name, meaning;
  std::vector<FieldInfo> fields;
};
std::vector<LayerInfo> list_layers();

}  // namespace hans::nn
