// Pooling.
#include <algorithm>
#include <cstdint>

#include <hans/autodiff/ops.hpp>
#include <hans/core/error.hpp>
#include <hans/core/kernels.hpp>
#include "detail/pooling.hpp"

namespace hans {
namespace {

/// The number of windows along one dimension; 0 if there are none or if one lies entirely in the padding.
std::size_t windows_along(std::size_t padded, std::size_t kernel, std::size_t stride, std::size_t pad,
                          std::size_t extent) {
  if (kernel <= pad || kernel > padded || stride == 0 || extent == 0) return 0;
  const std::size_t count = (padded - kernel) / stride + 1;
  return (count - 1) * stride < pad + extent ? count : 0;
}

Tensor make_output(const Var& x, const kernels::Pooling& pooling) {
  return x.tape().make({pooling.samples, pooling.out_height, pooling.out_width, pooling.channels});
}

}  // namespace

kernels::Pooling planned_pooling(const char* name, const Shape& in, const PoolWindow& w) {
  check(in.rank() == 4, name, ": samples x height x width x channels, not ", in);
  for (const std::size_t each :
       {in[1], in[2], w.pad_top, w.pad_bottom, w.pad_left, w.pad_right, w.beyond_bottom, w.beyond_right}) {
    check(each <= kernels::most_extent, name, ": an image or a padding is at most ", kernels::most_extent,
          " wide, not ", each);
  }
  const std::size_t height = w.pad_top + in[1] + w.pad_bottom + w.beyond_bottom;
  const std::size_t width = w.pad_left + in[2] + w.pad_right + w.beyond_right;
  const std::size_t out_height = windows_along(height, w.kernel_height, w.stride_height, w.pad_top, in[1]);
  const std::size_t out_width = windows_along(width, w.kernel_width, w.stride_width, w.pad_left, in[2]);
  check(out_height > 0 && out_width > 0, name, ": a ", w.kernel_height, "x", w.kernel_width, " window with stride ",
        w.stride_height, "x", w.stride_width, " does not fit an image of ", in[1], "x", in[2], ", padded to ", height,
        "x", width, " from ", w.pad_top, ",", w.pad_left, " on: every window must move and see some of the image");
  constexpr std::uint64_t most_work = std::uint64_t{1} << 37;
  check(w.kernel_height * w.kernel_width <=
            most_work / (std::uint64_t{out_height} * out_width * std::max<std::size_t>(in[3], 1)),
        name, ": windows of ", w.kernel_height, "x", w.kernel_width, " at ", out_height, "x", out_width,
        " places of an image are more than ", most_work, " comparisons");
  kernels::Pooling pooling;
  pooling.samples = in[0];
  pooling.height = in[1];
  pooling.width = in[2];
  pooling.channels = in[3];
  pooling.kernel_height = w.kernel_height;
  pooling.kernel_width = w.kernel_width;
  pooling.stride_height = std::min(w.stride_height, height);  // avoids overflow, changes nothing
  pooling.stride_width = std::min(w.stride_width, width);
  pooling.pad_top = w.pad_top;
  pooling.pad_left = w.pad_left;
  pooling.out_height = out_height;
  pooling.out_width = out_width;
  return pooling;
}

Var max_pool2d(const Var& x, const PoolWindow& window) {
  const kernels::Pooling pooling = planned_pooling("max_pool2d", x.shape(), window);
  Tensor y = make_output(x, pooling);
  kernels::max_pool(pooling, x.value().data(), y.mutable_data());
  return x.tape().record("max_pool2d", y, {&x}, [pooling, x = x.value(), y](Tensor g, Inputs& inputs) {
    Tensor dx = inputs.make(x.shape());
    // Only inputs that equal an output receive a gradient, so the gate of the input can be read from the output.
    const bool gated = inputs.gate(0) != nullptr;
    kernels::max_pool_gradient(pooling, x.data(), y.data(), g.data(), gated, dx.mutable_data());
    inputs.add(0, std::move(dx), gated);
  });
}

Var max_pool2d(const Var& x, std::size_t kernel, std::size_t stride) {
  return max_pool2d(x, PoolWindow{kernel, kernel, stride, stride});
}

Var average_pool2d(const Var& x, const PoolWindow& window, bool count_padding) {
  const kernels::Pooling pooling = planned_pooling("average_pool2d", x.shape(), window);
  const kernels::Counted counted{count_padding, window.pad_bottom, window.pad_right};
  Tensor y = make_output(x, pooling);
  kernels::average_pool(pooling, counted, x.value().data(), y.mutable_data());
  return x.tape().record("average_pool2d", y, {&x}, [pooling, counted, in = x.shape()](Tensor g, Inputs& inputs) {
    Tensor dx = inputs.make(in);
    kernels::average_pool_gradient(pooling, counted, g.data(), dx.mutable_data());
    inputs.add(0, std::move(dx));
  });
}

}  // namespace hans
