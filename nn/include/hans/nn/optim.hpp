// Optimizers: update rules for weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <hans/core/fields.hpp>
#include <hans/core/tensor.hpp>

namespace hans::nn {

/// v = momentum * v + g; w -= rate * v. Without momentum there is no state: w -= rate * g.
struct Sgd {
  float rate = 0.01F;
  float momentum = 0;

  static constexpr std::string_view name = "sgd";
  static constexpr std::string_view meaning = "gradient descent with momentum (Polyak 1964)";
  static constexpr auto fields() {
    return std::tuple(field("rate", &Sgd::rate, at_least(0), "learning rate"),
                      field("momentum", &Sgd::momentum, between_from(0, 1), "share of the last step kept"));
  }
};

/// e = rho * e + (1 - rho) * g^2; u = sqrt(d + eps) / sqrt(e + eps) * g; d = rho * d + (1 - rho) * u^2; w -= rate * u.
struct Adadelta {
  float rate = 0.1F;
  float rho = 0.95F;
  float eps = 1e-8F;

  static constexpr std::string_view name = "adadelta";
  static constexpr std::string_view meaning = "steps scaled by running averages (Zeiler 2012), the report's optimizer";
  static constexpr auto fields() {
    return std::tuple(field("rate", &Adadelta::rate, at_least(0), "factor of each step"),
                      field("rho", &Adadelta::rho, between_from(0, 1), "decay of both averages"),
                      field("eps", &Adadelta::eps, above(0), "added inside both roots"));
  }
};

/// m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g^2;
/// w -= rate * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps), t counting steps from 1.
struct Adam {
  float rate = 1e-3F;
  float beta1 = 0.9F;
  float beta2 = 0.999F;
  float eps = 1e-8F;

  static constexpr std::string_view name = "adam";
  static constexpr std::string_view meaning = "adaptive moments (Kingma 2015)";
  static constexpr auto fields() {
    return std::tuple(field("rate", &Adam::rate, at_least(0), "learning rate"),
                      field("beta1", &Adam::beta1, between_from(0, 1), "decay of the mean"),
                      field("beta2", &Adam::beta2, between_from(0, 1), "decay of the mean square"),
                      field("eps", &Adam::eps, above(0), "added to the root"));
  }
};

/// w -= rate * decay * w, then Adam.
struct AdamW {
  float rate = 1e-3F;
  float beta1 = 0.9F;
  float beta2 = 0.999F;
  float eps = 1e-8F;
  float decay = 0.01F;

  static constexpr std::string_view name = "adamw";
  static constexpr std::string_view meaning = "Adam with decoupled weight decay (Loshchilov 2019)";
  static constexpr auto fields() {
    return std::tuple(field("rate", &AdamW::rate, at_least(0), "learning rate"),
                      field("beta1", &AdamW::beta1, between_from(0, 1), "decay of the mean"),
                      field("beta2", &AdamW::beta2, between_from(0, 1), "decay of the mean square"),
                      field("eps", &AdamW::eps, above(0), "added to the root"),
                      field("decay", &AdamW::decay, at_least(0), "pull of every weight towards 0"));
  }
};

/// Any optimizer with its state. Copying copies the state. The constructor throws UsageError if a setting is out of
/// range.
class Optimizer {
 public:
  template <class Settings>
  requires requires { Settings::meaning; }
  Optimizer(Settings settings) : self_(make(settings)) {}

  /// Throws UsageError with the list of all optimizers for an unknown name.
  static Optimizer from_spec(const Spec& spec);
  Spec spec() const;

  /// Performs one step; `factor` scales the learning rate (for schedules). Tensors must keep their shapes from step to
  /// step. The state starts at zero. Call it once per step with all tensors.
  void step(std::span<Tensor> weights, std::span<const Tensor> gradients, real factor = 1);

  /// The state, for checkpoints: the number of steps, and all running averages (empty before the first step).
  std::uint64_t steps() const { return steps_; }
  std::span<const Tensor> state() const { return state_; }
  void restore(std::uint64_t steps, std::vector<Tensor> state);

  struct Rule;  ///< internal

  /// beta1^t and beta2^t as running products, which give the same bits everywhere, unlike pow.
  struct Powers {
    real first = 1, second = 1;
  };

 private:
  static std::shared_ptr<const Rule> make(const Sgd& settings);
  static std::shared_ptr<const Rule> make(const Adadelta& settings);
  static std::shared_ptr<const Rule> make(const Adam& settings);
  static std::shared_ptr<const Rule> make(const AdamW& settings);

  std::shared_ptr<const Rule> self_;
  std::uint64_t steps_ = 0;
  Powers powers_;
  std::vector<Tensor> state_;  // the rule's slots of weight 0, of weight 1, ...
};

struct OptimizerInfo {
  std::string name, meaning;
  std::vector<FieldInfo> fields;

  template <class Settings>
  static OptimizerInfo of() {
    return {std::string(Settings::name), std::string(Settings::meaning), describe<Settings>()};
  }
};
std::vector<OptimizerInfo> list_optimizers();

/// Gradient clipping: scales all gradients by limit / norm if their common l2 norm, summed in double in order, exceeds
/// `limit`. Returns the norm before scaling. Throws Error if it is not finite.
double clip_gradients(std::span<Tensor> gradients, double limit);

}  // namespace hans::nn
