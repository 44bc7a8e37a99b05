// Linear layers and convolutions: product sums with the bias and activation fused behind.
#include <cstddef>
#include <limits>

#include <hans/autodiff/ops.hpp>
#include <hans/core/error.hpp>

namespace hans {
namespace {

using kernels::Conv;

// Three of them added up are far from any overflow.
constexpr std::size_t most_extent = std::numeric_limits<std::ptrdiff_t>::max() / 8;

// The two arrangements of weights a tape may keep; the kernels' keys are added to them.
enum Arrangement : int { forward_arrangement, backward_arrangement = 2 };

/// The weights for one product. Those that may change before the next are arranged on the way, into `kept`; others
/// once.
template <class Pack>
kernels::Weights operand(Tape& tape, const Var& weights, int arrangement, std::size_t size, Pack pack, Tensor& kept) {
  if (weights.tracked()) {
    kept = tape.make({size});
    return {weights.value().data(), kept.mutable_data()};
  }
  kept = tape.arranged(weights.value(), arrangement, [&](const Tensor& w) {
    Tensor made = tape.make({size});
    pack(w.data(), made.mutable_data());
    return made;
  });
  return kept.data();
}

Var product(const char* name, const Conv& conv, const Shape& out_shape, const Var& x, const Var& weights,
            const Var& bias, Activation activation) {
  Tape& tape = x.tape();
  Tensor y = tape.make(out_shape);
  {
    Tensor kept;
    const kernels::Weights forward = operand(
        tape, weights, forward_arrangement + kernels::forward_pack_key(conv), kernels::forward_pack_size(conv),
        [&](const real* w, real* packed) { kernels::pack_forward(conv, w, packed); }, kept);
    kernels::conv_forward(conv, x.value().data(), forward, bias.present() ? bias.value().data() : nullptr, activation,
                          y.mutable_data());
  }
  return tape.record(
      name, y, {&x, &weights, &bias},
      [conv, images = x.value(), weights, bias_shape = bias.shape(), &tape](Tensor g, Inputs& in) {
        if (in.wants(0)) {
          Tensor dx = in.make(images.shape());
          Tensor kept;
          const kernels::Weights turned = operand(
              tape, weights, backward_arrangement + kernels::backward_pack_key(conv), kernels::backward_pack_size(conv),
              [&](const real* w, real* packed) { kernels::pack_backward(conv, w, packed); }, kept);
          const Tensor* const gate = in.gate(0);
          kernels::conv_input_gradient(conv, g.data(), turned, gate == nullptr ? nullptr : gate->data(),
                                       dx.mutable_data());
          in.add(0, std::move(dx), gate != nullptr);
        }
        if (in.wants(1) || in.wants(2)) {
          Tensor dw = in.make(weights.shape());
          Tensor db = in.wants(2) ? in.make(bias_shape) : Tensor();
          kernels::conv_weight_gradient(conv, images.data(), g.data(), dw.mutable_data(),
                                        in.wants(2) ? db.mutable_data() : nullptr);
          in.add(1, std::move(dw));
          in.add(2, std::move(db));
        }
      },
      activation == Activation::relu ? Pass::where_positive : Pass::everywhere);
}

void check_bias(const char* name, const Var& bias, std::size_t outputs) {
  check(!bias.present() || bias.shape() == Shape{outputs}, name, ": ", outputs, " outputs need as many biases, not ",
        bias.shape());
}

}  // namespace

Var linear(const Var& x, const Var& weights, const Var& bias, Activation activation) {
  check(x.shape().rank() == 2 && weights.shape().rank() == 2 && x.shape()[1] == weights.shape()[0],
        "linear: samples x features and features x units, not ", x.shape(), " and ", weights.shape());
  check_bias("linear", bias, weights.shape()[1]);
  Conv conv;
  conv.samples = x.shape()[0];
  conv.channels = x.shape()[1];
  conv.filters = weights.shape()[1];
  return product("linear", conv, {conv.samples, conv.filters}, x, weights, bias, activation);
}

Window same_window(const Shape& image, std::size_t kernel_height, std::size_t kernel_width, std::size_t stride_height,
                   std::size_t stride_width) {
  check(image.rank() == 3, "padding is for height x width x channels, not ", image);
  check(image.elements() > 0, "padding needs an image, not ", image);
  check(stride_height > 0 && stride_width > 0, "padding: a stride of 0 never moves");
  check(kernel_height <= most_extent && kernel_width <= most_extent, "padding: a ", kernel_height, "x", kernel_width,
        " kernel is too large");
  const auto padding = [](std::size_t extent, std::size_t kernel, std::size_t stride) {
    const std::size_t reach = (extent - 1) / stride * stride + kernel;
    return reach > extent ? reach - extent : 0;
  };
  const std::size_t vertical = padding(image[0], kernel_height, stride_height);
  const std::size_t horizontal = padding(image[1], kernel_width, stride_width);
  return {stride_height,           stride_width,   vertical / 2,
          vertical - vertical / 2, horizontal / 2, horizontal - horizontal / 2};
}

Var conv2d(const Var& x, const Var& weights, const Var& bias, const Window& window, Activation activation) {
  const Shape& image = x.shape();
  const Shape& kernel = weights.shape();
  check(image.rank() == 4 && kernel.rank() == 4 && image[3] == kernel[2],
        "conv2d: samples x height x width x channels and kernel height x kernel width x channels x filters, not ",
        image, " and ", kernel);
  check(window.stride_height > 0 && window.stride_width > 0, "conv2d: a stride of 0 never moves");
  check_bias("conv2d", bias, kernel[3]);
  for (const std::size_t extent :
       {image[1], image[2], window.pad_top, window.pad_bottom, window.pad_left, window.pad_right}) {
    check(extent <= most_extent, "conv2d: an image or a padding is at most ", most_extent, " wide, not ", extent);
  }
  const std::size_t height = image[1] + window.pad_top + window.pad_bottom;
  const std::size_t width = image[2] + window.pad_left + window.pad_right;
  check(kernel[0] > 0 && kernel[1] > 0 && kernel[0] <= height && kernel[1] <= width, "conv2d: a ", kernel[0], "x",
        kernel[1], " kernel does not fit a padded image of ", height, "x", width);
  Conv conv;
  conv.samples = image[0];
  conv.height = image[1];
  conv.width = image[2];
  conv.channels = image[3];
  conv.filters = kernel[3];
  conv.kernel_height = kernel[0];
  conv.kernel_width = kernel[1];
  conv.stride_height = window.stride_height;
  conv.stride_width = window.stride_width;
  conv.pad_top = window.pad_top;
  conv.pad_left = window.pad_left;
  conv.out_height = (height - kernel[0]) / window.stride_height + 1;
  conv.out_width = (width - kernel[1]) / window.stride_width + 1;
  return product("conv2d", conv, {conv.samples, conv.out_height, conv.out_width, conv.filters}, x, weights, bias,
                 activation);
}

}  // namespace hans
