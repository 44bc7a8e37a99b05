// Operations that reshape or sum.
#include <algorithm>

#include <hans/autodiff/ops.hpp>
#include <hans/core/error.hpp>
#include <hans/core/reduce.hpp>

namespace hans {

Var reshape(const Var& x, const Shape& shape) {
  return x.tape().record("reshape", x.value().reshaped(shape), {&x},
                         [before = x.shape()](Tensor g, Inputs& in) { in.add(0, g.reshaped(before)); });
}

Var flatten(const Var& x) {
  check(x.shape().rank() > 0, "flatten needs a batch, not a single number");
  return reshape(x, {x.shape()[0], x.shape().row_elements()});
}

Var sum(const Var& x) {
  Tensor total = x.tape().make({});
  total.mutable_data()[0] = sum(x.value().values());
  return x.tape().record("sum", std::move(total), {&x}, [before = x.shape()](Tensor g, Inputs& in) {
    Tensor spread = in.make(before);
    std::ranges::fill(spread.mutable_values(), g.data()[0]);
    in.add(0, std::move(spread));
  });
}

Var sum_rows(const Var& x) {
  check(x.shape().rank() > 0, "sum_rows needs a batch, not a single number");
  const std::size_t rows = x.shape()[0];
  const std::size_t columns = x.shape().row_elements();
  Tensor totals = x.tape().make({rows});
  for (std::size_t r = 0; r < rows; ++r) {
    totals.mutable_data()[r] = sum(x.value().values().subspan(r * columns, columns));
  }
  return x.tape().record("sum_rows", std::move(totals), {&x}, [before = x.shape(), columns](Tensor g, Inputs& in) {
    Tensor spread = in.make(before);
    for (std::size_t r = 0; r < before[0]; ++r) {
      std::fill_n(spread.mutable_data() + r * columns, columns, g.data()[r]);
    }
    in.add(0, std::move(spread));
  });
}

}  // namespace hans
