// A layer: its settings, the weights it needs, and a function of both.
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

/// The batch statistics of a normalisation layer in one training pass.
struct BatchStatistics {
  std::size_t layer;
  Tensor mean, variance;  ///< per channel
  std::size_t count;      ///< numbers behind each mean
  float momentum;         ///< weight of this batch in the stored statistics
};

/// The mode of a forward pass: evaluation by default; a training step sets the first two members for its pass only.
struct Mode {
  const DropoutKeys* training = nullptr;               ///< null in evaluation
  std::vector<BatchStatistics>* statistics = nullptr;  ///< null: normalise by the stored statistics
  Query query = {};                                    ///< used in evaluation
};

/// A parameter or buffer that a layer requests.
struct WeightInfo {
  std::string name;  ///< "weight", "bias"
  Shape shape;
  std::size_t fan_in = 0;   ///< inputs per output; 0: initialise to `start`
  std::size_t fan_out = 0;  ///< outputs per input
  bool trainable = true;    ///< a parameter, changed by training; otherwise a buffer. Parameters come first
  real start = 0;
};

/// The arguments of a layer in one forward pass.
struct Run {
  std::span<const Var> weights;     ///< its parameters
  std::span<const Tensor> buffers;  ///< its buffers
  const Mode& mode;
  std::size_t position;  ///< of the layer in its network; names its random streams
  /// The epilogue. Only layers with `fuses` get one, and no more than an activation where gradients are tracked.
  Epilogue epilogue = {};
  /// Max pooling after the epilogue; null: none. Only for conv2d, where nothing is tracked.
  const PoolWindow* pool = nullptr;
};

/// An operand of a layer: the output of layer `layer`, or the images. Written `3`, `input`.
struct Source {
  static constexpr std::size_t images = ~std::size_t{0};
  std::size_t layer = images;
  friend bool operator==(const Source&, const Source&) = default;
};
std::string sources_text(std::span<const Source> sources);  ///< "input/3"

/// The maximum number of features of one sample in a layer's output.
inline constexpr std::size_t most_features = std::size_t{1} << 22;

/// The number of operands that a layer takes.
struct Operands {
  std::size_t least = 1, most = 1;
};

/// Whether layers of type L have weights.
template <class L>
concept HasWeights = std::is_member_function_pointer_v<decltype(&L::weights)>;

/// Any layer. An aggregate L is a layer if it has `name`, `meaning`, `fields()` (see core/fields.hpp) and
///
///     Var operator()(const Var& x, const Run& run) const;       // x: samples x in
///     std::vector<WeightInfo> weights(const Shape& in) const;   // optional; `in` is the shape of one sample
///     static constexpr bool fuses = true;                       // optional: applies run.epilogue itself
///     static constexpr bool random = true;                      // optional: in evaluation, depends on query.draw
///
/// or, if it takes several operands or none,
///
///     static constexpr Operands operands{2, 2};                 // at least, at most
///     Var operator()(Tape& tape, std::span<const Var> x, const Run& run) const;
///     std::vector<WeightInfo> weights(std::span<const Shape> in) const;
///
/// Values that depend on the images have samples along the first axis. The output of a layer without operands (a
/// constant of the network) does not; broadcasting aligns it with the last axes of the others.
///
/// Layers need no shape inference: a network finds output shapes by running a batch of no samples. Layers are immutable
/// and cheap to copy. The constructor throws UsageError if a setting is out of range.
class Layer {
 public:
  template <class L>
  requires requires { L::meaning; }
  Layer(L settings) : Layer(static_cast<const Concept*>(new Model<L>(std::move(settings)))) {}

  /// The layer for a function such as relu or flatten (see function_layers.hpp). Throws UsageError for any other
  /// function.
  Layer(Var (*function)(const Var&));
  Layer(Var (*function)(const Var&, const Var&));

  /// The layer that `spec` describes. Its item `of`, such as of=2/5, gives the operands. Throws UsageError with the
  /// list of all layers if there is none of that name.
  static Layer from_spec(const Spec& spec);

  /// The same layer with these operands. Throws UsageError if their number is wrong.
  Layer of(std::vector<Source> sources) const;

  /// The operands, if given by of(). Otherwise a layer takes the output of the layer before it (the first one the
  /// images), or nothing if it takes no operands.
  const std::optional<std::vector<Source>>& sources() const { return sources_; }

  /// The layer's settings if it is an L, else null. Valid as long as the layer or a copy exists.
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
      } else if constexpr (HasWeights<L>) {
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

  explicit Layer(const Concept* made);  ///< the part of construction that does not depend on L

  std::shared_ptr<const Concept> self_;
  std::optional<std::vector<Source>> sources_;
};

/// The help and documentation of a layer.
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
