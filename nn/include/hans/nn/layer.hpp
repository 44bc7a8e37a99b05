// A layer: settings, the weights they ask for, and a function of both.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <hans/autodiff/ops.hpp>
#include <hans/core/fields.hpp>
#include <hans/core/spec.hpp>
#include <hans/nn/classifier.hpp>

namespace hans::nn {

/// What a layer that normalises by the batch has seen of one in training.
struct BatchStatistics {
  std::size_t layer;
  Tensor mean, variance;  ///< per channel
  std::size_t count;      ///< numbers behind each
  float momentum;         ///< weight of this batch in what is stored
};

/// How a forward pass is run: evaluation, unless a training step asks otherwise, here and for this pass only.
struct Mode {
  const DropoutKeys* training = nullptr;               ///< null in evaluation
  std::vector<BatchStatistics>* statistics = nullptr;  ///< null: layers normalise by what is stored
  Asking asking = {};                                  ///< in evaluation
};

/// A tensor of numbers that a layer asks for.
struct WeightInfo {
  std::string name;  ///< "weight", "bias"
  Shape shape;
  std::size_t fan_in = 0;   ///< inputs that reach one output; 0: starts at `start`
  std::size_t fan_out = 0;  ///< outputs that one input reaches
  bool learnt = true;       ///< training changes it; the others come behind those that are learnt
  real start = 0;
};

/// What a layer computes with in one forward pass.
struct Run {
  std::span<const Var> weights;    ///< those that are learnt
  std::span<const Tensor> others;  ///< the other numbers it asked for
  const Mode& mode;
  std::size_t position;  ///< of the layer in its network; names its random numbers
  Behind behind = {};  ///< what to do behind; only asked of layers that can, and where something is tracked at most an
                       ///< activation
  const PoolWindow* pool = nullptr;  ///< then the largest of each window, where nothing is tracked; only of conv2d
};

/// Whose output a layer works on: the layer at this place of the network, or the images. Written `3`, `input`.
struct Source {
  static constexpr std::size_t images = ~std::size_t{0};
  std::size_t layer = images;
  friend bool operator==(const Source&, const Source&) = default;
};
std::string sources_text(std::span<const Source> sources);  ///< "input/3"

/// A layer gives at most so many features for one sample.
inline constexpr std::size_t most_features = std::size_t{1} << 22;

/// How many values a layer works on.
struct Operands {
  std::size_t least = 1, most = 1;
};

/// Whether an L asks for numbers.
template <class L>
concept AsksForWeights = std::is_member_function_pointer_v<decltype(&L::weights)>;

/// Any layer. An aggregate L is one if it has `name`, `meaning`, `fields()` (see core/fields.hpp) and
///
///     Var operator()(const Var& x, const Run& run) const;       // x: samples x in
///     std::vector<WeightInfo> weights(const Shape& in) const;   // optional: for one sample of shape `in`
///     static constexpr bool fuses = true;                       // optional: does run.behind itself
///     static constexpr bool random = true;                      // optional: in evaluation it depends on asking.draw
///
/// or, if it works on several operands or on none,
///
///     static constexpr Operands operands{2, 2};                 // at least, at most
///     Var operator()(Tape& tape, std::span<const Var> x, const Run& run) const;
///     std::vector<WeightInfo> weights(std::span<const Shape> in) const;
///
/// What depends on the images has samples along the first axis; what a layer of no operands gives (numbers of the
/// network) has not, and is aligned with the last axes of the others.
///
/// Output shapes need no rule: a network finds them by running no sample. Immutable, cheap to copy. Making
/// one throws UsageError if a setting is out of its range.
class Layer {
 public:
  template <class L>
  requires requires { L::meaning; }
  Layer(L settings) : Layer(static_cast<const Concept*>(new Model<L>(std::move(settings)))) {}

  /// A function that is a layer, such as relu or flatten (see function_layers.hpp). Throws UsageError for any other.
  Layer(Var (*function)(const Var&));
  Layer(Var (*function)(const Var&, const Var&));

  /// The layer `spec` names. Its item `of`, such as of=2/5, says what it works on. Throws UsageError that lists all
  /// layers.
  static Layer from_spec(const Spec& spec);

  /// The same layer, working on these. Throws UsageError if it takes more or fewer.
  Layer of(std::vector<Source> sources) const;

  /// What it works on; none said: the layer before it, the first one the images, or nothing if it takes nothing.
  const std::optional<std::vector<Source>>& sources() const { return sources_; }

  /// The layer's settings if it is an L, else null. They live as long as the layer and its copies.
  template <class L>
  const L* as() const {
    const auto* model = dynamic_cast<const Model<L>*>(self_.get());
    return model == nullptr ? nullptr : &model->settings;
  }

  Spec spec() const;  ///< without `of`
  Operands operands() const { return self_->operands; }
  std::vector<WeightInfo> weights(std::span<const Shape> in) const { return self_->weights(in); }
  Var operator()(Tape& tape, std::span<const Var> x, const Run& run) const { return self_->run(tape, x, run); }
  bool fuses() const { return self_->fuses; }
  bool random() const { return self_->random; }

 private:
  struct Concept {
    virtual ~Concept() = default;
    virtual std::vector<hans::detail::Member> members() const = 0;
    virtual void validate() const = 0;
    virtual std::vector<WeightInfo> weights(std::span<const Shape> in) const = 0;
    virtual Var run(Tape& tape, std::span<const Var> x, const Run& run) const = 0;
    std::string_view name, version;
    Operands operands = {};
    bool fuses = false, random = false;
  };
  template <class L>
  struct Model final : Concept {
    explicit Model(L made) : settings(std::move(made)) {
      name = hans::detail::name_of_type<L>();
      version = hans::detail::version_of_type<L>();
      if constexpr (requires { L::operands; }) operands = L::operands;
      if constexpr (requires { L::fuses; }) fuses = L::fuses;
      if constexpr (requires { L::random; }) random = L::random;
    }
    std::vector<hans::detail::Member> members() const override { return hans::detail::members(settings); }
    void validate() const override {
      if constexpr (requires { settings.validate(); }) settings.validate();
    }
    std::vector<WeightInfo> weights(std::span<const Shape> in) const override {
      if constexpr (requires { settings.weights(in[0]); }) {
        return settings.weights(in[0]);
      } else if constexpr (AsksForWeights<L>) {
        return settings.weights(in);
      } else {
        return {};
      }
    }
    Var run(Tape& tape, std::span<const Var> x, const Run& run) const override {
      if constexpr (requires { settings(x[0], run); }) {
        return settings(x[0], run);
      } else {
        return settings(tape, x, run);
      }
    }
    L settings;
  };

  explicit Layer(const Concept* made);  ///< what does not depend on L, once

  std::shared_ptr<const Concept> self_;
  std::optional<std::vector<Source>> sources_;
};

/// What the help and the docs say of a layer.
struct LayerInfo {
  std::string name, meaning;
  std::vector<FieldInfo> fields;

  template <class L>
  static LayerInfo of() {
    return {std::string(L::name), std::string(L::meaning), describe<L>()};
  }
};
std::vector<LayerInfo> list_layers();

}  // namespace hans::nn
