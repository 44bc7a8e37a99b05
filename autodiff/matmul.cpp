// Batched matrix products.
#include <algorithm>

#include <hans/autodiff/arrays.hpp>
#include <hans/autodiff/ops.hpp>
#include <hans/core/error.hpp>
#include <hans/core/parallel.hpp>

namespace hans {
namespace {

/// The batch axes: all but the last two.
Shape stack_of(const Shape& shape) { return Shape(std::span<const std::size_t>(shape.begin(), shape.rank() - 2)); }

/// The batch axes `stack`, followed by the extents of a matrix.
Shape stacked(const Shape& stack, std::size_t rows, std::size_t columns) {
  std::array<std::size_t, Shape::max_rank + 2> extents{};
  std::copy(stack.begin(), stack.end(), extents.begin());
  extents[stack.rank()] = rows;
  extents[stack.rank() + 1] = columns;
  return Shape(std::span<const std::size_t>(extents.data(), stack.rank() + 2));
}

Var with_shape(const Var& x, const Shape& shape) { return x.shape() == shape ? x : reshape(x, shape); }

/// Maps the index of a matrix in a broadcast stack to its index in the original stack.
class Place {
 public:
  Place(const Shape& from, const Shape& to) : to_(to), steps_(broadcast_strides(from, to)) {}

  std::size_t operator[](std::size_t index) const {
    std::size_t place = 0;
    for (std::size_t axis = to_.rank(); axis-- > 0; index /= to_[axis]) place += index % to_[axis] * steps_[axis];
    return place;
  }

 private:
  Shape to_;
  std::array<std::size_t, Shape::max_rank> steps_;
};

/// Calls body(matrix, scratch of `room` values) for all matrices: in parallel if there are many, otherwise one after
/// another with all threads on each. `memory` is a Tape or, in a backward closure, Inputs.
template <class Memory, class Body>
void over_matrices(Memory& memory, std::size_t matrices, std::size_t room, Body body) {
  const std::size_t threads = thread_count();
  const std::size_t parts = threads == 1 || matrices < 2 * threads ? 1 : std::min(matrices, 4 * threads);
  Tensor rooms = memory.make({parts, room});
  real* const first = rooms.mutable_data();
  parallel_for(parts, [&](std::size_t part) {
    for (std::size_t i = matrices * part / parts; i < matrices * (part + 1) / parts; ++i) body(i, first + part * room);
  });
}

/// Computes one product per matrix.
Var stacked_product(const Var& a, const Var& b, const Shape& stack, const kernels::Conv& conv) {
  const std::size_t a_size = conv.samples * conv.channels, b_size = conv.channels * conv.filters;
  const std::size_t y_size = conv.samples * conv.filters, matrices = stack.elements();
  const Place a_place(stack_of(a.shape()), stack), b_place(stack_of(b.shape()), stack);
  Tensor y = a.tape().make(stacked(stack, conv.samples, conv.filters));
  real* const out = y.mutable_data();
  over_matrices(a.tape(), matrices, kernels::forward_pack_size(conv), [&](std::size_t i, real* room) {
    kernels::conv_forward(conv, a.value().data() + a_place[i] * a_size, {b.value().data() + b_place[i] * b_size, room},
                          nullptr, Activation::none, out + i * y_size);
  });
  return a.tape().record(
      "matmul", std::move(y), {&a, &b},
      [x = a.value(), w = b.value(), stack, conv, a_place, b_place, a_size, b_size, y_size, matrices](Tensor g,
                                                                                                      Inputs& in) {
        if (in.wants(0)) {
          Tensor dx = in.make(stacked(stack, conv.samples, conv.channels));
          real* const to = dx.mutable_data();
          over_matrices(in, matrices, kernels::backward_pack_size(conv), [&](std::size_t i, real* room) {
            kernels::conv_input_gradient(conv, g.data() + i * y_size, {w.data() + b_place[i] * b_size, room}, nullptr,
                                         to + i * a_size);
          });
          in.add(0, std::move(dx));
        }
        if (in.wants(1)) {
          Tensor dw = in.make(stacked(stack, conv.channels, conv.filters));
          real* const to = dw.mutable_data();
          over_matrices(in, matrices, 0, [&](std::size_t i, real*) {
            kernels::conv_weight_gradient(conv, x.data() + a_place[i] * a_size, g.data() + i * y_size, to + i * b_size,
                                          nullptr);
          });
          in.add(1, std::move(dw));
        }
      });
}

}  // namespace

Var matmul(const Var& a, const Var& b) {
  const Shape& left = a.shape();
  const Shape& right = b.shape();
  check(left.rank() >= 2 && right.rank() >= 2 && left[left.rank() - 1] == right[right.rank() - 2],
        "matmul: ... x m x k and ... x k x n, not ", left, " and ", right);
  kernels::Conv conv;
  conv.samples = left[left.rank() - 2];
  conv.channels = left[left.rank() - 1];
  conv.filters = right[right.rank() - 1];
  const Shape stack = broadcast(stack_of(left), stack_of(right));
  const Shape result = stacked(stack, conv.samples, conv.filters);
  if (result.elements() == 0 || conv.channels == 0) return a.tape().constant(a.tape().full(result, 0));
  if (right.elements() != conv.channels * conv.filters) return stacked_product(a, b, stack, conv);
  // If all products share the right matrix, compute one product of all rows.
  const Var rows = with_shape(a, {left.elements() / conv.channels, conv.channels});
  return with_shape(linear(rows, with_shape(b, {conv.channels, conv.filters})), result);
}

}  // namespace hans
