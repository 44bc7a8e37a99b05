// Memory use of a network.
#include <hans/nn/memory.hpp>

#include <numeric>

#include <hans/autodiff/grad.hpp>
#include <hans/autodiff/ops.hpp>
#include <hans/core/error.hpp>
#include <hans/nn/trainer.hpp>

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
  MemoryUse use{bytes_of(net.weights()) + bytes_of(net.buffers()), 0, 0, 0};
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
  data::Samples samples{images, labels, std::vector<std::uint32_t>(batch), {}};
  std::iota(samples.index.begin(), samples.index.end(), std::uint32_t{0});
  Trainer trainer(copy, optimizer, cross_entropy_loss(), Rng(0));
  for (std::uint32_t step = 0; step < 2; ++step) {  // the second step may split the pool's memory differently
    trainer.step(samples, step);
  }
  use.train = given + trainer.bytes() + bytes_of(optimizer.state());
  return use;
}

}  // namespace hans::nn
