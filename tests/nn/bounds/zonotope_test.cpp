// The bound method `zonotope` equals affine forms that are pushed forward in double: two directions, the same numbers.
#include <hans/nn/bounds.hpp>

#include <gtest/gtest.h>

#include <hans/nn/evaluate.hpp>
#include <hans/nn/walk.hpp>

#include "../network_testing.hpp"
#include "bounds_testing.hpp"

namespace hans::zonotope_test {
namespace {

using namespace bounds_testing;
using network_testing::random_images;
using Row = std::vector<double>;

/// A value: centre + columns * e, |e| <= 1, and intervals that hold as well. Values share the error terms.
struct Form {
  Row centre;
  std::vector<Row> columns;
  Row low, high;

  double radius(std::size_t unit) const {
    double sum = 0;
    for (const Row& column : columns) sum += std::abs(column[unit]);
    return sum;
  }
};

/// Pushes forms through dense layers, convolutions, relus and sums. `cut`: forms and intervals cut each other, as in
/// the library; else relus see the forms alone, as in the paper.
struct Forward {
  bool cut;
  std::size_t terms = 0;

  /// Applies y_j += w x_i for all calls of `products(visit)`, where visit(j, i, w).
  template <class Products>
  Form affine(const Form& x, std::size_t out, const Row& bias, Products products) const {
    Form y{bias, std::vector<Row>(x.columns.size(), Row(out)), bias, bias};
    products([&](std::size_t j, std::size_t i, double w) {
      y.centre[j] += w * x.centre[i];
      for (std::size_t k = 0; k < x.columns.size(); ++k) y.columns[k][j] += w * x.columns[k][i];
      y.low[j] += std::min(w * x.low[i], w * x.high[i]);
      y.high[j] += std::max(w * x.low[i], w * x.high[i]);
    });
    return y;
  }

  Form operator()(const nn::Linear&, const nn::LayerAt& at, std::span<Form> x) {
    const std::size_t in = at.weights()[0].shape()[0], out = at.weights()[0].shape()[1];
    const real *const w = at.weights()[0].data(), *const b = at.weights()[1].data();
    return affine(x[0], out, Row(b, b + out), [&](auto visit) {
      for (std::size_t i = 0; i < in; ++i) {
        for (std::size_t j = 0; j < out; ++j) visit(j, i, double{w[i * out + j]});
      }
    });
  }
  Form operator()(const nn::Conv2d& layer, const nn::LayerAt& at, std::span<Form> x) {
    const Shape in = at.in(), out = at.out(), taps = at.weights()[0].shape();
    const Window window = nn::window_of(layer, in);
    const real *const w = at.weights()[0].data(), *const b = at.weights()[1].data();
    Row bias;
    for (std::size_t j = 0; j < out.elements(); ++j) bias.push_back(double{b[j % out[2]]});
    return affine(x[0], out.elements(), bias, [&](auto visit) {
      for (std::size_t j = 0; j < out.elements(); ++j) {
        const std::size_t filter = j % out[2], column = j / out[2] % out[1], row = j / out[2] / out[1];
        for (std::size_t tap = 0; tap < taps[0] * taps[1] * taps[2]; ++tap) {
          const std::size_t channel = tap % taps[2], dx = tap / taps[2] % taps[1], dy = tap / taps[2] / taps[1];
          const std::size_t top = row * window.stride_height + dy - window.pad_top;
          const std::size_t left = column * window.stride_width + dx - window.pad_left;
          if (top >= in[0] || left >= in[1]) continue;
          visit(j, (top * in[1] + left) * in[2] + channel, double{w[tap * taps[3] + filter]});
        }
      }
    });
  }
  Form operator()(const nn::Add&, const nn::LayerAt&, std::span<Form> x) {
    Form sum = x[0];
    sum.columns.resize(terms, Row(sum.centre.size()));
    for (std::size_t i = 0; i < sum.centre.size(); ++i) {
      sum.centre[i] += x[1].centre[i];
      sum.low[i] += x[1].low[i];
      sum.high[i] += x[1].high[i];
      for (std::size_t k = 0; k < x[1].columns.size(); ++k) sum.columns[k][i] += x[1].columns[k][i];
    }
    return sum;
  }
  Form operator()(const nn::Relu&, const nn::LayerAt&, std::span<Form> x) {
    Form y = x[0];
    for (std::size_t i = 0; i < y.centre.size(); ++i) {
      double &l = y.low[i], &u = y.high[i];
      if (!cut || (l < 0 && u > 0)) {
        const double radius = y.radius(i), from = y.centre[i] - radius, to = y.centre[i] + radius;
        l = cut ? std::max(l, from) : from;
        u = cut ? std::min(u, to) : to;
      }
      const bool turns = l < 0 && u > 0;
      const double slope = turns ? u / (u - l) : l >= 0 ? 1 : 0, half = turns ? -slope * l / 2 : 0;
      y.centre[i] = slope * y.centre[i] + half;
      for (Row& column : y.columns) column[i] *= slope;
      if (turns) {
        y.columns.resize(++terms, Row(y.centre.size()));
        y.columns.back()[i] = half;
      }
      l = std::max(l, 0.0);
      u = std::max(u, 0.0);
    }
    y.columns.resize(terms, Row(y.centre.size()));
    return y;
  }
  Form operator()(const nn::Flatten&, const nn::LayerAt&, std::span<Form> x) { return x[0]; }
  Form operator()(const auto&, const nn::LayerAt& at, std::span<Form>) {
    throw Error(text("no form of layer ", at.position));
  }

