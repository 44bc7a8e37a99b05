// One training step, and the state that it keeps for the next.
#include <hans/nn/trainer.hpp>

#include <utility>

#include <hans/autodiff/grad.hpp>
#include <hans/core/error.hpp>
#include <hans/core/reduce.hpp>

namespace hans::nn {

Trainer::Trainer(Sequential& net, Optimizer& optimizer, Loss loss, Rng rng, double clip, std::uint32_t steps)
    : net_(net),
      optimizer_(optimizer),
      loss_(std::move(loss)),
      rng_(rng),
      clip_(clip),
      steps_(steps),
      gradients_(net.weights().size()) {
  check_usage(clip >= 0, "the gradient norm limit must not be negative, but is ", clip);
}

Tensor Trainer::step(const data::Samples& batch, std::uint32_t number, real factor) {
  const std::size_t size = batch.size();
  check(size > 0, "a training step needs at least 1 sample, not 0");
  const DropoutKeys keys{rng_, number, batch.index};
  statistics_.clear();
  const Mode mode{&keys, &statistics_};
  const RunStep at{net_, batch, aside_, rng_, number, steps_, kept_};
  if (seed_.size() != size) seed_ = tape_.full({size}, real{1} / static_cast<real>(size));
  Tensor losses = value_and_grads(
      tape_,
      [&](std::span<const Var> watched) {
        return loss_({at, watched, mode, tape_});
      },
      net_.weights(), seed_, gradients_);
  tape_.rewind();  // releases the weights, so that the optimizer changes them in place
  check(all_finite(losses.values()), "a loss is not finite at step ", number, "; try a smaller learning rate");
  loss_.method().before(at, gradients_);
  // A gradient that is not finite must not reach the weights or a checkpoint.
  for (const Tensor& gradient : gradients_) {
    check(all_finite(gradient.values()), "a gradient is not finite at step ", number, "; try a smaller learning rate");
  }
  if (clip_ > 0) clip_gradients(gradients_, clip_);
  optimizer_.step(net_.mutable_weights(), gradients_, factor);
  for (const BatchStatistics& seen : statistics_) net_.follow(seen);
  loss_.method().after(at, net_);
  return losses;
}

}  // namespace hans::nn
