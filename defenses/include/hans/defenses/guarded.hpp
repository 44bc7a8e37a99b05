// A model behind a defence that changes images.
#pragma once

#include <functional>

#include <hans/nn/classifier.hpp>

namespace hans::defenses {

/// A model that sees images as a step of preprocessing leaves them: a function of samples x height x width x channels
/// to the same shape, that does to a sample the same whatever its neighbours, and is called by several threads at a
/// time. No gradient passes the step, but that the attack `bpda` takes it for doing nothing. A random step says so
/// and takes its random numbers from `draw`. Holds a reference to `model`. Throws Error where the shape changes.
class Guarded final : public nn::Classifier {
 public:
  using Step = std::function<Tensor(const Tensor& images, std::uint32_t draw)>;
  Guarded(Step step, const nn::Classifier& model, bool random = false)
      : step_(std::move(step)), model_(model), random_(random) {}

  const Shape& input() const override { return model_.input(); }
  std::size_t classes() const override { return model_.classes(); }
  Var logits(const Var& images) const override { return asked(images, {}); }
  Var asked(const Var& images, const nn::Asking& how) const override;
  bool random() const override { return random_ || model_.random(); }
  bool differentiable() const override { return false; }
  std::size_t piece() const override { return model_.piece(); }

 private:
  Step step_;
  const nn::Classifier& model_;
  bool random_;
};

}  // namespace hans::defenses
