// Linear layers and convolutions, with bias and epilogue fused.
#include <algorithm>
#include <cmath>
#include <cstddef>

#include <hans/autodiff/ops.hpp>
#include <hans/core/error.hpp>
#include "detail/intervals.hpp"
#include "detail/pooling.hpp"

namespace hans {
namespace {

using kernels::Conv;
using kernels::most_extent;

// The two kinds of packed weights that a tape caches; the kernels' packing keys are added to them.
enum Arrangement : int { forward_arrangement, backward_arrangement = 2 };

/// The weights for one product. Tracked weights may change before the next product, so the product packs them into the
/// scratch `kept`; constant weights are packed once and cached.
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

kernels::Weights forward_operand(const Conv& conv, Tape& tape, const Var& weights, Tensor& kept) {
  return operand(
      tape, weights, forward_arrangement + kernels::forward_pack_key(conv), kernels::forward_pack_size(conv),
      [&](const real* w, real* packed) { kernels::pack_forward(conv, w, packed); }, kept);
}

kernels::Weights backward_operand(const Conv& conv, Tape& tape, const Var& weights, Tensor& kept) {
  return operand(
      tape, weights, backward_arrangement + kernels::backward_pack_key(conv), kernels::backward_pack_size(conv),
      [&](const real* w, real* packed) { kernels::pack_backward(conv, w, packed); }, kept);
}

/// |w|, element by element.
Tensor magnitudes(Tensor made, const Tensor& w) {
  real* const to = made.mutable_data();
  for (std::size_t i = 0; i < w.size(); ++i) to[i] = std::abs(w.data()[i]);
  return made;
}

/// The last `radii` samples of x are radii of intervals: they meet |weights| and no bias.
Var product(const char* name, const Conv& all, const Shape& out_shape, const Var& x, const Var& weights,
            const Var& bias, const Epilogue& epilogue, std::size_t radii = 0) {
  Tape& tape = x.tape();
  Tensor y = tape.make(out_shape);
  Conv conv = all, wide = all;
  conv.samples -= radii;
  wide.samples = radii;
  const std::size_t first_in = all.samples == 0 ? 0 : x.value().size() / all.samples * conv.samples;
  const std::size_t first_out = all.samples == 0 ? 0 : y.size() / all.samples * conv.samples;
  {
    Tensor kept;
    const kernels::Weights forward = forward_operand(conv, tape, weights, kept);
    kernels::conv_forward(conv, x.value().data(), forward, bias.present() ? bias.value().data() : nullptr, epilogue,
                          y.mutable_data());
  }
  Tensor magnitude;
  if (radii > 0) {
    magnitude = magnitudes(tape.make(weights.shape()), weights.value());
    Tensor room = tape.make({kernels::forward_pack_size(wide)});
    kernels::conv_forward(wide, x.value().data() + first_in, {magnitude.data(), room.mutable_data()}, nullptr,
                          Activation::none, y.mutable_data() + first_out);
  }
  const Var made = tape.record(
      name, y, {&x, &weights, &bias},
      [conv, wide, first_in, first_out, images = x.value(), weights, magnitude, bias_shape = bias.shape(), &tape](
          Tensor g, Inputs& in) {
        if (in.wants(0)) {
          Tensor dx = in.make(images.shape());
          Tensor kept;
          const kernels::Weights turned = backward_operand(conv, tape, weights, kept);
          const Tensor* const gate = in.gate(0);
          kernels::conv_input_gradient(conv, g.data(), turned, gate == nullptr ? nullptr : gate->data(),
                                       dx.mutable_data());
          if (wide.samples > 0) {
            Tensor room = in.make({kernels::backward_pack_size(wide)});
            kernels::conv_input_gradient(wide, g.data() + first_out, {magnitude.data(), room.mutable_data()},
                                         gate == nullptr ? nullptr : gate->data() + first_in,
                                         dx.mutable_data() + first_in);
          }
          in.add(0, std::move(dx), gate != nullptr);
        }
        if (in.wants(1) || in.wants(2)) {
          Tensor dw = in.make(weights.shape());
          Tensor db = in.wants(2) ? in.make(bias_shape) : Tensor();
          kernels::conv_weight_gradient(conv, images.data(), g.data(), dw.mutable_data(),
                                        in.wants(2) ? db.mutable_data() : nullptr);
          if (wide.samples > 0) {
            Tensor of_magnitude = in.make(weights.shape());
            kernels::conv_weight_gradient(wide, images.data() + first_in, g.data() + first_out,
                                          of_magnitude.mutable_data(), nullptr);
            const real *const w = weights.value().data(), *const more = of_magnitude.data();
            real* const to = dw.mutable_data();
            for (std::size_t i = 0; i < dw.size(); ++i) to[i] += w[i] > 0 ? more[i] : w[i] < 0 ? -more[i] : real{0};
          }
          in.add(1, std::move(dw));
          in.add(2, std::move(db));
        }
      },
      epilogue.activation == Activation::relu ? Pass::where_positive : Pass::everywhere);
  check(!made.tracked() || (epilogue.factor == nullptr && epilogue.summand == nullptr && epilogue.added == nullptr),
        name, ": a gradient passes an activation behind it and nothing else");
  return made;
}

void check_bias(const char* name, const Var& bias, std::size_t outputs) {
  check(!bias.present() || bias.shape() == Shape{outputs}, name, ": ", outputs, " outputs need as many biases, not ",
        bias.shape());
}

/// Whether the dilated kernel fits into the extent.
bool fits(std::size_t kernel, std::size_t dilation, std::size_t extent) {
  return kernel > 0 && kernel <= extent && (kernel == 1 || kernel - 1 <= (extent - 1) / dilation);
}

/// The convolution of images of shape `image` with weights of shape `kernel`.
Conv planned_conv(const char* name, const Shape& image, const Shape& kernel, const Window& window) {
  check(window.stride_height > 0 && window.stride_width > 0, name, ": a stride of 0 never moves");
  check(window.dilation_height > 0 && window.dilation_width > 0, name, ": a dilation of 0 has all taps in one place");
  for (const std::size_t extent :
       {image[1], image[2], window.pad_top, window.pad_bottom, window.pad_left, window.pad_right}) {
    check(extent <= most_extent, name, ": an image or a padding is at most ", most_extent, " wide, not ", extent);
  }
  const std::size_t height = image[1] + window.pad_top + window.pad_bottom;
  const std::size_t width = image[2] + window.pad_left + window.pad_right;
  const bool dilated = window.dilation_height > 1 || window.dilation_width > 1;
  check(fits(kernel[0], window.dilation_height, height) && fits(kernel[1], window.dilation_width, width), name, ": a ",
        kernel[0], "x", kernel[1], " kernel ",
        dilated ? text("with taps ", window.dilation_height, "x", window.dilation_width, " apart ") : "",
        "does not fit a padded image of ", height, "x", width);
  Conv conv;
  conv.samples = image[0];
  conv.height = image[1];
  conv.width = image[2];
  conv.channels = image[3];
  conv.filters = kernel[3];
  conv.kernel_height = kernel[0];
  conv.kernel_width = kernel[1];
  // Limit strides to the image and ignore the dilation of a single tap: equivalent, and nothing overflows.
  conv.stride_height = std::min(window.stride_height, height);
  conv.stride_width = std::min(window.stride_width, width);
  conv.dilation_height = kernel[0] == 1 ? 1 : window.dilation_height;
  conv.dilation_width = kernel[1] == 1 ? 1 : window.dilation_width;
  conv.pad_top = window.pad_top;
  conv.pad_left = window.pad_left;
  conv.out_height = (height - (kernel[0] - 1) * conv.dilation_height - 1) / conv.stride_height + 1;
  conv.out_width = (width - (kernel[1] - 1) * conv.dilation_width - 1) / conv.stride_width + 1;
  conv.groups = window.groups;
  return conv;
}

void check_groups(const char* name, std::size_t groups, std::size_t filters) {
  check(groups > 0 && groups <= kernels::most_groups && filters % groups == 0, name, ": ", groups, " groups of ",
        filters, " filters; they must be alike, and at most ", kernels::most_groups);
}

Conv checked_conv(const Var& x, const Var& weights, const Var& bias, const Window& window) {
  const Shape& image = x.shape();
  const Shape& kernel = weights.shape();
  check(image.rank() == 4 && kernel.rank() == 4,
        "conv2d: samples x height x width x channels and kernel height x kernel width x channels x filters, not ",
        image, " and ", kernel);
  check_groups("conv2d", window.groups, kernel[3]);
  check(image[3] % window.groups == 0 && image[3] / window.groups == kernel[2], "conv2d: ", image, " images in ",
        window.groups, " groups have ", image[3], " / ", window.groups, " channels for each filter, weights of ",
        kernel, " are for ", kernel[2]);
  check_bias("conv2d", bias, kernel[3]);
  return planned_conv("conv2d", image, kernel, window);
}

Conv checked_linear(const Var& x, const Var& weights, const Var& bias) {
  check(x.shape().rank() == 2 && weights.shape().rank() == 2 && x.shape()[1] == weights.shape()[0],
        "linear: samples x features and features x units, not ", x.shape(), " and ", weights.shape());
  check_bias("linear", bias, weights.shape()[1]);
  Conv conv;
  conv.samples = x.shape()[0];
  conv.channels = x.shape()[1];
  conv.filters = weights.shape()[1];
  return conv;
}

}  // namespace

Var linear(const Var& x, const Var& weights, const Var& bias, const Epilogue& epilogue) {
  const Conv conv = checked_linear(x, weights, bias);
  return product("linear", conv, {conv.samples, conv.filters}, x, weights, bias, epilogue);
}

Var interval_linear(const Var& x, std::size_t boxes, const Var& weights, const Var& bias) {
  const Conv conv = checked_linear(x, weights, bias);
  check_boxes("interval_linear", x, boxes);
  return product("interval_linear", conv, {conv.samples, conv.filters}, x, weights, bias, Activation::none, boxes);
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

Var conv2d(const Var& x, const Var& weights, const Var& bias, const Window& window, const Epilogue& epilogue) {
  const Conv conv = checked_conv(x, weights, bias, window);
  return product("conv2d", conv, {conv.samples, conv.out_height, conv.out_width, conv.filters}, x, weights, bias,
                 epilogue);
}

Var interval_conv2d(const Var& x, std::size_t boxes, const Var& weights, const Var& bias, const Window& window) {
  const Conv conv = checked_conv(x, weights, bias, window);
  check_boxes("interval_conv2d", x, boxes);
  return product("interval_conv2d", conv, {conv.samples, conv.out_height, conv.out_width, conv.filters}, x, weights,
                 bias, Activation::none, boxes);
}

Var conv2d_pooled(const Var& x, const Var& weights, const Var& bias, const Window& window, const Epilogue& epilogue,
                  const PoolWindow& pool) {
  check(!x.tracked() && !weights.tracked() && !bias.tracked(), "conv2d_pooled: no gradient passes");
  const Conv conv = checked_conv(x, weights, bias, window);
  const kernels::Pooling pooling =
      planned_pooling("conv2d_pooled", {conv.samples, conv.out_height, conv.out_width, conv.filters}, pool);
  Tensor y = x.tape().make({conv.samples, pooling.out_height, pooling.out_width, pooling.channels});
  Tensor kept;
  const kernels::Weights forward = forward_operand(conv, x.tape(), weights, kept);
  kernels::conv_max_pool(conv, x.value().data(), forward, bias.present() ? bias.value().data() : nullptr, epilogue,
                         pooling, y.mutable_data());
  return x.tape().constant(std::move(y));
}

Var conv_transpose2d(const Var& x, const Var& weights, const Var& bias, const Window& window, std::size_t out_height,
                     std::size_t out_width) {
  const Shape& in = x.shape();
  const Shape& kernel = weights.shape();
  check(in.rank() == 4 && kernel.rank() == 4 && in[3] == kernel[3],
        "conv_transpose2d: samples x height x width x filters and kernel height x kernel width x channels x filters, "
        "not ",
        in, " and ", kernel);
  check_groups("conv_transpose2d", window.groups, kernel[3]);
  check(kernel[2] <= most_extent / window.groups, "conv_transpose2d: ", window.groups, " groups of ", kernel[2],
        " channels are too many");
  const Shape image{in[0], out_height, out_width, kernel[2] * window.groups};
  check_bias("conv_transpose2d", bias, image[3]);
  const Conv conv = planned_conv("conv_transpose2d", image, kernel, window);
  check(conv.out_height == in[1] && conv.out_width == in[2], "conv_transpose2d: a convolution turns ", out_height, "x",
        out_width, " into ", conv.out_height, "x", conv.out_width, ", so ", in[1], "x", in[2],
        " cannot be turned back into that");
  Tape& tape = x.tape();
  Tensor y = tape.make(image);
  {
    Tensor kept;
    const kernels::Weights turned = backward_operand(conv, tape, weights, kept);
    kernels::conv_input_gradient(conv, x.value().data(), turned, nullptr, y.mutable_data());
  }
  const Var made =
      tape.record("conv_transpose2d", y, {&x, &weights}, [conv, x = x.value(), weights, &tape](Tensor g, Inputs& into) {
        if (into.wants(0)) {
          Tensor dx = into.make(x.shape());
          Tensor kept;
          const kernels::Weights forward = forward_operand(conv, tape, weights, kept);
          kernels::conv_forward(conv, g.data(), forward, nullptr, Activation::none, dx.mutable_data());
          into.add(0, std::move(dx));
        }
        if (into.wants(1)) {
          Tensor dw = into.make(weights.shape());
          kernels::conv_weight_gradient(conv, g.data(), x.data(), dw.mutable_data(), nullptr);
          into.add(1, std::move(dw));
        }
      });
  return bias.present() ? made + bias : made;
}

}  // namespace hans
