// Gradients against finite differences.
#include <hans/autodiff/gradcheck.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

#include <hans/core/rng.hpp>

namespace hans {
namespace {

// sum(f(xs) * weights), and optionally its gradients. Distinct weights detect permuted outputs.
real weighted(const std::function<Var(std::span<const Var>)>& f, std::span<const Tensor> xs,
              std::span<Tensor> gradients) {
  Tape tape;
  std::vector<Var> inputs;
  for (const Tensor& x : xs) inputs.push_back(tape.watch(x));
  const Var output = f(inputs);
  Tensor weights(output.shape());
  Rng(1).stream("gradcheck").normals(weights.mutable_values());
  if (!gradients.empty()) tape.gradients(output, weights, inputs, gradients);
  real total = 0;
  for (std::size_t k = 0; k < weights.size(); ++k) total += weights.data()[k] * output.value().data()[k];
  return total;
}

}  // namespace

real gradcheck(const std::function<Var(std::span<const Var>)>& f, std::span<const Tensor> xs, real step) {
  std::vector<Tensor> gradients(xs.size());
  weighted(f, xs, gradients);
  std::vector<Tensor> moved(xs.begin(), xs.end());
  real worst = 0;
  for (std::size_t t = 0; t < xs.size(); ++t) {
    for (std::size_t k = 0; k < xs[t].size(); ++k) {
      const auto at = [&](real offset) {
        moved[t].mutable_data()[k] = xs[t].data()[k] + offset * step;
        return weighted(f, moved, {});
      };
      const real slope = (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step);
      moved[t] = xs[t];
      const real gradient = gradients[t].data()[k];
      const real scale = std::max(real{1}, std::abs(gradient));
      const real difference = std::abs(gradient - slope) / scale;
      worst = std::isnan(difference) ? difference : std::max(worst, difference);
      if (std::isnan(worst)) return worst;
    }
  }
  return worst;
}

}  // namespace hans
