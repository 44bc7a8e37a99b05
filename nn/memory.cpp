// How much memory work with a network takes.
#include <hans/nn/memory.hpp>

#include <numeric>

#include <hans/autodiff/grad.hpp>
#include <hans/autodiff/ops.hpp>
#include <hans/core/error.hpp>

namespace hans::nn {
namespace {

std::size_t bytes_of(std::span<const Tensor> tensors) {
  return std::accumulate(tensors.begin(), tensors.end(), std::size_t{0},
                         [](std::size_t sum, const Tensor& tensor) { return sum + tensor.size() * sizeof(real); });
}

}  // namespace

MemoryUse memory_use(const Sequential& net, std::size_t batch, Optimizer optimizer) {
  check(batch > 0, "a batch of no images needs no memory; ask for 1 or more");
  const Tensor images(net.input().with_front(batch));
  const std::vector<int> labels(batch, 0);
  const std::size_t given = images.size() * sizeof(real);
  MemoryUse use{bytes_of(net.weights()), 0, 0, 0};
  {
    Tape tape;
    (void)net.logits(tape.constant(images));
    use.infer = given + tape.bytes();
  }
  {
    Tape tape;
    (void)value_and_grad(
        tape, [&](const Var& x) { return cross_entropy(net.logits(x), labels); }, images);
    use.attack = given + tape.bytes();
  }
  Sequential copy = net;
  std::vector<std::uint32_t> index(batch);
  std::iota(index.begin(), index.end(), std::uint32_t{0});
  const DropoutKeys keys{Rng(0), 0, index};
  const Mode mode{&keys};
  Tape tape;
  std::vector<Tensor> gradients(copy.weights().size());
  const Tensor seed = tape.full({batch}, 1 / static_cast<real>(batch));
  for (int step = 0; step < 2; ++step) {  // the second runs while the first one's gradients are still there
    (void)value_and_grads(
        tape,
        [&](std::span<const Var> weights) {
          return cross_entropy(copy.forward(weights, tape.constant(images), mode), labels);
        },
        copy.weights(), seed, gradients);
    tape.rewind();
    optimizer.step(copy.mutable_weights(), gradients);
  }
  use.train = given + tape.bytes() + bytes_of(optimizer.state());
  return use;
}

}  // namespace hans::nn
