// The basis of training methods, and the plain cross-entropy loss.
#include <hans/nn/loss.hpp>

#include <algorithm>

#include <hans/core/error.hpp>

namespace hans::nn {
namespace {

struct Plain final : Loss::Method {
  Plain(std::string given, Loss::Function computed) : spec(std::move(given)), function(std::move(computed)) {}
  std::string record() const override { return spec; }
  Var losses(const TrainStep& step) const override { return function(step); }

  std::string spec;
  Loss::Function function;
};

}  // namespace

Tensor& Kept::at(std::string_view name, const Tensor& start) {
  const auto known = std::ranges::find(tensors, name, &std::pair<std::string, Tensor>::first);
  if (known == tensors.end()) return tensors.emplace_back(name, Tensor(start.shape(), start.values())).second;
  check(known->second.shape() == start.shape(), "what training keeps as ", name, " has the shape ",
        known->second.shape(), ", not ", start.shape());
  return known->second;
}

const Tensor* Kept::find(std::string_view name) const {
  const auto known = std::ranges::find(tensors, name, &std::pair<std::string, Tensor>::first);
  return known == tensors.end() ? nullptr : &known->second;
}

double RunStep::progress() const {
  check_usage(steps > 0, "this method of training follows the progress of the run, and nobody said how long it is");
  return static_cast<double>(step) / static_cast<double>(steps);
}

Var TrainStep::logits(const Tensor& images, Statistics statistics) const {
  std::vector<BatchStatistics> ignored;
  Mode own = mode;
  if (statistics == Statistics::ignore && mode.statistics != nullptr) own.statistics = &ignored;
  return net.forward(weights, tape.constant(images), own);
}

void Loss::Method::before(const RunStep&, std::span<Tensor>) const {}
void Loss::Method::after(const RunStep&, Sequential&) const {}

Loss::Loss(std::string spec, Function function)
    : method_(std::make_shared<Plain>(std::move(spec), std::move(function))) {}

Loss cross_entropy_loss(float smoothing) {
  return {text("cross_entropy:smoothing=", smoothing), [smoothing](const TrainStep& step) {
            return cross_entropy(step.logits(step.batch.images), step.batch.labels, static_cast<real>(smoothing));
          }};
}

}  // namespace hans::nn
