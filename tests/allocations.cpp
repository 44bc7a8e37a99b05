// Counts what training asks of the system's memory: once a step has been made twice, nothing. A program of its own,
// because it replaces operator new. On one thread: a further one makes its buffers when it first comes to help, and
// when that is depends on the machine's load.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include <hans/autodiff/functions.hpp>
#include <hans/autodiff/grad.hpp>
#include <hans/autodiff/ops.hpp>
#include <hans/core/parallel.hpp>
#include <hans/data/dataset.hpp>
#include <hans/nn/fit.hpp>

namespace {

std::atomic<std::size_t> allocations{0};

void* counted(void* memory) {
  ++allocations;
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t bytes) { return counted(std::malloc(bytes)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  const auto step = static_cast<std::size_t>(alignment);
  return counted(std::aligned_alloc(step, (bytes + step - 1) / step * step));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace {

using namespace hans;

constexpr std::string_view architecture =
    "28x28x1;conv2d:filters=6,kernel=5,stride=2,padding=same;relu;max_pool2d:kernel=2;conv2d:filters=5,kernel=3;tanh;"
    "flatten;dropout:rate=0.5;linear:units=9;sigmoid;linear:units=10";

/// Allocations of all steps but the first two.
std::size_t steady_allocations(const data::Dataset& train, nn::FitOptions options) {
  nn::Sequential net = nn::Sequential::parse(architecture, Rng(1));
  std::size_t before = 0;
  std::size_t total = 0;
  options.epochs = 1;
  options.batch = 150;  // divides the 4,500 images
  options.progress = [&](const nn::Progress& progress) {
    if (progress.step > 2) total += allocations - before;
    before = allocations;
  };
  nn::fit(net, train, options);
  return total;
}

/// Allocations of all passes but the first two through functions and broadcasting, there and back.
std::size_t function_allocations() {
  const std::vector<Tensor> inputs{Tensor::full({50, 30, 40}, 0.5F), Tensor::full({40}, 2), Tensor::full({50, 1, 1}, 3),
                                   Tensor::full({30, 1}, -1)};
  Tape tape;
  const Tensor seed = tape.full(inputs[0].shape(), 1);
  std::vector<Tensor> gradients(inputs.size());
  std::size_t before = 0;
  for (int pass = 0; pass < 5; ++pass) {
    if (pass == 2) before = allocations;
    const auto f = [](std::span<const Var> v) {
      return gelu(v[0] * v[1] + v[2], false) / v[3] + pow(v[1], v[0]) + maximum(v[2], softplus(v[0])) +
             prelu(v[0], v[3]);
    };
    (void)value_and_grads(tape, f, inputs, seed, gradients);
  }
  return allocations - before;
}

}  // namespace

int main() {
  set_thread_count(1);
  const data::Dataset train = data::load("mnist-5k", data::Part::train);
  const std::vector<std::string> optimizers{"sgd:rate=0.1,momentum=0.9", "adadelta", "adam", "adamw:decay=0.01"};
  int failures = 0;
  if (allocations == 0) failures += std::printf("nothing was counted at all\n");
  for (const std::string& optimizer : optimizers) {
    for (const double clip : {0.0, 1.0}) {
      nn::FitOptions options;
      options.optimizer = nn::Optimizer::from_spec(Spec::parse(optimizer));
      options.clip = clip;
      const std::size_t found = steady_allocations(train, options);
      if (found == 0) continue;
      failures += std::printf("%s, clip %g: %zu allocations in 28 steps that should make none\n", optimizer.c_str(),
                              clip, found);
    }
  }
  const std::size_t found = function_allocations();
  if (found > 0) failures += std::printf("functions: %zu allocations in 3 passes that should make none\n", found);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
