// The entry points of differentiation.
#pragma once

#include <algorithm>
#include <span>
#include <utility>

#include <hans/autodiff/tape.hpp>

namespace hans {

struct ValueAndGrad {
  Tensor value;     ///< f(x)
  Tensor gradient;  ///< of the sum of value's elements, in the shape of x
};

/// f(x), and the gradient of the sum of its elements with respect to x. `f` maps a Var to a Var. Pass a tape that was
/// used before to reuse its memory; it is rewound first. Cost: one forward and one backward pass. Per-sample losses
/// need no reduction, because sample i's gradient depends only on loss i.
template <class Function>
ValueAndGrad value_and_grad(Tape& tape, Function&& f, const Tensor& x) {
  tape.rewind();
  const Var input = tape.watch(x);
  const Var output = std::forward<Function>(f)(input);
  ValueAndGrad result{output.value(), {}};
  tape.gradients(output, tape.full(output.shape(), 1), {&input, 1}, {&result.gradient, 1});
  return result;
}

template <class Function>
ValueAndGrad value_and_grad(Function&& f, const Tensor& x) {
  Tape tape;
  return value_and_grad(tape, std::forward<Function>(f), x);
}

/// The same with respect to several tensors: `f` takes a std::span<const Var>. `seed`, of the shape of f's value,
/// weights its elements. Overwrites `gradients`, whose memory is released first.
template <class Function>
Tensor value_and_grads(Tape& tape, Function&& f, std::span<const Tensor> xs, const Tensor& seed,
                       std::span<Tensor> gradients) {
  tape.rewind();
  std::ranges::fill(gradients, Tensor());  // so that the new gradients reuse their memory
  const std::span<const Var> inputs = tape.watch(xs);
  const Var output = std::forward<Function>(f)(inputs);
  tape.gradients(output, seed, inputs, gradients);
  return output.value();
}

namespace detail {
Tensor jacobian(const Var& output, const Var& input);
}

struct ValueAndJacobian {
  Tensor value;     ///< samples x outputs
  Tensor jacobian;  ///< outputs x samples x features...: block j holds the gradient of output j for every sample
};

/// f(x), samples x outputs, and the gradient of each output with respect to its own sample of x. Cost: one forward pass
/// and one backward pass per output, each for the whole batch.
template <class Function>
ValueAndJacobian jacobian(Tape& tape, Function&& f, const Tensor& x) {
  tape.rewind();
  const Var input = tape.watch(x);
  const Var output = std::forward<Function>(f)(input);
  return {output.value(), detail::jacobian(output, input)};
}

template <class Function>
ValueAndJacobian jacobian(Function&& f, const Tensor& x) {
  Tape tape;
  return jacobian(tape, std::forward<Function>(f), x);
}

}  // namespace hans
