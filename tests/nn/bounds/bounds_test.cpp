// Bounds of margins: never above a point of the set, equal to formulas written down again, the same bits everywhere.
#include <hans/nn/bounds.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include <hans/core/kernels.hpp>
#include <hans/core/parallel.hpp>
#include <hans/nn/evaluate.hpp>
#include <hans/nn/walk.hpp>

#include "../network_testing.hpp"
#include "bounds_testing.hpp"

namespace hans::bounds_test {
namespace {

using namespace bounds_testing;
using network_testing::logits;
using network_testing::random_images;
using nn::BoundOptions;
using nn::MarginBounds;

/// One of every kind of layer that bounds know, alone and together.
const std::vector<std::string> architectures{
    "2x2x1;flatten;linear:units=3",
    "3x3x1;flatten;linear:units=8;relu;linear:units=6;relu;linear:units=4",
    "6x6x1;conv2d:filters=3,kernel=3,stride=2,padding=1;relu;conv2d:filters=4,kernel=2,padding=same;relu;flatten;"
    "linear:units=5;relu;linear:units=3",
    "6x6x2;conv2d:filters=4,kernel=3,dilation=2,groups=2;leaky_relu:slope=0.1;flatten;linear:units=3",
    "3x3x2;conv_transpose2d:filters=2,kernel=3,stride=2,size=6,padding=1;relu;flatten;linear:units=3",
    "6x6x2;conv2d:filters=3,kernel=3;batch_norm;relu;average_pool2d:kernel=2;flatten;linear:units=3",
    "6x6x1;conv2d:filters=3,kernel=3;max_pool2d:kernel=2;relu;flatten;linear:units=3",
    "6x6x1;conv2d:filters=3,kernel=3;relu;max_pool2d:kernel=3,stride=1,padding=1;flatten;linear:units=3",
    "4x4x1;normalize:mean=0.3,std=0.4;conv2d:filters=4,kernel=3,padding=same;relu;conv2d:filters=4,kernel=3,"
    "padding=same;add:of=1/3;relu;flatten;linear:units=3",
    "2x3x1;flatten;linear:units=6;sigmoid;linear:units=5;tanh;linear:units=3",
    "2x3x1;flatten;linear:units=6;elu;linear:units=5;selu;linear:units=4;gelu;linear:units=3",
    "2x3x1;flatten;linear:units=6;softplus;linear:units=5;erf;linear:units=4;gelu:form=tanh;linear:units=3",
    "2x3x1;flatten;linear:units=6;clip:low=-0.2,high=0.5;linear:units=5;hard_sigmoid;linear:units=3",
    "2x3x1;flatten;linear:units=6;abs;linear:units=5;exp;linear:units=3",
    "2x3x1;flatten;linear:units=5;linear:units=5;maximum:of=1/2;linear:units=5;minimum:of=2/4;linear:units=3",
    "2x3x1;flatten;linear:units=6;negate;subtract:of=1/2;concat:axis=0,of=0/3;linear:units=3",
    "2x2x3;constant:shape=3;multiply:of=input/0;constant:shape=3;subtract:of=1/2;transpose:order=2/0/1;"
    "reduce:by=mean,axes=1;flatten;linear:units=3",
    "4x4x2;reduce:by=max,axes=0;relu;reduce:by=sum,axes=0;linear:units=3",
    "3x3x1;flatten;dropout:rate=0.5;linear:units=6;relu;linear:units=4;log_softmax"};

// No image that is drawn has a smaller margin than the bound says, whatever layers, method, slopes, norm and radius.
TEST(Bounds, AreBelowEveryPointOfTheSet) {
  for (std::size_t k = 0; k < architectures.size(); ++k) {
    const Sequential net = network(architectures[k], 11 + k);
    const Tensor images = random_images(net.input().with_front(2));
    const std::vector<int> labels = nn::predict(net, images);
    for (const Norm norm : {Norm::linf, Norm::l2, Norm::l1}) {
      for (const float eps : {0.0F, 0.02F, 0.3F, 2.0F}) {
        const Ball ball{norm, eps};
        std::vector<MarginBounds> all;
        for (const Method& method : methods) {
          all.push_back(nn::bound_margins(net, images, labels, ball, {method.method, method.slope, 5}));
        }
        Stream stream = Rng(k).stream("points");
        for (std::size_t sample = 0; sample < 2; ++sample) {
          const Tensor centre = images.rows(sample, 1);
          for (int draw = 0; draw < 12; ++draw) {
            const Tensor found = logits(net, point_of(centre, ball, draw % 2 == 0, stream));
            const std::size_t label = static_cast<std::size_t>(labels[sample]);
            for (std::size_t j = 0; j < net.classes(); ++j) {
              if (j == label) continue;
              const double margin = double{found.data()[label]} - double{found.data()[j]};
              for (std::size_t m = 0; m < all.size(); ++m) {
                const std::size_t at = sample * net.classes() + j;
                EXPECT_LE(all[m].float32_bound[at], all[m].bound[at]);
                EXPECT_LE(all[m].float32_bound[at], margin)
                    << architectures[k] << ", method " << m << ", norm " << static_cast<int>(norm) << ", eps " << eps;
              }
            }
          }
        }
      }
    }
  }
}

// With eps 0 the set is one image: the bound is its margin, but for rounding.
TEST(Bounds, OfASinglePointAreItsMargin) {
  for (std::size_t k = 0; k < architectures.size(); ++k) {
    const Sequential net = network(architectures[k], 3);
    const Tensor images = random_images(net.input().with_front(3));
    const std::vector<int> labels(3, 1);
    const Tensor found = logits(net, images);
    for (const Method& method : methods) {
      const MarginBounds all = nn::bound_margins(net, images, labels, {}, {method.method, method.slope});
      for (std::size_t at = 0; at < all.bound.size(); ++at) {
        if (at % net.classes() == 1) continue;
        const std::size_t row = at / net.classes() * net.classes();
        const double margin = double{found.data()[row + 1]} - double{found.data()[at]};
        EXPECT_NEAR(all.bound[at], margin, 2e-3 * std::max(1.0, std::abs(margin))) << architectures[k];
        EXPECT_NEAR(all.float32_bound[at], margin, 2e-3 * std::max(1.0, std::abs(margin))) << architectures[k];
      }
    }
  }
}

// --- the formulas written down again, for linear layers and relus, in plain loops of double ----------------------

struct Dense {
  std::size_t in, out;
  const real *weight, *bias;
};

using Row = std::vector<double>;

struct Again {
  std::vector<Dense> layers;
  Row low, high;  // of the image
  Slope slope;
  std::vector<Row> l = {}, u = {};  // of the inputs of each relu

