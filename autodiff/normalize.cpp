// Normalisation of channels.
#include <algorithm>

#include <hans/autodiff/functions.hpp>
#include <hans/core/error.hpp>
#include "detail/elementwise.hpp"

namespace hans {
namespace {

using elementwise::broadcasted;
using elementwise::times;
using kernels::Activation;

Pass passing(Activation activation) { return activation == Activation::relu ? Pass::where_positive : Pass::everywhere; }

std::size_t channels_of(const char* name, const Var& x, const Var& factor, const Var& summand) {
  const Shape& shape = x.shape();
  check(shape.rank() > 0, name, ": a single number has no channels");
  const Shape channels{shape[shape.rank() - 1]};
  check(factor.shape() == channels && summand.shape() == channels, name, ": ", shape, " takes ", channels,
        " numbers each, not ", factor.shape(), " and ", summand.shape());
  return channels[0];
}

}  // namespace

Var affine(const Var& x, const Var& factor, const Var& summand, const kernels::Epilogue& epilogue) {
  const std::size_t channels = channels_of("affine", x, factor, summand);
  kernels::Epilogue all = epilogue;
  all.factor = factor.value().data();
  all.summand = summand.value().data();
  Tensor y = x.tape().make(x.shape());
  kernels::apply_epilogue(all, y.size() / channels, channels, x.value().data(), y.mutable_data());
  const Var made = x.tape().record(
      "affine", y, {&x, &factor, &summand},
      [x = x.value(), factor = factor.value()](Tensor g, Inputs& in) {
        if (in.wants(1)) in.add(1, broadcasted(in.make(g.shape()), times, g, x));
        if (in.wants(2)) in.add(2, g);
        if (!in.wants(0)) return;
        kernels::Epilogue times_factor;
        times_factor.factor = factor.data();
        real* const of_x = g.mutable_data();
        kernels::apply_epilogue(times_factor, g.size() / factor.size(), factor.size(), of_x, of_x);
        in.add(0, std::move(g));
      },
      passing(epilogue.activation));
  check(!made.tracked() || epilogue.added == nullptr,
        "affine: a gradient passes an activation behind it and nothing else");
  return made;
}

BatchNormed batch_norm(const Var& x, const Var& scale, const Var& bias, real eps, Activation activation) {
  const std::size_t channels = channels_of("batch_norm", x, scale, bias);
  const std::size_t rows = x.value().size() / channels;
  Tape& tape = x.tape();
  Tensor mean = tape.make({channels}), variance = tape.make({channels}), deviation = tape.make({channels});
  Tensor y = tape.make(x.shape());
  const kernels::Batch batch{rows,
                             channels,
                             x.value().data(),
                             scale.value().data(),
                             bias.value().data(),
                             mean.mutable_data(),
                             variance.mutable_data(),
                             deviation.mutable_data()};
  kernels::batch_norm(batch, eps, activation, y.mutable_data());
  const Var made = tape.record(
      "batch_norm", y, {&x, &scale, &bias},
      [batch, x = x.value(), scale = scale.value(), bias = bias.value(), mean, deviation](Tensor g, Inputs& in) {
        const Shape each{batch.channels};
        Tensor of_bias = in.make(each), of_scale = in.make(each), of_mean = in.make(each);
        real* const of_x = in.wants(0) ? g.mutable_data() : nullptr;
        kernels::batch_norm_gradient(batch, g.data(), of_bias.mutable_data(), of_scale.mutable_data(), of_x,
                                     of_mean.mutable_data());
        in.add(1, std::move(of_scale));
        in.add(2, std::move(of_bias));
        if (of_x == nullptr) return;
        kernels::Epilogue plus;
        plus.summand = of_mean.data();
        if (in.untouched(0)) {
          kernels::apply_epilogue(plus, batch.rows, batch.channels, of_x, of_x);
          in.add(0, std::move(g));
        } else {  // two additions, in the order of the separate gradients of x - mean and of the mean
          Tensor shift = in.make(g.shape());
          std::ranges::fill(shift.mutable_values(), real{0});
          kernels::apply_epilogue(plus, batch.rows, batch.channels, shift.data(), shift.mutable_data());
          in.add(0, std::move(g));
          in.add(0, std::move(shift));
        }
      },
      passing(activation));
  return {made, std::move(mean), std::move(variance)};
}

}  // namespace hans