  /// The lower bounds of the margins of one image.
  Row margins(const Sequential& net, const Tensor& image, std::size_t label, float eps) {
    Form x;
    terms = image.size();
    for (std::size_t i = 0; i < terms; ++i) {
      x.low.push_back(std::max(double{image.data()[i]} - double{eps}, 0.0));
      x.high.push_back(std::min(double{image.data()[i]} + double{eps}, 1.0));
      x.centre.push_back((x.low[i] + x.high[i]) / 2);
      x.columns.emplace_back(terms);
      x.columns[i][i] = (x.high[i] - x.low[i]) / 2;
    }
    const Form z = nn::walk_forward(net, std::move(x), *this);
    Row all;
    for (std::size_t j = 0; j < net.classes(); ++j) {
      double margin = z.centre[label] - z.centre[j];
      for (const Row& column : z.columns) margin -= std::abs(column[label] - column[j]);
      all.push_back(margin);
    }
    return all;
  }
};

TEST(Zonotope, IsTheAffineFormPushedForward) {
  std::size_t better = 0, worse = 0;  // than forms that intervals do not cut
  for (const char* architecture :
       {"4x4x1;flatten;linear:units=14;relu;linear:units=12;relu;linear:units=10;relu;linear:units=4",
        "8x8x2;conv2d:filters=4,kernel=3,stride=2,padding=1;relu;conv2d:filters=5,kernel=2;relu;flatten;"
        "linear:units=12;relu;linear:units=4",
        "4x4x1;conv2d:filters=3,kernel=3,padding=same;relu;conv2d:filters=3,kernel=2,padding=same;relu;"
        "conv2d:filters=3,kernel=2,padding=same;add:of=1/4;relu;flatten;linear:units=4"}) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
      const Sequential net = network(architecture, seed);
      const Tensor images = random_images(net.input().with_front(2));
      const std::vector<int> labels = nn::predict(net, images);
      for (const float eps : {0.0F, 0.01F, 0.05F, 0.2F}) {
        const nn::MarginBounds all = nn::bound_margins(net, images, labels, {Norm::linf, eps}, {BoundMethod::zonotope});
        for (std::size_t sample = 0; sample < labels.size(); ++sample) {
          const std::size_t label = static_cast<std::size_t>(labels[sample]);
          const Row cut = Forward{true}.margins(net, images.rows(sample, 1), label, eps);
          const Row plain = Forward{false}.margins(net, images.rows(sample, 1), label, eps);
          for (std::size_t j = 0; j < cut.size(); ++j) {
            if (j == label) continue;
            const double found = all.bound[sample * cut.size() + j], rounding = 1e-4 * std::max(1.0, std::abs(cut[j]));
            EXPECT_NEAR(found, cut[j], rounding) << architecture << ", seed " << seed << ", eps " << eps;
            better += found > plain[j] + rounding ? 1U : 0U;
            worse += found < plain[j] - rounding ? 1U : 0U;
          }
        }
      }
    }
  }
  EXPECT_GT(better, 5 * worse);
  EXPECT_GT(better, 10U);
  RecordProperty("better", static_cast<int>(better));
  RecordProperty("worse", static_cast<int>(worse));
}

}  // namespace
}  // namespace hans::zonotope_test