  double back(Row row, double constant, std::size_t layer) const {
    while (true) {
      const Dense& d = layers[layer];
      Row before(d.in);
      for (std::size_t j = 0; j < d.out; ++j) {
        constant += row[j] * double{d.bias[j]};
        for (std::size_t i = 0; i < d.in; ++i) before[i] += row[j] * double{d.weight[i * d.out + j]};
      }
      if (layer == 0) {
        for (std::size_t i = 0; i < d.in; ++i) constant += std::min(before[i] * low[i], before[i] * high[i]);
        return constant;
      }
      --layer;
      for (std::size_t i = 0; i < d.in; ++i) {
        const double from = l[layer][i], to = u[layer][i], nu = before[i], chord = to / (to - from);
        double by = from >= 0 ? 1 : 0;
        if (from < 0 && to > 0) {
          const double below = slope == Slope::zero   ? 0
                               : slope == Slope::one  ? 1
                               : slope == Slope::same ? chord
                                                      : to > -from;
          by = nu >= 0 ? below : chord;
          if (nu < 0) constant -= nu * chord * from;
        }
        before[i] = nu * by;
      }
      row = before;
    }
  }

  void run() {
    Row below = low, above = high;
    for (std::size_t k = 0; k + 1 < layers.size(); ++k) {
      const Dense& d = layers[k];
      Row from(d.out), to(d.out);
      for (std::size_t j = 0; j < d.out; ++j) {
        from[j] = to[j] = double{d.bias[j]};
        for (std::size_t i = 0; i < d.in; ++i) {
          const double w = double{d.weight[i * d.out + j]};
          from[j] += std::min(w * below[i], w * above[i]);
          to[j] += std::max(w * below[i], w * above[i]);
        }
        if (!(from[j] < 0 && to[j] > 0)) continue;
        Row unit(d.out);
        unit[j] = 1;
        from[j] = std::max(from[j], back(unit, 0, k));
        unit[j] = -1;
        to[j] = std::min(to[j], -back(unit, 0, k));
      }
      below = from;
      above = to;
      for (double& each : below) each = std::max(each, 0.0);
      for (double& each : above) each = std::max(each, 0.0);
      l.push_back(from);
      u.push_back(to);
    }
  }
};

TEST(Bounds, EqualTheFormulasInDouble) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    const Sequential net = network(
        "4x4x1;flatten;linear:units=12;relu;linear:units=10;relu;linear:units=8;relu;"
        "linear:units=4",
        seed);
    const Tensor images = random_images(net.input().with_front(1));
    for (const float eps : {0.01F, 0.1F, 0.4F}) {
      for (const Slope slope : {Slope::adaptive, Slope::zero, Slope::one, Slope::same}) {
        Again again{{}, {}, {}, slope};
        for (const std::size_t layer : {1U, 3U, 5U, 7U}) {
          const std::span<const Tensor> w = net.weights(layer);
          again.layers.push_back({w[0].shape()[0], w[0].shape()[1], w[0].data(), w[1].data()});
        }
        for (const real x : images.values()) {
          again.low.push_back(std::max(double{x} - double{eps}, 0.0));
          again.high.push_back(std::min(double{x} + double{eps}, 1.0));
        }
        again.run();
        const std::vector<int> labels{2};
        const MarginBounds all = nn::bound_margins(net, images, labels, {Norm::linf, eps}, {BoundMethod::crown, slope});
        for (std::size_t j = 0; j < 4; ++j) {
          if (j == 2) continue;
          Row form(4);
          form[2] = 1;
          form[j] = -1;
          const double exact = again.back(form, 0, 3);
          EXPECT_LE(all.bound[j], exact + 2e-4 * std::max(1.0, std::abs(exact)));
          EXPECT_GE(all.bound[j], exact - 2e-4 * std::max(1.0, std::abs(exact))) << seed << " " << eps;
        }
      }
    }
  }
}

