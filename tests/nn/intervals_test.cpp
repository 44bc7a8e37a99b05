// Intervals through whole networks, against the bounds of certificates and passes of points alone.
#include <hans/nn/intervals.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <hans/nn/bounds.hpp>
#include <hans/nn/function_layers.hpp>

#include "../data/data_testing.hpp"

namespace hans::nn_intervals_test {
namespace {

using nn::Sequential;

constexpr std::string_view conv =
    "7x6x2;conv2d:filters=4,kernel=3,stride=2,padding=1;relu;conv2d:filters=3,kernel=2,bias=false;relu;flatten;"
    "linear:units=6;relu;linear:units=4";
constexpr std::string_view residual =
    "6x6x1;conv2d:filters=3,kernel=3,padding=1;relu;conv2d:filters=3,kernel=3,padding=1;relu;"
    "conv2d:filters=3,kernel=3,padding=1;add:of=1/4;relu;average_pool2d:kernel=2;flatten;linear:units=3,bias=false";
constexpr std::string_view normed =
    "6x6x1;batch_norm;conv2d:filters=3,kernel=3,bias=false;batch_norm;relu;flatten;linear:units=5;batch_norm;relu;"
    "linear:units=3";

Tensor uniform(const Shape& shape, std::string_view name) {
  Tensor made(shape);
  Stream stream = Rng(6).stream(name);
  for (real& value : made.mutable_values()) value = stream.uniform();
  return made;
}

/// Images, then the centres and radii of balls of `eps` around as many others, cut with [0, 1].
struct Input {
  Tensor all, inner;  ///< all rows; the images in the balls' middle
};
Input input_of(const Sequential& net, std::size_t count, real eps) {
  Input made{Tensor(net.input().with_front(3 * count)), uniform(net.input().with_front(count), "inner")};
  const Tensor points = uniform(net.input().with_front(count), "points");
  real* const to = made.all.mutable_data();
  for (std::size_t i = 0; i < points.size(); ++i) {
    const real x = made.inner.data()[i], low = std::max(x - eps, real{0}), high = std::min(x + eps, real{1});
    to[i] = points.data()[i];
    to[points.size() + i] = (low + high) / 2;
    to[2 * points.size() + i] = (high - low) / 2;
  }
  return made;
}

nn::IntervalPass pass_of(const Sequential& net, Tape& tape, const Tensor& x, std::size_t points, std::size_t clean,
                         std::span<const int> labels, std::vector<nn::BatchStatistics>& statistics,
                         nn::Trace trace = nn::Trace::off) {
  const std::vector<std::uint32_t> index(points);
  const DropoutKeys keys{Rng(1), 0, index};
  std::vector<Var> weights;
  for (const Tensor& w : net.weights()) weights.push_back(tape.constant(w));
  return interval_pass(net, weights, tape.constant(x), points, clean, labels, {&keys, &statistics}, trace);
}

TEST(NetIntervals, GiveTheBoundsOfCertificates) {
  const std::vector<int> labels{1, 0, 2, 1};
  for (const std::string_view architecture : {conv, residual}) {
    const Sequential net = Sequential::parse(architecture, Rng(3));
    for (const float eps : {0.0F, 0.03F, 0.4F}) {
      const Input in = input_of(net, 4, eps);
      Tape tape;
      std::vector<nn::BatchStatistics> statistics;
      const Tensor margins = pass_of(net, tape, in.all, 4, 4, labels, statistics).margins.value();
      const nn::MarginBounds bounds =
          bound_margins(net, in.inner, labels, {Norm::linf, eps, 0, 1}, {.method = nn::BoundMethod::ibp});
      for (std::size_t i = 0; i < margins.size(); ++i) {
        if (i % net.classes() == static_cast<std::size_t>(labels[i / net.classes()])) {
          EXPECT_EQ(margins.data()[i], 0);
        } else {
          // Certificates subtract what floats may be off.
          const double trained = -double{margins.data()[i]}, size = 1 + std::abs(trained);
          EXPECT_LE(bounds.bound[i], trained + 1e-6 * size) << architecture << " " << eps << " " << i;
          EXPECT_GE(bounds.bound[i], trained - 3e-4 * size) << architecture << " " << eps << " " << i;
        }
      }
      EXPECT_TRUE(statistics.empty());
    }
  }
}

TEST(NetIntervals, PassPointsAsTheNetworkDoes) {
  const std::vector<int> labels{1, 0, 2};
  for (const std::string_view architecture : {conv, residual, normed}) {
    const Sequential net = Sequential::parse(architecture, Rng(3));
    const Input in = input_of(net, 3, real{0.1F});
    Tape tape;
    std::vector<nn::BatchStatistics> found, expected;
    const Tensor logits = pass_of(net, tape, in.all, 3, 3, labels, found).logits.value();
    const std::vector<std::uint32_t> index(3);
    const DropoutKeys keys{Rng(1), 0, index};
    std::vector<Var> weights;
    for (const Tensor& w : net.weights()) weights.push_back(tape.constant(w));
    const Tensor plain = net.forward(weights, tape.constant(in.all.rows(0, 3)), {&keys, &expected}).value();
    for (std::size_t i = 0; i < plain.size(); ++i) {
      EXPECT_NEAR(logits.data()[i], plain.data()[i], 2e-6 * (1 + std::abs(plain.data()[i]))) << architecture;
    }
    ASSERT_EQ(found.size(), expected.size()) << architecture;
    for (std::size_t k = 0; k < found.size(); ++k) {
      EXPECT_EQ(found[k].layer, expected[k].layer);
      EXPECT_EQ(found[k].count, expected[k].count);
      EXPECT_EQ(found[k].momentum, expected[k].momentum);
      for (std::size_t c = 0; c < found[k].mean.size(); ++c) {
        EXPECT_NEAR(found[k].mean.data()[c], expected[k].mean.data()[c], 1e-5) << architecture << " " << k;
        EXPECT_NEAR(found[k].variance.data()[c], expected[k].variance.data()[c], 1e-5) << architecture << " " << k;
      }
    }
  }
}

/// The statistics, and so the logits of the clean images, do not see further points or the intervals.
TEST(NetIntervals, TakeStatisticsOfCleanImagesAlone) {
  const Sequential net = Sequential::parse(normed, Rng(3));
  const Input in = input_of(net, 4, real{0.1F});
  const std::vector<int> labels{1, 0, 2, 2}, none;
  Tape tape;
  std::vector<nn::BatchStatistics> some, alone;
  const Tensor all = pass_of(net, tape, in.all, 4, 2, labels, some).logits.value();
  const Tensor two = pass_of(net, tape, in.all.rows(0, 2), 2, 2, none, alone).logits.value();
  EXPECT_TRUE(identical(all.rows(0, 2), two));
  for (std::size_t k = 0; k < some.size(); ++k) EXPECT_TRUE(identical(some[k].variance, alone[k].variance));
}

/// Tracing changes no bits.
TEST(NetIntervals, ShowWhatEntersEachLayer) {
  const std::vector<int> labels{1, 0, 2};
  struct Case {
    std::string_view architecture;
    std::vector<std::size_t> relus;
  };
  for (const Case& one : {Case{conv, {1, 3, 6}}, Case{residual, {1, 3, 6}}, Case{normed, {3, 7}}}) {
    const Sequential net = Sequential::parse(one.architecture, Rng(3));
    const Input in = input_of(net, 3, real{0.1F});
    Tape tape;
    std::vector<nn::BatchStatistics> plain, seen;
    const nn::IntervalPass without = pass_of(net, tape, in.all, 3, 3, labels, plain);
    const nn::IntervalPass pass = pass_of(net, tape, in.all, 3, 3, labels, seen, nn::Trace::inputs);
    EXPECT_TRUE(without.inputs.empty());
    EXPECT_TRUE(identical(pass.logits.value(), without.logits.value())) << one.architecture;
    EXPECT_TRUE(identical(pass.margins.value(), without.margins.value())) << one.architecture;
    ASSERT_EQ(plain.size(), seen.size());
    for (std::size_t k = 0; k < seen.size(); ++k) EXPECT_TRUE(identical(plain[k].variance, seen[k].variance));
    ASSERT_EQ(pass.inputs.size(), net.layers().size());
    EXPECT_TRUE(identical(pass.inputs[0].value(), in.all));
    for (std::size_t k = 1; k < pass.inputs.size(); ++k) {
      EXPECT_EQ(pass.inputs[k].shape(), net.shapes()[net.sources(k)[0].layer].with_front(9)) << k;
    }
    for (const std::size_t k : one.relus) {  // values, not what relu leaves of them
      ASSERT_NE(net.layers()[k].as<nn::Relu>(), nullptr);
      EXPECT_LT(std::ranges::min(pass.inputs[k].value().rows(0, 3).values()), 0) << one.architecture << " " << k;
      const Var behind = interval_relu(pass.inputs[k], 3);
      EXPECT_TRUE(identical(flatten(behind).value(), flatten(pass.inputs[k + 1]).value())) << one.architecture;
    }
  }
}

double below_half(double x) { return std::max(0.0, 0.5 - x) / 0.5; }
double smaller_ratio(double a, double b) { return std::min(a / b, b / a); }

TEST(NetIntervals, AreOutOfBalanceAsTheFormulaSays) {
  const std::vector<int> labels{1, 0, 2, 1};
  std::size_t widened = 0, leaning = 0;
  for (const std::string_view architecture : {conv, residual, normed}) {
    const Sequential net = Sequential::parse(architecture, Rng(3));
    const Input in = input_of(net, 4, real{0.02F});
    Tape tape;
    std::vector<nn::BatchStatistics> statistics;
    const nn::IntervalPass pass = pass_of(net, tape, in.all, 4, 4, labels, statistics, nn::Trace::inputs);
    double total = 0, radius_of_images = 0;
    std::size_t relus = 0;
    for (std::size_t k = 0; k < pass.inputs.size(); ++k) {
      if (k > 0 && net.layers()[k].as<nn::Relu>() == nullptr) continue;
      const Tensor& x = pass.inputs[k].value();
      const std::size_t count = x.size() / 3;
      const auto centre = [&](std::size_t i) { return double{x.data()[count + i]}; };
      const auto reach = [&](std::size_t i) { return double{x.data()[2 * count + i]}; };
      double radius = 0, mean = 0, active = 0, inactive = 0, active_square = 0, inactive_square = 0;
      for (std::size_t i = 0; i < count; ++i) {
        radius += reach(i) / double(count);
        mean += centre(i) / double(count);
      }
      for (std::size_t i = 0; i < count; ++i) {
        const double square = (centre(i) - mean) * (centre(i) - mean);
        if (centre(i) > reach(i)) active += centre(i), active_square += square;
        if (centre(i) < -reach(i)) inactive -= centre(i), inactive_square += square;
      }
      if (k == 0) {
        radius_of_images = radius;
        continue;
      }
      const double width = below_half(radius_of_images / radius);
      const double lean =
          below_half(smaller_ratio(active, inactive)) + below_half(smaller_ratio(active_square, inactive_square));
      widened += width > 0 ? 1U : 0U;
      leaning += lean > 0 ? 1U : 0U;
      total += width + lean;
      ++relus;
    }
    const Tensor found = interval_imbalance(net, pass, 4).value();
    ASSERT_EQ(found.shape(), Shape{1});
    EXPECT_NEAR(double{found.data()[0]}, total / double(relus), 1e-5) << architecture;
  }
  EXPECT_GT(widened, 0U);
  EXPECT_GT(leaning, 0U);
}

/// 0 / 0 and x / 0 give neither a value nor a gradient that is not finite.
TEST(NetIntervals, LeaveOutTermsThatAreNotFinite) {
  struct Case {
    real images, centre, radius;  // everywhere
    real expected;
  };
  const Sequential net = Sequential::parse("2x1x1;flatten;relu", Rng(1));
  constexpr real nan = std::numeric_limits<real>::quiet_NaN();
  for (const Case& one : {Case{1, 0, 0, 0}, Case{0, 0, 0, 0}, Case{1, 0, 8, real{0.75F}}, Case{1, 3, 0, 0},
                          Case{nan, 0, 1, 0}, Case{1, nan, 8, real{0.75F}}}) {
    const auto filled = [](real centre, real radius) {
      Tensor made = Tensor::full({3, 2}, centre);
      for (std::size_t i = 4; i < 6; ++i) made.mutable_data()[i] = radius;
      return made;
    };
    Tape tape;
    const std::vector<Var> x{tape.watch(filled(0, one.images)), tape.watch(filled(one.centre, one.radius))};
    const Var found = interval_imbalance(net, {x[0], x[0], x}, 1);
    EXPECT_EQ(found.value().data()[0], one.expected) << one.images << " " << one.centre << " " << one.radius;
    std::vector<Tensor> gradients(2);
    tape.gradients(found, Tensor::full({1}, 1), x, gradients);
    for (const Tensor& gradient : gradients) {
      for (const real value : gradient.values()) EXPECT_TRUE(std::isfinite(value)) << one.centre << " " << one.radius;
    }
  }
}

TEST(NetIntervals, NameTheLayerWithoutARule) {
  struct Case {
    std::string_view architecture, says;
  };
  for (const Case& one :
       {Case{"6x6x1;max_pool2d:kernel=2;flatten;linear:units=3", "layer 0 (max_pool2d) has no rule"},
        Case{"6x6x1;flatten;dropout:rate=0.5;linear:units=3", "layer 1 (dropout)"},
        Case{"6x6x1;flatten;linear:units=3;tanh;linear:units=3", "layer 2 (tanh)"},
        Case{"6x6x1;flatten;linear:units=3;softmax", "linear last layer, not softmax"},
        Case{"6x6x1;flatten;linear:units=4;batch_norm;linear:units=3", "layer 2 (batch_norm) needs more than one"}}) {
    const Sequential net = Sequential::parse(one.architecture, Rng(3));
    const Input in = input_of(net, 1, real{0.1F});
    Tape tape;
    std::vector<nn::BatchStatistics> statistics;
    const std::string error =
        testing_data::error_of([&] { (void)pass_of(net, tape, in.all, 1, 1, std::vector{0}, statistics); });
    EXPECT_NE(error.find(one.says), std::string::npos) << error;
  }
}

TEST(NetIntervals, StartWithTheWeightsOfThePaper) {
  const Sequential before =
      Sequential::parse("28x28x1;conv2d:filters=64,kernel=5;relu;flatten;linear:units=50;relu;linear:units=10", Rng(3));
  Sequential net = before;
  start_for_intervals(net, Rng(8));
  for (std::size_t k = 0; k < net.weights().size(); ++k) {
    const bool drawn = k == 0 || k == 2;
    EXPECT_EQ(identical(net.weights()[k], before.weights()[k]), !drawn) << net.weight_names()[k];
    if (!drawn) continue;
    double squares = 0;
    for (const real value : net.weights()[k].values())
      squares += static_cast<double>(value) * static_cast<double>(value);
    const double fan_in = k == 0 ? 25 : 24 * 24 * 64;
    const double expected = std::sqrt(2 * 3.14159265358979) / fan_in;
    EXPECT_NEAR(std::sqrt(squares / static_cast<double>(net.weights()[k].size())), expected, 0.05 * expected);
  }
  Sequential again = before, other = before;
  start_for_intervals(again, Rng(8));
  start_for_intervals(other, Rng(9));
  EXPECT_TRUE(identical(again.weights()[0], net.weights()[0]));
  EXPECT_FALSE(identical(other.weights()[0], net.weights()[0]));
}

}  // namespace
}  // namespace hans::nn_intervals_test
