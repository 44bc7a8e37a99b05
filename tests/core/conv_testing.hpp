// Convolutions by plain loops of std::fma, and the kernels against them.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <hans/core/kernels.hpp>
#include <hans/core/parallel.hpp>
#include <string>
#include <utility>
#include <vector>

#include "kernels_testing.hpp"

namespace hans::kernels {

/// One dimension of a convolution.
struct Dimension {
  std::size_t size, kernel, stride, pad, pad_end;
  std::size_t dilation = 1;
};

inline std::size_t outputs_along(const Dimension& d) {
  return (d.size + d.pad + d.pad_end - (d.kernel - 1) * d.dilation - 1) / d.stride + 1;
}

inline Conv conv(std::size_t samples, std::size_t channels, std::size_t filters, const Dimension& down,
                 const Dimension& across, std::size_t groups = 1) {
  return Conv{.samples = samples,
              .height = down.size,
              .width = across.size,
              .channels = channels,
              .filters = filters,
              .kernel_height = down.kernel,
              .kernel_width = across.kernel,
              .stride_height = down.stride,
              .stride_width = across.stride,
              .pad_top = down.pad,
              .pad_left = across.pad,
              .out_height = outputs_along(down),
              .out_width = outputs_along(across),
              .dilation_height = down.dilation,
              .dilation_width = across.dilation,
              .groups = groups};
}

inline std::size_t image_size(const Conv& c) { return c.samples * c.height * c.width * c.channels; }
inline std::size_t weight_size(const Conv& c) {
  return c.kernel_height * c.kernel_width * c.channels / c.groups * c.filters;
}
inline std::size_t output_size(const Conv& c) { return c.samples * c.out_height * c.out_width * c.filters; }

/// The input position of a tap that reaches so far, or false where it lies in the padding.
inline bool inside(std::size_t out, std::size_t reach, std::size_t stride, std::size_t pad, std::size_t size,
                   std::size_t& at) {
  at = out * stride + reach - pad;
  return out * stride + reach >= pad && at < size;
}

/// Calls visit(image index, weight index, output index) for every tap, by output, then kernel row and column;
/// the indices are those of channel and filter 0.
template <class Visit>
void each_tap(const Conv& c, Visit visit) {
  for (std::size_t n = 0; n < c.samples; ++n) {
    for (std::size_t y = 0; y < c.out_height; ++y) {
      for (std::size_t x = 0; x < c.out_width; ++x) {
        for (std::size_t row = 0; row < c.kernel_height; ++row) {
          for (std::size_t column = 0; column < c.kernel_width; ++column) {
            std::size_t i, j;
            if (!inside(y, row * c.dilation_height, c.stride_height, c.pad_top, c.height, i)) continue;
            if (!inside(x, column * c.dilation_width, c.stride_width, c.pad_left, c.width, j)) continue;
            visit(((n * c.height + i) * c.width + j) * c.channels,
                  (row * c.kernel_width + column) * (c.channels / c.groups) * c.filters,
                  ((n * c.out_height + y) * c.out_width + x) * c.filters);
          }
        }
      }
    }
  }
}

/// Calls visit(channel of the image, index of the weight, filter) for what is multiplied at a tap, filters rising.
template <class Visit>
void each_pair(const Conv& c, Visit visit) {
  const std::size_t channels = c.channels / c.groups, filters = c.filters / c.groups;
  for (std::size_t channel = 0; channel < channels; ++channel) {
    for (std::size_t f = 0; f < c.filters; ++f) visit(f / filters * channels + channel, channel * c.filters + f, f);
  }
}

inline Values forward(const Conv& c, const Values& images, const Values& weights, const real* bias,
                      Activation activation) {
  Values out(output_size(c));
  each_tap(c, [&](std::size_t image, std::size_t weight, std::size_t output) {
    each_pair(c, [&](std::size_t channel, std::size_t pair, std::size_t f) {
      out[output + f] = std::fma(images[image + channel], weights[weight + pair], out[output + f]);
    });
  });
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (bias != nullptr) out[i] = out[i] + bias[i % c.filters];
    if (activation == Activation::relu && out[i] < 0) out[i] = 0;
  }
  return out;
}

inline Values weight_gradient(const Conv& c, const Values& images, const Values& gradient) {
  Values out(weight_size(c));
  each_tap(c, [&](std::size_t image, std::size_t weight, std::size_t output) {
    each_pair(c, [&](std::size_t channel, std::size_t pair, std::size_t f) {
      out[weight + pair] = std::fma(images[image + channel], gradient[output + f], out[weight + pair]);
    });
  });
  return out;
}

inline Values bias_gradient(const Conv& c, const Values& gradient) {
  Values out(c.filters);
  for (std::size_t i = 0; i < gradient.size(); ++i) out[i % c.filters] += gradient[i];
  return out;
}

inline Values input_gradient(const Conv& c, const Values& gradient, const Values& weights) {
  // Kernel rows and columns outermost: each element then meets its taps in the order of the specification.
  Values out(image_size(c));
  for (std::size_t row = 0; row < c.kernel_height; ++row) {
    for (std::size_t column = 0; column < c.kernel_width; ++column) {
      const std::size_t tap = (row * c.kernel_width + column) * (c.channels / c.groups) * c.filters;
      each_tap(c, [&](std::size_t image, std::size_t weight, std::size_t output) {
        if (weight != tap) return;
        each_pair(c, [&](std::size_t channel, std::size_t pair, std::size_t f) {
          out[image + channel] = std::fma(gradient[output + f], weights[weight + pair], out[image + channel]);
        });
      });
    }
  }
  return out;
}

