// Epilogues of a convolution (factor, summand, addition, relu, pooling) and batch normalisation against plain loops:
// equal to the last bit for every set and thread count.
#include <hans/core/kernels.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "conv_testing.hpp"

namespace hans::kernels::epilogue_test {
namespace {

template <class Body>
void for_sets_and_threads(Body body) {
  const Setting setting;
  for (const std::string& set : available()) {
    select(set);
    for (const std::size_t threads : {1u, 2u, 3u}) {
      set_thread_count(threads);
      body(set + ", " + std::to_string(threads) + " threads");
    }
  }
}

/// A shape, and how the windows of a pooling epilogue it lie.
struct Case {
  Conv conv;
  std::size_t kernel, stride;
};

std::vector<Case> cases() {
  return {{conv(3, 1, 32, {8, 3, 1, 1, 1}, {8, 3, 1, 1, 1}), 2, 2},
          {conv(2, 16, 16, {9, 3, 1, 1, 1}, {7, 3, 1, 1, 1}), 2, 2},
          {conv(5, 3, 16, {7, 3, 1, 0, 0}, {8, 3, 1, 1, 1}), 3, 1},
          {conv(2, 5, 37, {8, 3, 2, 1, 1}, {9, 2, 1, 0, 1}), 4, 4},
          {conv(2, 33, 64, {6, 5, 1, 2, 2}, {6, 5, 1, 2, 2}), 3, 3},
          {conv(3, 8, 20, {4, 1, 1, 0, 0}, {4, 1, 1, 0, 0}), 2, 1},
          {conv(2, 6, 9, {5, 3, 1, 1, 1}, {5, 3, 1, 1, 1}, 3), 2, 2},
          {conv(2, 7, 7, {5, 3, 1, 1, 1}, {5, 3, 1, 1, 1}, 7), 2, 2}};
}

Pooling pooling(const Case& of) {
  Pooling p;
  p.samples = of.conv.samples;
  p.height = of.conv.out_height;
  p.width = of.conv.out_width;
  p.channels = of.conv.filters;
  p.kernel_height = p.kernel_width = of.kernel;
  p.stride_height = p.stride_width = of.stride;
  p.out_height = (p.height - of.kernel) / of.stride + 1;
  p.out_width = (p.width - of.kernel) / of.stride + 1;
  return p;
}

TEST(Epilogue, EqualsWhatComesBehindOneAfterTheOther) {
  for (const Case& each : cases()) {
    const Conv& c = each.conv;
    const Operands o = operands(c, 5, true);
    Numbers numbers(6);
    const Values factor = numbers.values(c.filters, true), summand = numbers.values(c.filters, true);
    const Values added = numbers.values(output_size(c), true);
    const Values plain = forward(c, o.images, o.weights, o.bias.data(), Activation::none);
    const Pooling p = pooling(each);
    for (unsigned parts = 0; parts < 16; ++parts) {
      Epilogue epilogue = (parts & 8u) != 0 ? Activation::relu : Activation::none;
      if ((parts & 1u) != 0) epilogue.factor = factor.data();
      if ((parts & 2u) != 0) epilogue.summand = summand.data();
      if ((parts & 4u) != 0) epilogue.added = added.data();
      Values expected = plain;
      for (std::size_t i = 0; i < expected.size(); ++i) {
        real& value = expected[i];
        if (epilogue.factor != nullptr) value = value * factor[i % c.filters];
        if (epilogue.summand != nullptr) value = value + summand[i % c.filters];
        if (epilogue.added != nullptr) value = value + added[i];
        if (epilogue.activation == Activation::relu && value < 0) value = 0;
      }
      Values largest(p.samples * p.out_height * p.out_width * p.channels);
      max_pool(p, expected.data(), largest.data());
      for_sets_and_threads([&](const std::string& how) {
        const std::string what = describe(c) + ", parts " + std::to_string(parts) + ", " + how;
        Guarded packed(forward_pack_size(c)), out(expected.size()), pooled(largest.size());
        pack_forward(c, o.weights.data(), packed.data());
        conv_forward(c, o.images.data(), packed.data(), o.bias.data(), epilogue, out.data());
        expect_same(expected, out.values(), what);
        conv_max_pool(c, o.images.data(), packed.data(), o.bias.data(), epilogue, p, pooled.data());
        expect_same(largest, pooled.values(), what + ", pooled");
      });
    }
  }
}

/// 16 partial sums of the rows' numbers of one channel, and their tree.
template <class Summand>
real sum_of(std::size_t rows, Summand summand) {
  std::array<real, 16> parts{};
  for (std::size_t row = 0; row < rows; ++row) parts[row % 16] += summand(row);
  for (std::size_t half = 8; half > 0; half /= 2) {
    for (std::size_t k = 0; k < half; ++k) parts[k] += parts[k + half];
  }
  return parts[0];
}

struct Normed {
  Values mean, variance, deviation, y, bias, scale, centred, of_mean;
  explicit Normed(std::size_t rows, std::size_t channels)
      : mean(channels),
        variance(channels),
        deviation(channels),
        y(rows * channels),
        bias(channels),
        scale(channels),
        centred(rows * channels),
        of_mean(channels) {}
};

Normed plain_loops(std::size_t rows, std::size_t channels, const Values& x, const Values& scale, const Values& bias,
                   real eps, const Values& g) {
  Normed made(rows, channels);
  const auto count = static_cast<real>(rows);
  for (std::size_t c = 0; c < channels; ++c) {
    const auto at = [&](std::size_t row) { return row * channels + c; };
    const real mean = sum_of(rows, [&](std::size_t row) { return x[at(row)]; }) / count;
    const auto centred = [&](std::size_t row) { return x[at(row)] - mean; };
    const real variance = sum_of(rows, [&](std::size_t row) { return centred(row) * centred(row); }) / count;
    const real deviation = std::sqrt(variance + eps);
    const auto unit = [&](std::size_t row) { return centred(row) / deviation; };
    const auto share = [&](std::size_t row) { return g[at(row)] * scale[c] / deviation; };
    made.mean[c] = mean;
    made.variance[c] = variance;
    made.deviation[c] = deviation;
    made.bias[c] = sum_of(rows, [&](std::size_t row) { return g[at(row)]; });
    made.scale[c] = sum_of(rows, [&](std::size_t row) { return g[at(row)] * unit(row); });
    const real of_deviation = sum_of(rows, [&](std::size_t row) { return -(share(row) * unit(row)); });
    const real spread = of_deviation / (deviation + deviation) / count;
    for (std::size_t row = 0; row < rows; ++row) {
      const real value = unit(row) * scale[c] + bias[c];
      made.y[at(row)] = value < 0 ? real(0) : value;
      made.centred[at(row)] = share(row) + spread * centred(row) + spread * centred(row);
    }
    made.of_mean[c] = sum_of(rows, [&](std::size_t row) { return -made.centred[at(row)]; }) / count;
  }
  return made;
}

TEST(BatchNorms, EqualPlainLoops) {
  const std::vector<std::array<std::size_t, 2>> shapes{{1, 3}, {7, 1}, {16, 16}, {33, 5}, {100, 37}, {70, 256}};
  for (const auto& extents : shapes) {
    const std::size_t rows = extents[0], channels = extents[1];  // clang 14 lets no lambda use structured bindings
    Numbers numbers(7);
    const Values x = numbers.values(rows * channels, false), g = numbers.values(rows * channels, false);
    const Values scale = numbers.values(channels, false), bias = numbers.values(channels, false);
    const real eps = static_cast<real>(0.001F);
    const Normed expected = plain_loops(rows, channels, x, scale, bias, eps, g);
    const std::string shape = std::to_string(rows) + " x " + std::to_string(channels) + ", ";
    for_sets_and_threads([&](const std::string& how) {
      Normed got(rows, channels);
      const Batch batch{rows,
                        channels,
                        x.data(),
                        scale.data(),
                        bias.data(),
                        got.mean.data(),
                        got.variance.data(),
                        got.deviation.data()};
      Guarded y(x.size()), centred(x.size());
      batch_norm(batch, eps, Activation::relu, y.data());
      batch_norm_gradient(batch, g.data(), got.bias.data(), got.scale.data(), centred.data(), got.of_mean.data());
      expect_same(expected.mean, got.mean, shape + "mean, " + how);
      expect_same(expected.variance, got.variance, shape + "variance, " + how);
      expect_same(expected.deviation, got.deviation, shape + "deviation, " + how);
      expect_same(expected.y, y.values(), shape + "y, " + how);
      expect_same(expected.bias, got.bias, shape + "bias's gradient, " + how);
      expect_same(expected.scale, got.scale, shape + "scale's gradient, " + how);
      expect_same(expected.centred, centred.values(), shape + "gradient of what is centred, " + how);
      expect_same(expected.of_mean, got.of_mean, shape + "mean's gradient, " + how);
    });
  }
}

}  // namespace
}  // namespace hans::kernels::epilogue_test
