// Optimizers: rounded operations in the order that the header states, the same for every element.
#include <hans/nn/optim.hpp>

#include <array>
#include <cmath>

#include <hans/core/error.hpp>
#include <hans/core/parallel.hpp>
#include "../../core/text/detail/registry.hpp"

namespace hans::nn {
namespace {

using Powers = Optimizer::Powers;

void update(const Sgd& s, const Powers&, real factor, std::size_t n, real* w, const real* g, real* const* state) {
  const real rate = s.rate * factor;
  const real momentum = s.momentum;
  real* v = state[0];
  if (v == nullptr) {
    for (std::size_t i = 0; i < n; ++i) w[i] -= rate * g[i];
    return;
  }
  for (std::size_t i = 0; i < n; ++i) {
    v[i] = momentum * v[i] + g[i];
    w[i] -= rate * v[i];
  }
}

void update(const Adadelta& s, const Powers&, real factor, std::size_t n, real* w, const real* g, real* const* state) {
  const real rate = s.rate * factor;
  const real rho = s.rho;
  const real rest = 1 - rho;
  const real eps = s.eps;
  real* e = state[0];
  real* d = state[1];
  for (std::size_t i = 0; i < n; ++i) {
    e[i] = rho * e[i] + rest * (g[i] * g[i]);
    const real u = std::sqrt(d[i] + eps) / std::sqrt(e[i] + eps) * g[i];
    d[i] = rho * d[i] + rest * (u * u);
    w[i] -= rate * u;
  }
}

template <class Settings>
void adam(const Settings& s, const Powers& powers, real rate, std::size_t n, real* w, const real* g,
          real* const* state) {
  const real beta1 = s.beta1;
  const real beta2 = s.beta2;
  const real rest1 = 1 - beta1;
  const real rest2 = 1 - beta2;
  const real eps = s.eps;
  const real correct1 = 1 - powers.first;
  const real correct2 = 1 - powers.second;
  real* m = state[0];
  real* v = state[1];
  for (std::size_t i = 0; i < n; ++i) {
    m[i] = beta1 * m[i] + rest1 * g[i];
    v[i] = beta2 * v[i] + rest2 * (g[i] * g[i]);
    w[i] -= rate * (m[i] / correct1) / (std::sqrt(v[i] / correct2) + eps);
  }
}

void update(const Adam& s, const Powers& powers, real factor, std::size_t n, real* w, const real* g,
            real* const* state) {
  adam(s, powers, s.rate * factor, n, w, g, state);
}

void update(const AdamW& s, const Powers& powers, real factor, std::size_t n, real* w, const real* g,
            real* const* state) {
  const real rate = s.rate * factor;
  const real pull = rate * s.decay;
  for (std::size_t i = 0; i < n; ++i) w[i] -= pull * w[i];
  adam(s, powers, rate, n, w, g, state);
}

constexpr std::size_t slots(const Sgd& s) { return s.momentum == 0 ? 0 : 1; }
constexpr std::size_t slots(const Adadelta&) { return 2; }
constexpr std::size_t slots(const Adam&) { return 2; }
constexpr std::size_t slots(const AdamW&) { return 2; }

}  // namespace

struct Optimizer::Rule {
  virtual ~Rule() = default;
  virtual Spec spec() const = 0;
  virtual std::size_t slots() const = 0;
  virtual Powers next(const Powers& powers) const = 0;
  virtual void apply(const Powers& powers, real factor, std::size_t n, real* w, const real* g,
                     real* const* state) const = 0;
};

namespace {

template <class Settings>
struct RuleOf final : Optimizer::Rule {
  explicit RuleOf(const Settings& given) : settings(given) { check_fields(settings); }
  Spec spec() const override { return to_spec(settings); }
  std::size_t slots() const override { return nn::slots(settings); }
  Powers next(const Powers& powers) const override {
    if constexpr (requires { settings.beta1; }) {
      return {powers.first * settings.beta1, powers.second * settings.beta2};
    } else {
      return powers;
    }
  }
  void apply(const Powers& powers, real factor, std::size_t n, real* w, const real* g,
             real* const* state) const override {
    update(settings, powers, factor, n, w, g, state);
  }
  Settings settings;
};

}  // namespace

std::shared_ptr<const Optimizer::Rule> Optimizer::make(const Sgd& s) { return std::make_shared<RuleOf<Sgd>>(s); }
std::shared_ptr<const Optimizer::Rule> Optimizer::make(const Adadelta& s) {
  return std::make_shared<RuleOf<Adadelta>>(s);
}
std::shared_ptr<const Optimizer::Rule> Optimizer::make(const Adam& s) { return std::make_shared<RuleOf<Adam>>(s); }
std::shared_ptr<const Optimizer::Rule> Optimizer::make(const AdamW& s) { return std::make_shared<RuleOf<AdamW>>(s); }

Spec Optimizer::spec() const { return self_->spec(); }

namespace {

// To add an optimizer, add its type here.
constexpr const auto& optimizers = kinds_of<Optimizer, Sgd, Adadelta, Adam, AdamW>;

}  // namespace

Optimizer Optimizer::from_spec(const Spec& spec) { return make_kind<Optimizer>("optimizer", optimizers, spec); }

std::vector<OptimizerInfo> list_optimizers() { return list_kinds<OptimizerInfo, Sgd, Adadelta, Adam, AdamW>(); }

void Optimizer::step(std::span<Tensor> weights, std::span<const Tensor> gradients, real factor) {
  check(weights.size() == gradients.size(), weights.size(), " weight tensors need as many gradients, not ",
        gradients.size());
  const std::size_t slots = self_->slots();
  if (state_.empty()) {
    for (const Tensor& weight : weights) {
      for (std::size_t k = 0; k < slots; ++k) state_.emplace_back(weight.shape());
    }
  }
  check(state_.size() == weights.size() * slots, "the optimizer's state has ", state_.size(), " tensors, ",
        weights.size(), " weight tensors need ", weights.size() * slots);
  ++steps_;
  powers_ = self_->next(powers_);
  for (std::size_t t = 0; t < weights.size(); ++t) {
    check(gradients[t].shape() == weights[t].shape(), "weight ", t, " of shape ", weights[t].shape(),
          " got a gradient of shape ", gradients[t].shape());
    for (const Tensor& kept : std::span(state_).subspan(t * slots, slots)) {
      check(kept.shape() == weights[t].shape(), "weight ", t, " of shape ", weights[t].shape(), " has state of shape ",
            kept.shape());
    }
    real* w = weights[t].mutable_data();
    const real* g = gradients[t].data();
    std::array<real*, 2> state{};
    for (std::size_t k = 0; k < slots; ++k) state[k] = state_[t * slots + k].mutable_data();
    // Elements are independent, so they may be split over threads anywhere.
    parallel_ranges(weights[t].size(), elementwise_grain, [&](std::size_t begin, std::size_t end) {
      std::array<real*, 2> part{};
      for (std::size_t k = 0; k < slots; ++k) part[k] = state[k] + begin;
      self_->apply(powers_, factor, end - begin, w + begin, g + begin, part.data());
    });
  }
}

void Optimizer::restore(std::uint64_t steps, std::vector<Tensor> state) {
  steps_ = steps;
  powers_ = {};
  for (std::uint64_t t = 0; t < steps; ++t) powers_ = self_->next(powers_);
  state_ = std::move(state);
}

double clip_gradients(std::span<Tensor> gradients, double limit) {
  check(limit > 0, "the gradient norm limit must be above 0, not ", limit);
  check_float_environment();
  double squares = 0;
  for (const Tensor& gradient : gradients) {
    for (const real value : gradient.values()) squares += static_cast<double>(value) * static_cast<double>(value);
  }
  const double norm = std::sqrt(squares);
  check(std::isfinite(norm), "the gradient is not finite (l2 norm ", norm, "); try a smaller learning rate");
  if (norm <= limit) return norm;
  const real scale = static_cast<real>(limit / norm);
  for (Tensor& gradient : gradients) {
    for (real& value : gradient.mutable_values()) value *= scale;
  }
  return norm;
}

}  // namespace hans::nn
