// Pooling.
#include <hans/autodiff/ops.hpp>
#include <hans/core/error.hpp>
#include <hans/core/kernels.hpp>

namespace hans {

Var max_pool2d(const Var& x, std::size_t kernel, std::size_t stride) {
  const Shape in = x.shape();
  check(in.rank() == 4, "max_pool2d: samples x height x width x channels, not ", in);
  check(kernel > 0 && stride > 0 && kernel <= in[1] && kernel <= in[2], "max_pool2d: a ", kernel, "x", kernel,
        " window with stride ", stride, " does not fit an image of ", in[1], "x", in[2]);
  kernels::Pooling pooling;
  pooling.samples = in[0];
  pooling.height = in[1];
  pooling.width = in[2];
  pooling.channels = in[3];
  pooling.kernel = kernel;
  pooling.stride = stride;
  pooling.out_height = (in[1] - kernel) / stride + 1;
  pooling.out_width = (in[2] - kernel) / stride + 1;
  Tensor y = x.tape().make({in[0], pooling.out_height, pooling.out_width, in[3]});
  kernels::max_pool(pooling, x.value().data(), y.mutable_data());
  return x.tape().record("max_pool2d", y, {&x}, [pooling, x = x.value(), y](Tensor g, Inputs& inputs) {
    Tensor dx = inputs.make(x.shape());
    // The gradient goes to inputs that equal the output, so the input's gate can be read there.
    const bool gated = inputs.gate(0) != nullptr;
    kernels::max_pool_gradient(pooling, x.data(), y.data(), g.data(), gated, dx.mutable_data());
    inputs.add(0, std::move(dx), gated);
  });
}

}  // namespace hans
