// Linear bounds in training, against those of certificates.
#include <hans/nn/intervals.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include <hans/nn/bounds.hpp>

#include "../data/data_testing.hpp"

namespace hans::nn_crown_test {
namespace {

using nn::Sequential;

constexpr std::string_view conv =
    "7x6x2;conv2d:filters=4,kernel=3,stride=2,padding=1;relu;conv2d:filters=3,kernel=2,bias=false;relu;flatten;"
    "linear:units=6;relu;linear:units=4";
constexpr std::string_view residual =
    "6x6x1;conv2d:filters=3,kernel=3,padding=1;relu;conv2d:filters=3,kernel=3,padding=1;relu;"
    "conv2d:filters=3,kernel=3,padding=1;add:of=1/4;relu;flatten;linear:units=3,bias=false";
constexpr std::string_view normed =
    "6x6x1;batch_norm;conv2d:filters=3,kernel=3,bias=false;batch_norm;relu;flatten;linear:units=5;batch_norm;relu;"
    "linear:units=4";

Tensor uniform(const Shape& shape, std::string_view name) {
  Tensor made(shape);
  Stream stream = Rng(6).stream(name);
  for (real& value : made.mutable_values()) value = stream.uniform();
  return made;
}

/// Images, then the centres and radii of the balls of `eps` around them, cut with [0, 1].
Tensor with_balls(const Tensor& images, real eps) {
  Tensor made(images.shape().without_front().with_front(3 * images.shape()[0]));
  real* const to = made.mutable_data();
  for (std::size_t i = 0; i < images.size(); ++i) {
    const real x = images.data()[i], low = std::max(x - eps, real{0}), high = std::min(x + eps, real{1});
    to[i] = x;
    to[images.size() + i] = (low + high) / 2;
    to[2 * images.size() + i] = (high - low) / 2;
  }
  return made;
}

struct Margins {
  Tensor crown, intervals;
  std::vector<nn::BatchStatistics> statistics;
};
Margins margins_of(const Sequential& net, const Tensor& images, real eps, std::span<const int> labels,
                   nn::Trace trace = nn::Trace::inputs) {
  Tape tape;
  Margins made;
  const std::size_t count = labels.size();
  const std::vector<std::uint32_t> index(count);
  const DropoutKeys keys{Rng(1), 0, index};
  std::vector<Var> weights;
  for (const Tensor& w : net.weights()) weights.push_back(tape.constant(w));
  const nn::IntervalPass pass = interval_pass(net, weights, tape.constant(with_balls(images, eps)), count, count,
                                              labels, {&keys, &made.statistics}, trace);
  made.crown = crown_margins(net, weights, pass, count, labels).value();
  made.intervals = pass.margins.value();
  return made;
}

TEST(NetCrown, GivesTheBoundsOfCertificates) {
  const std::vector<int> labels{1, 0, 2, 1, 0};
  for (const std::string_view architecture : {conv, residual, normed}) {
    Sequential net = Sequential::parse(architecture, Rng(3));
    const Tensor images = uniform(net.input().with_front(labels.size()), "images");
    for (const float eps : {0.0F, 0.03F, 0.1F, 0.4F}) {
      const Margins found = margins_of(net, images, eps, labels);
      std::vector<Tensor> statistics;  // certificates normalise by those of the batch
      for (const nn::BatchStatistics& each : found.statistics) {
        statistics.push_back(each.mean);
        statistics.push_back(each.variance);
      }
      net.set_buffers(statistics);
      const nn::MarginBounds bounds =
          bound_margins(net, images, labels, {Norm::linf, eps, 0, 1}, {.method = nn::BoundMethod::crown_ibp});
      double tighter = 0;
      ASSERT_EQ(found.crown.shape(), (Shape{labels.size(), net.classes()}));
      for (std::size_t i = 0; i < found.crown.size(); ++i) {
        tighter += double{found.intervals.data()[i]} - double{found.crown.data()[i]};
        if (i % net.classes() == static_cast<std::size_t>(labels[i / net.classes()])) {
          EXPECT_EQ(found.crown.data()[i], 0);
        } else {
          // Certificates subtract what floats may be off.
          const double trained = -double{found.crown.data()[i]}, size = 1 + std::abs(trained);
          EXPECT_LE(bounds.bound[i], trained + 2e-6 * size) << architecture << " " << eps << " " << i;
          EXPECT_GE(bounds.bound[i], trained - 5e-4 * size) << architecture << " " << eps << " " << i;
        }
      }
      if (eps == 0.03F || eps == 0.1F) {
        EXPECT_GT(tighter, 0.01) << architecture << " " << eps;
      }
    }
  }
}

TEST(NetCrown, RefusesWhatHasNoRule) {
  const Sequential net = Sequential::parse("6x6x1;average_pool2d:kernel=2;flatten;linear:units=3", Rng(3));
  const Tensor images = uniform(net.input().with_front(1), "images");
  const std::vector<int> labels{1};
  const std::string error = testing_data::error_of([&] { (void)margins_of(net, images, real{0.1F}, labels); });
  EXPECT_NE(error.find("layer 0 (average_pool2d) has no rule for linear bounds"), std::string::npos) << error;
  EXPECT_THROW(margins_of(net, images, real{0.1F}, labels, nn::Trace::off), Error);
}

}  // namespace
}  // namespace hans::nn_crown_test
