// Normalisation layers: subtract a mean, divide by a standard deviation.
#include <hans/nn/normalization_layers.hpp>

#include <numeric>

#include <hans/autodiff/arrays.hpp>
#include <hans/autodiff/functions.hpp>
#include <hans/core/error.hpp>

namespace hans::nn {
namespace {

std::vector<WeightInfo> scale_and_bias(const Shape& shape) {
  return {{.name = "scale", .shape = shape, .start = 1}, {.name = "bias", .shape = shape}};
}

std::size_t channels_of(const Shape& in) {
  check(in.rank() > 0, "a single number has no channels");
  return in[in.rank() - 1];
}

std::vector<std::size_t> axes_between(std::size_t first, std::size_t end) {
  std::vector<std::size_t> axes(end - first);
  std::iota(axes.begin(), axes.end(), first);
  return axes;
}

/// x minus its mean over axes, and the mean of its square.
struct Moments {
  Var centred, variance;
};
Moments moments(const Var& x, std::span<const std::size_t> axes) {
  const Var mean = reduce(x, Reduction::mean, axes, true);
  const Var centred = x - mean;
  return {centred, reduce(centred * centred, Reduction::mean, axes, true)};
}

Var normalised(const Var& centred, const Var& variance, float eps, const Run& run) {
  const Var deviation = sqrt(variance + static_cast<real>(eps));
  const Var unit = centred / deviation;
  const Var scaled = unit * run.weights[0];
  return scaled + run.weights[1];
}

}  // namespace

std::vector<WeightInfo> BatchNorm::weights(const Shape& in) const {
  const Shape shape{channels_of(in)};
  std::vector<WeightInfo> all = scale_and_bias(shape);
  all.push_back({.name = "mean", .shape = shape, .trainable = false});
  all.push_back({.name = "variance", .shape = shape, .trainable = false, .start = 1});
  return all;
}

float rest_of(float momentum) {
  double decimal = 0;
  check(read_number(text(momentum), decimal), "a momentum of ", momentum);
  return static_cast<float>(1 - decimal);
}

Var BatchNorm::operator()(const Var& x, const Run& run) const {
  if (run.mode.statistics != nullptr) {
    BatchNormed made = batch_norm(x, run.weights[0], run.weights[1], eps, run.epilogue.activation);
    run.mode.statistics->push_back({run.position, std::move(made.mean), std::move(made.variance),
                                    x.value().size() / channels_of(x.shape()), momentum});
    return made.y;
  }
  const Affine stored = affine_of(x.tape(), eps, run.weights, run.buffers);
  return affine(x, stored.factor, stored.summand, run.epilogue);
}

Affine affine_of(Tape& tape, float eps, std::span<const Var> weights, std::span<const Tensor> buffers) {
  const Var deviation = sqrt(tape.constant(buffers[1]) + static_cast<real>(eps));
  const Var factor = weights[0] / deviation;
  const Var share = tape.constant(buffers[0]) * factor;
  return {factor, weights[1] - share};
}

std::vector<WeightInfo> InstanceNorm::weights(const Shape& in) const {
  check(in.rank() >= 2, "it normalises images, not ", in);
  return scale_and_bias({channels_of(in)});
}

Var InstanceNorm::operator()(const Var& x, const Run& run) const {
  const Moments own = moments(x, axes_between(1, x.shape().rank() - 1));
  return normalised(own.centred, own.variance, eps, run);
}

std::vector<WeightInfo> LayerNorm::weights(const Shape& in) const {
  check(axes <= in.rank(), "it normalises ", axes, " axes, but a sample of ", in, " has only ", in.rank());
  return scale_and_bias(Shape(std::span(in.end() - axes, in.end())));
}

Var LayerNorm::operator()(const Var& x, const Run& run) const {
  const Moments own = moments(x, axes_between(x.shape().rank() - axes, x.shape().rank()));
  return normalised(own.centred, own.variance, eps, run);
}

}  // namespace hans::nn
