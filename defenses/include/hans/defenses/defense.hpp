// The interface of defences: settings that decide which loss training minimizes.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hans/attacks/attack.hpp>
#include <hans/nn/loss.hpp>

namespace hans::defenses {

/// Any robust training method; immutable and cheap to copy. An aggregate D is a defence if it has `name`, `meaning`,
/// `paper`, `fields()` (see core/fields.hpp) and
///
///     Var loss(const nn::TrainStep& step) const;  // the losses of the batch, one per sample
///
/// and, if it needs them, any of
///
///     D resolved() const;                         // with every default that is not a constant filled in
///     void before(const nn::RunStep& step, std::span<Tensor> gradients) const;  // see nn::Loss::Method
///     void after(const nn::RunStep& step, nn::Sequential& net) const;
///
/// nn::RunStep has the progress of the run and state that is kept between steps; nn::TrainStep::logits says which
/// forward pass updates the network's batch statistics. For label smoothing the parameter is called `smoothing`. The
/// constructor throws UsageError if a setting is out of its range.
class Defense {
 public:
  Defense() = default;  ///< holds no defence: only assign to it

  template <class D>
  requires requires { &D::loss; }
  Defense(D settings) : self_(std::make_shared<Model<D>>(std::move(settings))) {}

  /// The defence that `spec` names; `smoothing`, if given, sets its parameter of this name. For an unknown name throws
  /// UsageError, which lists all defences.
  static Defense from_spec(Spec spec, std::optional<float> smoothing = {});

  /// The SPEC, with every parameter.
  Spec spec() const { return self_->spec(); }
  bool present() const { return self_ != nullptr; }

  /// The loss for nn::fit and nn::Trainer. Its record is spec() followed by the smoothing: "trades:eps=0.3,...
  /// smoothing=0".
  operator nn::Loss() const { return nn::Loss(self_); }

 private:
  struct Concept : nn::Loss::Method {
    virtual Spec spec() const = 0;
    std::string record() const final;
  };
  template <class D>
  struct Model;

  std::shared_ptr<const Concept> self_;
};

// A defence as a parameter value, written [SPEC].
void read_value(std::string_view word, Defense& out);
void append_value(std::string& out, const Defense& value);
std::string value_help(const Defense&);
void is_nested_value(const Defense&);

/// Attacks the images of the batch, with the network in evaluation mode and its current weights. The attack draws new
/// random numbers in each step, from the stream `purpose`, and does all of its own steps. If it leaves the label open,
/// it moves away from the model's prediction; targeted attacks aim at (label + 1) mod classes. No gradient flows
/// through the result.
Tensor attacked(const nn::RunStep& step, const attacks::Attack& attack, std::string_view purpose);

/// What lists, help and documentation say about a defence.
struct DefenseInfo {
  std::string name, meaning, paper;
  std::vector<FieldInfo> fields;

  template <class D>
  static DefenseInfo of() {
    return {std::string(D::name), std::string(D::meaning), std::string(D::paper), describe<D>()};
  }
};

/// All defences, in the order of lists and help.
std::vector<DefenseInfo> list_defenses();

template <class D>
struct Defense::Model final : Defense::Concept {
  explicit Model(D given) : settings(std::move(given)) {
    check_fields(settings);
    if constexpr (requires { settings.resolved(); }) settings = settings.resolved();
  }
  Spec spec() const override { return to_spec(settings); }
  Var losses(const nn::TrainStep& step) const override { return settings.loss(step); }
  void before(const nn::RunStep& step, std::span<Tensor> gradients) const override {
    if constexpr (requires { settings.before(step, gradients); }) settings.before(step, gradients);
  }
  void after(const nn::RunStep& step, nn::Sequential& net) const override {
    if constexpr (requires { settings.after(step, net); }) settings.after(step, net);
  }
  D settings;
};

}  // namespace hans::defenses
