// Softmax, and the losses built on it.
#include <algorithm>
#include <cmath>

#include <hans/autodiff/ops.hpp>
#include <hans/core/error.hpp>
#include <hans/core/reduce.hpp>

namespace hans {
namespace {

void check_logits(const char* name, const Shape& shape) {
  check(shape.rank() == 2 && shape[1] > 0, name, ": samples x classes, not ", shape);
}

/// The extent of the last axis, over which softmax() runs.
std::size_t last_extent(const char* name, const Shape& shape) {
  const std::size_t extent = shape.rank() > 0 ? shape[shape.rank() - 1] : 0;
  check(extent > 0, name, ": at least one class along the last axis, not ", shape);
  return extent;
}

Tensor with_targets(Tensor targets, std::span<const int> labels, real smoothing) {
  const std::size_t classes = targets.shape()[1];
  check(smoothing >= 0 && smoothing < 1, "label smoothing must be in [0, 1), not ", smoothing);
  check(classes > 1 || smoothing == 0, "label smoothing needs at least two classes");
  std::ranges::fill(targets.mutable_values(), smoothing == 0 ? real{0} : smoothing / static_cast<real>(classes - 1));
  real* row = targets.mutable_data();
  for (const int label : labels) {
    check(label >= 0 && static_cast<std::size_t>(label) < classes, "the label ", label, " is not one of the ", classes,
          " classes 0 to ", classes - 1);
    row[label] = 1 - smoothing;
    row += classes;
  }
  return targets;
}

}  // namespace

Var softmax(const Var& x) {
  const std::size_t columns = last_extent("softmax", x.shape());
  const std::size_t rows = x.shape().elements() / columns;
  Tensor p = x.tape().make(x.shape());
  softmax(x.value().data(), p.mutable_data(), rows, columns);
  return x.tape().record("softmax", p, {&x}, [p, rows, columns](Tensor g, Inputs& in) {
    // dx_j = p_j * (g_j - sum of g_k * p_k)
    Tensor shares = in.make(p.shape());
    real* share = shares.mutable_data();
    real* dx = g.mutable_data();
    for (std::size_t k = 0; k < p.size(); ++k) share[k] = dx[k] * p.data()[k];
    for (std::size_t r = 0; r < rows; ++r) {
      const real total = sum(shares.values().subspan(r * columns, columns));
      for (std::size_t k = r * columns; k < (r + 1) * columns; ++k) dx[k] = p.data()[k] * (dx[k] - total);
    }
    in.add(0, std::move(g));
  });
}

Var log_softmax(const Var& x) {
  const std::size_t columns = last_extent("log_softmax", x.shape());
  const std::size_t rows = x.shape().elements() / columns;
  Tensor y = x.tape().make(x.shape());
  log_softmax(x.value().data(), y.mutable_data(), rows, columns);
  return x.tape().record("log_softmax", std::move(y), {&x}, [x = x.value(), rows, columns](Tensor g, Inputs& in) {
    // dx_j = g_j - p_j * sum of g_k
    Tensor p = in.make(x.shape());
    softmax(x.data(), p.mutable_data(), rows, columns);
    real* dx = g.mutable_data();
    for (std::size_t r = 0; r < rows; ++r) {
      const real total = sum(g.values().subspan(r * columns, columns));
      for (std::size_t k = r * columns; k < (r + 1) * columns; ++k) dx[k] -= p.data()[k] * total;
    }
    in.add(0, std::move(g));
  });
}

Var cross_entropy(const Var& logits, const Tensor& targets) {
  check_logits("cross_entropy", logits.shape());
  check(targets.shape() == logits.shape(), "cross_entropy: logits ", logits.shape(),
        " need targets of the same shape, not ", targets.shape());
  const std::size_t rows = logits.shape()[0];
  const std::size_t columns = logits.shape()[1];
  Tensor losses = logits.tape().make({rows});
  cross_entropy(logits.value().data(), targets.data(), losses.mutable_data(), rows, columns);
  for (std::size_t r = 0; r < rows; ++r) {
    check(!std::isnan(losses.data()[r]), "the loss of sample ", r, " of ", rows,
          " is not a number: the logits overflowed or the weights hold a NaN; try a smaller learning rate");
  }
  return logits.tape().record("cross_entropy", std::move(losses), {&logits},
                              [x = logits.value(), targets, rows, columns](Tensor g, Inputs& in) {
                                Tensor dx = in.make(x.shape());
                                cross_entropy_gradient(x.data(), targets.data(), g.data(), dx.mutable_data(), rows,
                                                       columns);
                                in.add(0, std::move(dx));
                              });
}

Tensor smoothed_targets(std::span<const int> labels, std::size_t classes, real smoothing) {
  return with_targets(Tensor::uninitialised({labels.size(), classes}), labels, smoothing);
}

Var cross_entropy(const Var& logits, std::span<const int> labels, real smoothing) {
  check_logits("cross_entropy", logits.shape());
  check(labels.size() == logits.shape()[0], "cross_entropy: ", logits.shape()[0], " samples need as many labels, not ",
        labels.size());
  return cross_entropy(logits, with_targets(logits.tape().make(logits.shape()), labels, smoothing));
}

}  // namespace hans
