// What every defence is: settings that decide what training makes small.
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

/// Any way of training that makes a network robust. An aggregate D is one if it has `name`, `meaning`, `paper`,
/// `fields()` (see core/fields.hpp) and
///
///     Var loss(const nn::TrainStep& step) const;  // the losses of the batch, one per sample
///
/// and, where it needs them, any of
///
///     D resolved() const;                         // with every parameter set whose default is not a constant
///     void before(const nn::RunStep& step, std::span<Tensor> gradients) const;  // see nn::Loss::Method
///     void after(const nn::RunStep& step, nn::Sequential& net) const;
///
/// nn::RunStep has the progress of the run and what is kept from step to step; nn::TrainStep::logits says which pass
/// the network's stored statistics follow. A share of the labels that goes to other classes is a parameter called
/// `smoothing`. Immutable, cheap to copy. Making one throws UsageError if a setting is out of its range.
class Defense {
 public:
  template <class D>
  requires requires { &D::loss; }
  Defense(D settings) : self_(std::make_shared<Model<D>>(std::move(settings))) {}

  /// The defence `spec` names; `smoothing`, if given, is its parameter of this name. Throws UsageError that lists all
  /// defences.
  static Defense from_spec(Spec spec, std::optional<float> smoothing = {});

  /// With every parameter.
  Spec spec() const { return self_->spec(); }

  /// What nn::fit and nn::Trainer take. Its record is spec() with the smoothing behind: "trades:eps=0.3,...
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

/// The images of the batch as the attack makes them, in evaluation mode from the weights as they stand. It draws anew
/// in each step, from a seed that the stream `purpose` gives, and does all of its own steps. A label it leaves open is
/// the model's own prediction; targeted attacks aim at (label + 1) mod classes. No gradient goes through them.
Tensor attacked(const nn::RunStep& step, const attacks::Attack& attack, std::string_view purpose);

struct DefenseInfo {
  std::string name, meaning, paper;
  std::vector<FieldInfo> fields;

  template <class D>
  static DefenseInfo of() {
    return {std::string(D::name), std::string(D::meaning), std::string(D::paper), describe<D>()};
  }
};
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