// A linear model's worst margin has a formula: the margin, less eps times the dual norm of the difference of weights.
TEST(Bounds, OfALinearModelAreExactInEveryNorm) {
  const Sequential net = network("3x3x1;flatten;linear:units=3", 5);
  const Tensor images = random_images(net.input().with_front(1));
  const Tensor found = logits(net, images), &w = net.weights()[0];
  for (const Norm norm : {Norm::linf, Norm::l2, Norm::l1}) {
    const std::vector<int> labels{0};
    const Ball ball{norm, 0.05F, -10, 10};
    const MarginBounds all = nn::bound_margins(net, images, labels, ball);
    for (std::size_t j = 1; j < 3; ++j) {
      double sum = 0, squares = 0, largest = 0;
      for (std::size_t i = 0; i < 9; ++i) {
        const double d = std::abs(double{w.data()[i * 3]} - double{w.data()[i * 3 + j]});
        sum += d;
        squares += d * d;
        largest = std::max(largest, d);
      }
      const double dual = norm == Norm::linf ? sum : norm == Norm::l2 ? std::sqrt(squares) : largest;
      EXPECT_NEAR(all.bound[j], double{found.data()[0]} - double{found.data()[j]} - double{0.05F} * dual, 2e-5);
    }
  }
}

// --- windows ------------------------------------------------------------------------------------------------------

/// Layers of one sample as one matrix and an offset each, found by unit images; relus stay.
Sequential as_matrices(const Sequential& net, const std::vector<std::string>& layers) {
  const auto extents = [](const Shape& shape) { return text(shape[0], "x", shape[1], "x", shape[2]); };
  std::string architecture = text("1x1x", net.input().elements(), ";flatten");
  std::vector<Tensor> weights;
  std::size_t weight = 0, buffer = 0, position = 0;
  Shape shape = net.input();
  for (const std::string& layer : layers) {
    position += layer.starts_with("flatten;") ? 2U : 1U;
    if (layer == "relu") {
      architecture += ";relu";
      continue;
    }
    Sequential one =
        Sequential::parse(extents(shape) + ";" + layer + (position == net.layers().size() ? "" : ";flatten"), Rng(1));
    for (Tensor& each : one.mutable_weights()) each = net.weights()[weight++];
    const auto mine = net.buffers().subspan(buffer, one.buffers().size());
    one.set_buffers({mine.begin(), mine.end()});
    buffer += mine.size();
    const std::size_t in = shape.elements();
    Tensor units(shape.with_front(in + 1));
    for (std::size_t i = 0; i < in; ++i) units.mutable_data()[i * in + i] = 1;
    const Tensor out = logits(one, units);
    const std::size_t size = out.size() / (in + 1);
    Tensor matrix({in, size}), offset({size});
    for (std::size_t j = 0; j < size; ++j) {
      offset.mutable_data()[j] = out.data()[in * size + j];
      for (std::size_t i = 0; i < in; ++i) {
        matrix.mutable_data()[i * size + j] = out.data()[i * size + j] - offset.data()[j];
      }
    }
    weights.push_back(matrix);
    weights.push_back(offset);
    architecture += text(";linear:units=", size);
    shape = nn::LayerAt{net, position - 1}.out();
  }
  Sequential dense = Sequential::parse(architecture, Rng(1));
  for (std::size_t k = 0; k < weights.size(); ++k) dense.mutable_weights()[k] = weights[k];
  return dense;
}