inline std::string describe(const Conv& c) {
  const auto by = [](std::size_t a, std::size_t b) { return std::to_string(a) + "x" + std::to_string(b); };
  return std::to_string(c.samples) + " of " + by(c.height, c.width) + "x" + std::to_string(c.channels) + ", " +
         std::to_string(c.filters) + " filters " + by(c.kernel_height, c.kernel_width) + ", stride " +
         by(c.stride_height, c.stride_width) + ", pad " + by(c.pad_top, c.pad_left) + ", out " +
         by(c.out_height, c.out_width) + ", dilation " + by(c.dilation_height, c.dilation_width) + ", " +
         std::to_string(c.groups) + " groups";
}

/// Everything the kernels compute of one shape.
struct Results {
  Values plain, biased, input, weight, bias;
};

struct Operands {
  Values images, weights, gradient, bias;
};

inline Operands operands(const Conv& c, std::uint64_t seed, bool wild) {
  Numbers numbers(seed);
  Operands made;
  made.images = numbers.values(image_size(c), wild);
  made.weights = numbers.values(weight_size(c), wild);
  made.gradient = numbers.values(output_size(c), wild);
  made.bias = numbers.values(c.filters, wild);
  return made;
}

inline Results naive(const Conv& c, const Operands& o) {
  return Results{forward(c, o.images, o.weights, nullptr, Activation::none),
                 forward(c, o.images, o.weights, o.bias.data(), Activation::relu),
                 input_gradient(c, o.gradient, o.weights), weight_gradient(c, o.images, o.gradient),
                 bias_gradient(c, o.gradient)};
}

inline Values gated(Values gradient, const Values& gate) {
  for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] = gate[i] > 0 ? gradient[i] : real(0);
  return gradient;
}

inline void expect_kernels_equal(const Conv& c, const Operands& o, const Results& expected, const std::string& what) {
  Guarded packed(forward_pack_size(c)), out(output_size(c));
  pack_forward(c, o.weights.data(), packed.data());
  conv_forward(c, o.images.data(), packed.data(), nullptr, Activation::none, out.data());
  expect_same(expected.plain, out.values(), what + ", forward");
  conv_forward(c, o.images.data(), packed.data(), o.bias.data(), Activation::relu, out.data());
  expect_same(expected.biased, out.values(), what + ", forward with bias and relu");
  conv_forward(c, o.images.data(), {o.weights.data(), packed.data()}, o.bias.data(), Activation::relu, out.data());
  expect_same(expected.biased, out.values(), what + ", forward with weights as they are");

  Guarded back(backward_pack_size(c)), dx(image_size(c));
  pack_backward(c, o.weights.data(), back.data());
  conv_input_gradient(c, o.gradient.data(), back.data(), nullptr, dx.data());
  expect_same(expected.input, dx.values(), what + ", input gradient");
  conv_input_gradient(c, o.gradient.data(), back.data(), o.images.data(), dx.data());
  expect_same(gated(expected.input, o.images), dx.values(), what + ", input gradient behind a gate");
  conv_input_gradient(c, o.gradient.data(), {o.weights.data(), back.data()}, nullptr, dx.data());
  expect_same(expected.input, dx.values(), what + ", input gradient with weights as they are");

  Guarded dw(weight_size(c)), db(c.filters);
  conv_weight_gradient(c, o.images.data(), o.gradient.data(), dw.data(), db.data());
  expect_same(expected.weight, dw.values(), what + ", weight gradient");
  expect_same(expected.bias, db.values(), what + ", bias gradient");
  conv_weight_gradient(c, o.images.data(), o.gradient.data(), dw.data(), nullptr);
  expect_same(expected.weight, dw.values(), what + ", weight gradient alone");

  for (const Guarded* buffer : {&packed, &out, &back, &dx, &dw, &db}) {
    EXPECT_TRUE(buffer->intact()) << what << " wrote outside its buffer";
  }
}

/// Everything the kernels compute of these shapes, by every set and on several threads.
inline void expect_plain_loops(const std::vector<Conv>& shapes) {
  if (!kernels::reproducible()) GTEST_SKIP() << kernels::reservation();
  const Setting setting;
  struct Case {
    Conv conv;
    Operands operands;
    Results expected;
  };
  std::vector<Case> cases;
  for (const Conv& c : shapes) {
    const bool wild = cases.size() % 3 == 2;
    Operands o = operands(c, cases.size(), wild);
    Results expected = naive(c, o);
    cases.push_back(Case{c, std::move(o), std::move(expected)});
  }
  for (const std::string& set : available()) {
    select(set);
    for (const std::size_t threads : {1u, 2u, 3u}) {
      if (set == "portable" && threads == 2) continue;  // slow, and nothing new
      set_thread_count(threads);
      for (const Case& each : cases) {
        expect_kernels_equal(each.conv, each.operands, each.expected,
                             describe(each.conv) + ", " + set + ", " + std::to_string(threads) + " threads");
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }
}

}  // namespace hans::kernels
