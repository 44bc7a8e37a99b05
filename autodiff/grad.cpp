// One backward pass per output, for the whole batch at once.
#include <hans/autodiff/grad.hpp>

#include <algorithm>

#include <hans/core/error.hpp>

namespace hans::detail {

Tensor jacobian(const Var& output, const Var& input) {
  const Shape& shape = output.shape();
  check(shape.rank() == 2 && input.shape().rank() > 0 && input.shape()[0] == shape[0],
        "jacobian needs a function from samples x features to samples x outputs, not from ", input.shape(), " to ",
        shape);
  Tensor all(input.shape().with_front(shape[1]));
  real* place = all.mutable_data();
  for (std::size_t j = 0; j < shape[1]; ++j) {
    Tensor seed(shape);
    for (std::size_t i = 0; i < shape[0]; ++i) seed.mutable_data()[i * shape[1] + j] = 1;
    Tensor gradient;
    output.tape().gradients(output, seed, {&input, 1}, {&gradient, 1});
    place = std::ranges::copy(gradient.values(), place).out;
  }
  return all;
}

}  // namespace hans::detail