// Units of convolutions go back through windows; units of matrices do not. Both have the same bounds, but for rounding,
// with padding, strides, dilation and groups, and with windows that lie partly outside.
TEST(Bounds, OfConvolutionsAreThoseOfTheirMatrices) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> cases{
      {"12x11x2",
       {"conv2d:filters=4,kernel=3,padding=1", "relu", "conv2d:filters=3,kernel=3,stride=2,padding=1", "relu",
        "conv2d:filters=3,kernel=2", "relu", "flatten;linear:units=3"}},
      {"10x10x2",
       {"normalize:mean=0.4,std=0.3", "conv2d:filters=4,kernel=2,padding=same,groups=2", "batch_norm", "relu",
        "conv2d:filters=4,kernel=2,dilation=2,groups=2", "batch_norm", "relu", "flatten;linear:units=3"}},
      {"13x9x1",
       {"conv2d:filters=2,kernel=3,padding=2", "conv2d:filters=3,kernel=2,padding=1", "relu",
        "conv2d:filters=2,kernel=3,padding=1", "relu", "flatten;linear:units=2"}}};
  for (const auto& [input, layers] : cases) {
    std::string architecture = input;
    for (const std::string& layer : layers) architecture += ";" + layer;
    const Sequential net = network(architecture, 5), dense = as_matrices(net, layers);
    const Tensor images = random_images(net.input().with_front(3));
    const std::vector<int> labels = nn::predict(net, images);
    const Tensor flat = images.reshaped({3, 1, 1, net.input().elements()});
    ASSERT_EQ(labels, nn::predict(dense, flat));
    for (const Norm norm : {Norm::linf, Norm::l2, Norm::l1}) {
      for (const Method& method : {Method{BoundMethod::crown, Slope::adaptive}, {BoundMethod::crown, Slope::same}}) {
        const Ball ball{norm, norm == Norm::linf ? 0.04F : 0.4F};
        const MarginBounds a = nn::bound_margins(net, images, labels, ball, {method.method, method.slope});
        const MarginBounds b = nn::bound_margins(dense, flat, labels, ball, {method.method, method.slope});
        for (std::size_t k = 0; k < a.bound.size(); ++k) {
          if (std::isinf(a.bound[k])) continue;
          // Sums of a whole row of a matrix may round more often.
          const double rounding = 0.01 * std::max(1.0, std::abs(b.bound[k]));
          EXPECT_GE(a.bound[k], b.bound[k]) << architecture;
          EXPECT_LE(a.bound[k], b.bound[k] + rounding) << architecture;
        }
      }
    }
  }
}

// --- the same bits ------------------------------------------------------------------------------------------------

TEST(Bounds, HaveTheSameBitsForEveryBatchThreadsAndInstructionSet) {
  const Sequential net = network(architectures[2], 8);
  const Tensor images = random_images(net.input().with_front(37));
  std::vector<int> labels(37);
  for (std::size_t k = 0; k < labels.size(); ++k) labels[k] = static_cast<int>(k % 3);
  const Ball ball{Norm::linf, 0.05F};
  const std::string before(kernels::selected());
  for (const Method& method : methods) {
    const BoundOptions options{method.method, method.slope, 4};
    const MarginBounds all = nn::bound_margins(net, images, labels, ball, options);
    for (const std::string& set : kernels::available()) {
      kernels::select(set);
      const MarginBounds again = nn::bound_margins(net, images, labels, ball, options);
      EXPECT_EQ(all.bound, again.bound) << set;
      EXPECT_EQ(all.float32_bound, again.float32_bound) << set;
    }
    kernels::select(before);
    const std::size_t threads = thread_count();
    set_thread_count(3);
    EXPECT_EQ(nn::bound_margins(net, images, labels, ball, options).bound, all.bound);
    set_thread_count(threads);
    for (const std::size_t k : {std::size_t{0}, std::size_t{20}}) {
      const MarginBounds one =
          nn::bound_margins(net, images.rows(k, 1), std::span(labels).subspan(k, 1), ball, options);
      EXPECT_TRUE(
          std::equal(one.bound.begin(), one.bound.end(), all.bound.begin() + static_cast<std::ptrdiff_t>(k * 3)));
    }
  }
}

}  // namespace
}  // namespace hans::bounds_test
