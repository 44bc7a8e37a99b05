// Models behind a preprocessing defence.
#pragma once

#include <functional>

#include <hans/nn/classifier.hpp>

namespace hans::defenses {

/// A model behind a preprocessing step. The step maps samples x height x width x channels to the same shape, treats
/// each sample independently of the others in its batch, and must be safe to call from several threads. It lets no
/// gradient through, except that the attack `bpda` takes it for the identity. Pass `random` = true for a random step,
/// which takes its random numbers from `draw`. Holds a reference to `model`. Throws Error if the step changes the
/// shape.
class Guarded final : public nn::Classifier {
 public:
  using Step = std::function<Tensor(const Tensor& images, std::uint32_t draw)>;
  Guarded(Step step, const nn::Classifier& model, bool random = false)
      : step_(std::move(step)), model_(model), random_(random) {}

  const Shape& input() const override { return model_.input(); }
  std::size_t classes() const override { return model_.classes(); }
  Var logits(const Var& images) const override { return logits_for(images, {}); }
  Var logits_for(const Var& images, const nn::Query& how) const override;
  bool random() const override { return random_ || model_.random(); }
  bool differentiable() const override { return false; }
  std::size_t piece() const override { return model_.piece(); }

 private:
  Step step_;
  const nn::Classifier& model_;
  bool random_;
};

}  // namespace hans::defenses
