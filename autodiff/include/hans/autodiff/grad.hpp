// The entry points of differentiation.
#pragma once

#include <algorithm>
#include <span>
#include <utility>

#include <hans/autodiff/tape.hpp>

namespace hans {

struct ValueAndGrad {
  Tensor value;     ///< what the function gave
  Tensor gradient;  ///< of the sum of value's elements; the shape of x
};

/// f(x) and the gradient of the sum of its elements with respect to x. `f` takes a Var and gives a Var. Give the
/// tape of an earlier call to reuse its memory; it is rewound first. Cost: one forward and one backward pass.
/// Per-sample losses need no reduction: sample i's gradient only depends on loss i.
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

/// The same with respect to several tensors: `f` takes a std::span<const Var>. `seed` weighs the elements
/// of f's value (shape of the value); the gradients replace those in `gradients`, which are let go of first.
template <class Function>
Tensor value_and_grads(Tape& tape, Function&& f, std::span<const Tensor> xs, const Tensor& seed,
                       std::span<Tensor> gradients) {
  tape.rewind();
  std::ranges::fill(gradients, Tensor());  // so that their memory serves the new ones
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
  Tensor jacobian;  ///< outputs x samples x features...: block j holds every sample's gradient of output j
};

/// f(x), samples x outputs, and each output's gradient with respect to its own sample of x. Cost: one forward
/// and `outputs` backward passes, each for the whole batch.
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
