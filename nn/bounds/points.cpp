// Where linear bounds are attained.
#include "detail/rows.hpp"

#include <algorithm>

#include <hans/core/kernels.hpp>
#include "detail/windows.hpp"

namespace hans::nn::bounds {
Tensor minimisers(const Known& known, const Rows& rows, const Lower& lower) {
  Tensor points = Tensor::uninitialised(lower.at_images.shape());
  const std::size_t size = width(points);
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const real* const form = row_of(lower.at_images, row);
    const real* const low = known.of(known.low, 0, rows.sample[row]).data();
    const real* const high = known.of(known.high, 0, rows.sample[row]).data();
    real* const __restrict point = row_of(points, row);
    for (std::size_t i = 0; i < size; ++i) {
      const real l = low[i], u = high[i];
      point[i] = form[i] >= 0 ? l : u;
    }
  }
  return points;
}

std::vector<Tensor> replay(const Graph& graph, const Known& known, const Rows& rows, const Lower& lower,
                           const Tensor& points, Tape& tape) {
  std::vector<Tensor> values(graph.ops.size() + 1), inputs(graph.ops.size());
  values[0] = points;
  for (std::size_t k = 0; k < rows.value; ++k) {
    const Op& op = graph.ops[k];
    if (op.kind == Kind::affine) {
      std::vector<Tensor> x;
      for (const std::size_t from : op.from) x.push_back(values[from]);
      values[k + 1] = op.affine.forward(tape, x);
      continue;
    }
    const Tensor& in = values[op.from[0]];
    inputs[k] = in;
    Tensor out = Tensor::uninitialised(op.out.with_front(rows.size()));
    const std::size_t size = width(out);
    const bool own = rows.slopes.size() > k && rows.slopes[k].size() > 0;
    for (std::size_t row = 0; row < rows.size(); ++row) {
      const std::size_t first = rows.sample[row] * size;
      const real* const z = row_of(in, row);
      real* const to = row_of(out, row);
      if (lower.nu[k].size() == 0) {  // the form does not see this value
        std::fill_n(to, size, real{0});
        continue;
      }
      const real* const nu = row_of(lower.nu[k], row);
      if (op.kind == Kind::select) {
        const real* const high = known.of(known.high, k + 1, rows.sample[row]).data();
        for (std::size_t i = 0; i < size; ++i) {
          const bool one = known.chosen[k].alone[first + i] != 0 || nu[i] >= 0;
          to[i] = one ? z[known.chosen[k].candidate[first + i]] : high[i];
        }
        continue;
      }
      const Lines& lines = known.lines[k];
      kernels::bound_points(size, own ? row_of(rows.slopes[k], row) : lines.lower_slope.data() + first,
                            lines.lower_add.data() + first, lines.upper_slope.data() + first,
                            lines.upper_add.data() + first, nu, z, to);
      if (row >= rows.splits.size()) continue;
      for (const Split& split : rows.splits[row]) {
        if (split.op != k) continue;
        to[split.unit] = z[split.unit] * (split.sign > 0 ? op.kink.right : op.kink.left)[split.unit];
      }
    }
    values[k + 1] = std::move(out);
  }
  return inputs;
}

}  // namespace hans::nn::bounds
