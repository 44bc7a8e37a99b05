// Convolutions in groups, with dilation and transposed, and pooling with padding, against plain loops: equal to the
// last bit for every set and thread count. And what the operations refuse.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <hans/autodiff/grad.hpp>
#include <hans/autodiff/ops.hpp>
#include <hans/core/error.hpp>
#include <hans/core/rng.hpp>
#include <hans/core/text.hpp>

#include "conv_testing.hpp"

namespace hans::kernels::conv_variants_test {
namespace {

/// Groups, channels and filters of each kind: one group, few, one for each channel, and more filters than channels.
struct Grouping {
  std::size_t channels, filters, groups;
};
constexpr Grouping groupings[]{{1, 3, 1}, {10, 4, 1},   {37, 17, 1},  {10, 6, 2},   {18, 36, 2},  {3, 6, 3},
                               {3, 3, 3}, {10, 10, 10}, {37, 37, 37}, {10, 20, 10}, {96, 96, 96}, {30, 27, 3}};

std::vector<Conv> shapes() {
  const std::vector<std::pair<Dimension, Dimension>> places{
      {{7, 3, 1, 1, 1, 1}, {6, 3, 1, 1, 1, 1}},  {{7, 3, 1, 0, 0, 1}, {11, 5, 1, 0, 0, 1}},
      {{9, 3, 2, 1, 0, 1}, {8, 2, 2, 0, 1, 1}},  {{9, 3, 1, 2, 2, 2}, {8, 2, 1, 0, 3, 3}},
      {{9, 3, 2, 2, 1, 2}, {10, 3, 2, 3, 2, 3}}, {{8, 2, 3, 0, 1, 2}, {9, 3, 3, 4, 0, 3}},
      {{4, 3, 1, 5, 3, 3}, {3, 2, 2, 2, 2, 2}},  {{5, 1, 1, 0, 0, 2}, {6, 1, 2, 0, 0, 1}},
      {{2, 2, 1, 0, 1, 2}, {2, 2, 1, 0, 0, 1}},  {{12, 2, 4, 1, 0, 6}, {13, 3, 6, 2, 1, 4}}};
  std::vector<Conv> all;
  for (const auto& place : places) {
    for (const Grouping& g : groupings) {
      all.push_back(conv(1 + all.size() % 3, g.channels, g.filters, place.first, place.second, g.groups));
    }
  }
  all.push_back(conv(17, 3, 3, places[0].first, places[3].second, 3));
  all.push_back(conv(33, 2, 4, places[4].first, places[5].second));  // lanes across samples
  all.push_back(conv(2, 64, 64, {14, 3, 1, 1, 1}, {14, 3, 1, 1, 1}, 64));
  return all;
}

TEST(ConvVariants, EqualPlainLoops) { expect_plain_loops(shapes()); }

// --- operations -----------------------------------------------------------------------------------------

Tensor tensor(const Shape& shape, std::uint64_t seed) {
  return Tensor(shape, Numbers(seed).values(shape.elements(), false));
}
Values values_of(const Tensor& t) { return {t.values().begin(), t.values().end()}; }

struct Made {
  Tensor value;
  std::vector<Tensor> gradients;
};

Made differentiated(const std::vector<Tensor>& inputs, const std::function<Var(std::span<const Var>)>& f,
                    const Tensor& seed) {
  Tape tape;
  Made made{{}, std::vector<Tensor>(inputs.size())};
  made.value = value_and_grads(tape, f, inputs, seed, made.gradients);
  return made;
}

Window window_of(const Conv& c, const Dimension& down, const Dimension& across) {
  return {down.stride,    across.stride, down.pad,        down.pad_end, across.pad,
          across.pad_end, down.dilation, across.dilation, c.groups};
}

TEST(ConvVariants, TransposedAreTheTranspose) {
  if (!kernels::reproducible()) GTEST_SKIP() << kernels::reservation();
  const Setting setting;
  const std::vector<std::pair<Dimension, Dimension>> places{{{4, 3, 1, 1, 1, 1}, {6, 3, 1, 1, 1, 1}},
                                                            {{9, 3, 2, 1, 0, 1}, {8, 2, 2, 0, 1, 1}},
                                                            {{9, 3, 2, 2, 1, 2}, {10, 3, 2, 3, 2, 3}},
                                                            {{8, 2, 3, 0, 0, 1}, {9, 3, 3, 4, 0, 3}}};
  for (const auto& [down, across] : places) {
    for (const Grouping& g : groupings) {
      const Conv c = conv(2, g.channels, g.filters, down, across, g.groups);
      const Window window = window_of(c, down, across);
      const Tensor x = tensor({2, c.out_height, c.out_width, c.filters}, 1);
      const Tensor w = tensor({c.kernel_height, c.kernel_width, c.channels / c.groups, c.filters}, 2);
      const Tensor bias = tensor({c.channels}, 3), seed = tensor({2, c.height, c.width, c.channels}, 4);
      const Values y = input_gradient(c, values_of(x), values_of(w));
      Values with_bias = y;
      for (std::size_t i = 0; i < y.size(); ++i) with_bias[i] = y[i] + bias.data()[i % c.channels];
      const Values dx = forward(c, values_of(seed), values_of(w), nullptr, Activation::none);
      const Values dw = weight_gradient(c, values_of(seed), values_of(x));
      for (const std::string& set : available()) {
        select(set);
        for (const std::size_t threads : {1u, 3u}) {
          set_thread_count(threads);
          const std::string what = describe(c) + ", " + set + ", " + std::to_string(threads) + " threads";
          const Made plain = differentiated(
              {x, w}, [&](auto v) { return conv_transpose2d(v[0], v[1], {}, window, c.height, c.width); }, seed);
          expect_same(y, values_of(plain.value), what);
          expect_same(dx, values_of(plain.gradients[0]), what + ", input gradient");
          expect_same(dw, values_of(plain.gradients[1]), what + ", weight gradient");
          const Made biased = differentiated(
              {x, w, bias}, [&](auto v) { return conv_transpose2d(v[0], v[1], v[2], window, c.height, c.width); },
              seed);
          expect_same(with_bias, values_of(biased.value), what + ", with bias");
          EXPECT_TRUE(identical(biased.gradients[2], sum_to(seed, bias.shape()))) << what;
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

/// The same constant weights in several groupings on one tape, forward, back and transposed.
TEST(ConvVariants, ArrangedWeightsAreToldApart) {
  const Tensor weights = tensor({2, 2, 2, 12}, 5);
  Tape tape;
  for (const std::size_t groups : {1u, 2u, 3u, 6u, 12u, 1u, 6u}) {
    Window window{};
    window.groups = groups;
    const Tensor x = tensor({2, 4, 4, 2 * groups}, groups), z = tensor({2, 3, 3, 12}, groups);
    const auto f = [&](const Var& v) { return conv2d(v, v.tape().constant(weights), {}, window); };
    const auto back = [&](const Var& v) { return conv_transpose2d(v, v.tape().constant(weights), {}, window, 4, 4); };
    EXPECT_TRUE(identical(value_and_grad(tape, f, x).gradient, value_and_grad(f, x).gradient)) << groups;
    EXPECT_TRUE(identical(value_and_grad(tape, f, x).value, value_and_grad(f, x).value)) << groups;
    EXPECT_TRUE(identical(value_and_grad(tape, back, z).gradient, value_and_grad(back, z).gradient)) << groups;
    EXPECT_TRUE(identical(value_and_grad(tape, back, z).value, value_and_grad(back, z).value)) << groups;
  }
}

// --- pooling --------------------------------------------------------------------------------------------

struct Pooled {
  Values maximum, maximum_gradient, average, average_gradient;
};

Pooled pooled(const Shape& in, const PoolWindow& w, bool count_padding, const Values& x, const Shape& out,
              const Values& seed) {
  Pooled made{Values(out.elements()), Values(x.size()), Values(out.elements()), Values(x.size())};
  for (std::size_t o = 0; o < out.elements(); ++o) {
    const std::size_t channel = o % in[3], left = o / in[3] % out[2] * w.stride_width;
    const std::size_t top = o / in[3] / out[2] % out[1] * w.stride_height, sample = o / out.row_elements();
    std::vector<std::size_t> inside;
    std::size_t count = 0;
    for (std::size_t y = top; y < top + w.kernel_height; ++y) {
      for (std::size_t x_at = left; x_at < left + w.kernel_width; ++x_at) {
        if (y < in[1] + w.pad_top + w.pad_bottom && x_at < in[2] + w.pad_left + w.pad_right) ++count;
        if (y < w.pad_top || y >= in[1] + w.pad_top || x_at < w.pad_left || x_at >= in[2] + w.pad_left) continue;
        inside.push_back(((sample * in[1] + y - w.pad_top) * in[2] + x_at - w.pad_left) * in[3] + channel);
      }
    }
    const real divisor = static_cast<real>(count_padding ? count : inside.size());
    std::size_t best = inside[0];
    real total = 0;
    for (const std::size_t i : inside) {
      if (x[i] > x[best]) best = i;
      total += x[i];
      made.average_gradient[i] += seed[o] / divisor;
    }
    made.maximum[o] = x[best];
    made.maximum_gradient[best] += seed[o];
    made.average[o] = total / divisor;
  }
  return made;
}

TEST(ConvVariants, PoolingEqualsPlainLoops) {
  const Setting setting;
  struct Case {
    std::size_t height, width;
    PoolWindow window;
  };
  const std::vector<Case> cases{{6, 8, {2, 2, 2, 2}},
                                {7, 9, {3, 2, 1, 2}},
                                {5, 6, {3, 3, 1, 1, 1, 1, 1, 1}},
                                {7, 8, {3, 3, 2, 2, 1, 1, 1, 1}},
                                {7, 5, {2, 3, 2, 1, 0, 1, 2, 0}},
                                {6, 6, {3, 3, 2, 2, 0, 0, 0, 0, 1, 1}},  // ONNX's ceil_mode
                                {6, 7, {4, 3, 3, 2, 1, 1, 1, 0, 2, 1}},
                                {4, 5, {4, 5}},                    // global
                                {2, 3, {7, 6, 1, 1, 3, 2, 2, 1}},  // windows larger than the image
                                {9, 9, {1, 2, 4, 5}}};
  for (const Case& each : cases) {
    const PoolWindow& w = each.window;
    for (const std::size_t channels : {1u, 3u, 10u, 37u}) {
      const Shape in{3, each.height, each.width, channels};
      const auto outputs = [](std::size_t padded, std::size_t kernel, std::size_t stride) {
        return (padded - kernel) / stride + 1;
      };
      const Shape out{3, outputs(in[1] + w.pad_top + w.pad_bottom + w.beyond_bottom, w.kernel_height, w.stride_height),
                      outputs(in[2] + w.pad_left + w.pad_right + w.beyond_right, w.kernel_width, w.stride_width),
                      channels};
      Tensor x = tensor(in, channels);
      for (std::size_t i = 0; i < x.size(); i += 3) x.mutable_data()[i] = -std::abs(x.data()[i]);
      const Tensor seed = tensor(out, 8);
      for (const bool count_padding : {false, true}) {
        const Pooled expected = pooled(in, w, count_padding, values_of(x), out, values_of(seed));
        for (const std::string& set : available()) {
          select(set);
          for (const std::size_t threads : {1u, 2u, 3u}) {
            set_thread_count(threads);
            const std::string what = text(in, " ", w.kernel_height, "x", w.kernel_width, "/", w.stride_height, "x",
                                          w.stride_width, " ", set, " ", threads, count_padding ? " counting" : "");
            const Made largest = differentiated(
                {x}, [&](auto v) { return max_pool2d(v[0], w); }, seed);
            const Made mean = differentiated(
                {x}, [&](auto v) { return average_pool2d(v[0], w, count_padding); }, seed);
            ASSERT_EQ(largest.value.shape(), out) << what;
            expect_same(expected.maximum, values_of(largest.value), what + " maximum");
            expect_same(expected.maximum_gradient, values_of(largest.gradients[0]), what + " maximum's gradient");
            expect_same(expected.average, values_of(mean.value), what + " average");
            expect_same(expected.average_gradient, values_of(mean.gradients[0]), what + " average's gradient");
            if (HasFatalFailure()) return;
          }
        }
      }
    }
  }
}

// --- what is refused ------------------------------------------------------------------------------------

TEST(ConvVariants, WrongArgumentsAreRefused) {
  constexpr std::size_t largest = std::numeric_limits<std::size_t>::max();
  Tape tape;
  const auto zeros = [&tape](const Shape& shape) { return tape.constant(Tensor(shape)); };
  const Var image = zeros({1, 4, 4, 6}), kernel = zeros({3, 3, 3, 4}), small = zeros({1, 2, 2, 4});
  const auto window = [](std::size_t dilation, std::size_t groups) {
    Window made{};
    made.dilation_height = made.dilation_width = dilation;
    made.groups = groups;
    return made;
  };
  const auto back = [&](const Window& w, std::size_t height, std::size_t width) {
    (void)conv_transpose2d(small, kernel, {}, w, height, width);
  };
  const auto pool = [&](const PoolWindow& w) { (void)max_pool2d(image, w); };
  const auto mean = [&](const PoolWindow& w) { (void)average_pool2d(image, w, true); };
  struct Case {
    std::string says;  // the values belong into the message
    std::function<void()> call;
  };
  const std::vector<Case> cases{
      {"0 groups", [&] { (void)conv2d(image, kernel, {}, window(1, 0)); }},
      {"3 groups of 4 filters", [&] { (void)conv2d(image, kernel, {}, window(1, 3)); }},
      {"1x4x4x6", [&] { (void)conv2d(image, kernel, {}, window(1, 1)); }},
      {"4 groups have 6 / 4",
       [&] {
         (void)conv2d(image, zeros({3, 3, 1, 4}), {}, window(1, 4));
       }},
      {text(largest, " groups"), [&] { (void)conv2d(image, kernel, {}, window(1, largest)); }},
      {"dilation of 0", [&] { (void)conv2d(image, kernel, {}, window(0, 2)); }},
      {"3x3 kernel with taps 2x2 apart does not fit", [&] { (void)conv2d(image, kernel, {}, window(2, 2)); }},
      {text(largest, "x", largest, " apart"), [&] { (void)conv2d(image, kernel, {}, window(largest, 2)); }},
      {text(largest / 2 + 1, "x"), [&] { (void)conv2d(image, kernel, {}, window(largest / 2 + 1, 2)); }},
      {"not 1x2x2x4 and 3x3x3x5",
       [&] {
         (void)conv_transpose2d(small, zeros({3, 3, 3, 5}), {}, {}, 4, 4);
       }},
      {"not 2x4 and",
       [&] {
         (void)conv_transpose2d(zeros({2, 4}), kernel, {}, {}, 4, 4);
       }},
      {"turns 5x4 into 3x2", [&] { back({}, 5, 4); }},
      {"does not fit a padded image of 2x4", [&] { back({}, 2, 4); }},
      {"0x0", [&] { back({}, 0, 0); }},
      {text(largest), [&] { back({}, largest, largest); }},
      {"stride of 0",
       [&] {
         back({0, 1}, 4, 4);
       }},
      {"3 groups", [&] { back(window(1, 3), 4, 4); }},
      {"6 outputs need as many biases, not 3",
       [&] { (void)conv_transpose2d(small, kernel, zeros({3}), window(1, 2), 4, 4); }},
      {text("2 groups of ", largest / 2),
       [&] {
         (void)conv_transpose2d(zeros({0, 2, 2, 0}), zeros({1, 1, largest / 2, 0}), {}, window(1, 2), 2, 2);
       }},
      {"4x4x6",
       [&] {
         (void)max_pool2d(zeros({4, 4, 6}), PoolWindow{2, 2});
       }},
      {"0x2 window",
       [&] {
         pool({0, 2});
       }},
      {"stride 1x0",
       [&] {
         pool({2, 2, 1, 0});
       }},
      {"5x1 window",
       [&] {
         pool({5, 1});
       }},
      {"2x2 window",
       [&] {
         pool({2, 2, 1, 1, 2, 0, 0, 0});
       }},
      {"2x2 window",
       [&] {
         pool({2, 2, 1, 1, 0, 0, 0, 2});
       }},
      {"2x2 window",
       [&] {
         mean({2, 2, 2, 2, 0, 0, 0, 0, 0, 2});
       }},
      {text(largest),
       [&] {
         mean({2, 2, 1, 1, largest, 1, 0, 0});
       }},
      {text(largest - 3),
       [&] {
         mean({2, 2, 1, 1, 0, 0, 0, 0, 0, largest - 3});
       }},
      {text(largest),
       [&] {
         mean({largest, 1});
       }},
  };
  for (const Case& each : cases) {
    try {
      each.call();
      ADD_FAILURE() << each.says << ": accepted";
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_NE(message.find(each.says), std::string::npos) << message;
      EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    }
  }
}

/// Steps and distances that make no difference may be as large as they like, and nothing may be there at all.
TEST(ConvVariants, LargeStepsAndEmptyBatches) {
  constexpr std::size_t largest = std::numeric_limits<std::size_t>::max();
  const Tensor x = tensor({1, 4, 4, 1}, 1), w = tensor({1, 1, 1, 1}, 2), seed = tensor({1, 1, 1, 1}, 3);
  const Made wide = differentiated(
      {x, w},
      [&](auto v) {
        return conv2d(v[0], v[1], {}, {largest, largest, 0, 0, 0, 0, largest, largest});
      },
      seed);
  const Made plain = differentiated(
      {x, w},
      [&](auto v) {
        return conv2d(v[0], v[1], {}, {4, 4});
      },
      seed);
  EXPECT_TRUE(identical(wide.value, plain.value));
  EXPECT_TRUE(identical(wide.gradients[0], plain.gradients[0]));
  EXPECT_TRUE(identical(wide.gradients[1], plain.gradients[1]));
  const Made pooled_once = differentiated(
      {x},
      [&](auto v) {
        return average_pool2d(v[0], {2, 2, largest, largest}, false);
      },
      seed);
  EXPECT_EQ(pooled_once.gradients[0].data()[0], seed.data()[0] / 4);

  for (const std::size_t groups : {1u, 2u, 6u}) {
    Window window{1, 1, 1, 1, 1, 1};
    window.groups = groups;
    const std::vector<Tensor> inputs{Tensor(Shape{0, 4, 4, 6}), tensor({3, 3, 6 / groups, 6}, 1), tensor({6}, 2)};
    const Made none = differentiated(
        inputs, [&](auto v) { return conv2d(v[0], v[1], v[2], window); }, Tensor(Shape{0, 4, 4, 6}));
    EXPECT_TRUE(identical(none.gradients[1], Tensor(inputs[1].shape())));
    EXPECT_TRUE(identical(none.gradients[2], Tensor(inputs[2].shape())));
    window.pad_bottom = std::size_t{1} << 40;  // nothing of which is ever looked at
    Tape tape;
    EXPECT_EQ(conv2d(tape.constant(inputs[0]), tape.constant(inputs[1]), {}, window).shape()[0], 0U);
  }
}

}  // namespace
}  // namespace hans::kernels::conv_variants_test
