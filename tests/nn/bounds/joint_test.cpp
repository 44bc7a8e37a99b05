// The bound method `joint`: hidden layers with optimised slopes. Its use of the machinery of margins, and what it
// gains.
#include <hans/nn/bounds.hpp>

#include <gtest/gtest.h>

#include <hans/nn/evaluate.hpp>
#include <hans/nn/onnx_import.hpp>

#include "../../../nn/bounds/detail/build.hpp"
#include "../../../nn/bounds/detail/tighten.hpp"
#include "../../data/data_testing.hpp"
#include "../network_testing.hpp"
#include "bounds_testing.hpp"

namespace hans::joint_test {
namespace {

using namespace bounds_testing;
using network_testing::logits;
using network_testing::random_images;
using nn::MarginBounds;
namespace bounds = nn::bounds;

/// Dense, convolutions in windows, residual, curves before and behind kinks, maxima, and branches that see no kink.
const std::vector<std::string> architectures{
    "4x4x1;flatten;linear:units=12;relu;linear:units=10;relu;linear:units=8;relu;linear:units=4",
    "12x11x2;conv2d:filters=4,kernel=3,padding=1;relu;conv2d:filters=3,kernel=3,stride=2,padding=1;relu;"
    "conv2d:filters=3,kernel=2;relu;flatten;linear:units=3",
    "5x5x1;conv2d:filters=3,kernel=3,padding=same;relu;conv2d:filters=3,kernel=3,padding=same;add:of=1/2;leaky_relu;"
    "flatten;linear:units=6;relu;linear:units=3",
    "6x6x1;conv2d:filters=3,kernel=3;relu;max_pool2d:kernel=2;relu;flatten;linear:units=6;abs;linear:units=3",
    "3x3x1;flatten;linear:units=8;relu;linear:units=6;sigmoid;linear:units=6;relu;linear:units=3",
    "8x8x1;conv2d:filters=2,kernel=3,padding=same;relu;conv2d:filters=2,kernel=3,padding=same,of=input;relu;add:of=1/3;"
    "conv2d:filters=2,kernel=3;relu;flatten;linear:units=3"};

// Optimised bounds of hidden layers make margins better, never worse, and stay below all points.
TEST(Joint, IsNeverBelowAlphaAndBelowEveryPoint) {
  double gain = 0;
  for (std::size_t k = 0; k < architectures.size(); ++k) {
    const Sequential net = network(architectures[k], 21 + k);
    const Tensor images = random_images(net.input().with_front(2));
    const std::vector<int> labels = nn::predict(net, images);
    for (const Norm norm : {Norm::linf, Norm::l2}) {
      for (const float eps : {0.0F, 0.03F, 0.15F}) {
        const Ball ball{norm, norm == Norm::linf ? eps : 5 * eps};
        const MarginBounds alpha = nn::bound_margins(net, images, labels, ball, {BoundMethod::alpha});
        const MarginBounds joint = nn::bound_margins(net, images, labels, ball, {BoundMethod::joint});
        Stream stream = Rng(k).stream("points");
        for (std::size_t at = 0; at < joint.bound.size(); ++at) {
          EXPECT_GE(joint.float32_bound[at], alpha.float32_bound[at]) << architectures[k];
          EXPECT_LE(joint.float32_bound[at], joint.bound[at]);
          if (std::isfinite(joint.bound[at])) gain += joint.bound[at] - alpha.bound[at];
        }
        for (std::size_t sample = 0; sample < 2; ++sample) {
          for (int draw = 0; draw < 60; ++draw) {
            const Tensor found = logits(net, point_of(images.rows(sample, 1), ball, draw % 2 == 0, stream));
            const std::size_t label = static_cast<std::size_t>(labels[sample]);
            for (std::size_t j = 0; j < net.classes(); ++j) {
              if (j == label) continue;
              EXPECT_LE(joint.float32_bound[sample * net.classes() + j],
                        double{found.data()[label]} - double{found.data()[j]})
                  << architectures[k];
            }
          }
        }
      }
    }
  }
  EXPECT_GT(gain, 1);
}

/// Bounds of all values by a method.
bounds::Known known_by(const bounds::Graph& graph, const Tensor& images, const Ball& ball, BoundMethod method) {
  Tape tape;
  return bounds::known_of(graph, bounds::begin_with_images(graph, images, ball), {.method = method}, tape);
}

// Each hidden bound is a bound: no point's value leaves it. They are narrower than those of crown.
TEST(Joint, HoldsEveryHiddenValue) {
  double narrower = 0;
  for (std::size_t k = 0; k < architectures.size(); ++k) {
    const Sequential net = network(architectures[k], 5 + k);
    const Tensor image = random_images(net.input().with_front(1));
    const Ball ball{Norm::linf, 0.2F};
    const bounds::Graph graph = bounds::graph_of(net);
    const bounds::Known crown = known_by(graph, image, ball, BoundMethod::crown);
    const bounds::Known joint = known_by(graph, image, ball, BoundMethod::joint);
    Stream stream = Rng(k).stream("points");
    for (int draw = 0; draw < 100; ++draw) {
      Tape tape;
      std::vector<Var> values{tape.constant(point_of(image, ball, draw % 2 == 0, stream))};
      for (std::size_t layer = 0; layer < net.layers().size(); ++layer) {
        std::vector<Var> x, w;
        for (const nn::Source& source : net.sources(layer)) {
          x.push_back(values[source.layer == nn::Source::images ? 0 : source.layer + 1]);
        }
        for (const Tensor& weight : net.weights(layer)) w.push_back(tape.constant(weight));
        values.push_back(net.layers()[layer](tape, x, {w, net.buffers(layer), {}, layer}));
      }
      for (std::size_t value = 1; value <= graph.ops.size(); ++value) {
        const Tensor& found = values[graph.ops[value - 1].layer + 1].value();
        if (found.size() != graph.features(value)) continue;  // a step of its layer
        for (std::size_t i = 0; i < found.size(); ++i) {
          EXPECT_LE(joint.low[value].data()[i], found.data()[i]) << architectures[k] << ", value " << value;
          EXPECT_GE(joint.high[value].data()[i], found.data()[i]) << architectures[k] << ", value " << value;
        }
      }
    }
    for (std::size_t value = 1; value <= graph.ops.size(); ++value) {
      for (std::size_t i = 0; i < joint.low[value].size(); ++i) {
        const double width = double{crown.high[value].data()[i]} - double{crown.low[value].data()[i]};
        narrower += width - (double{joint.high[value].data()[i]} - double{joint.low[value].data()[i]});
      }
    }
  }
  EXPECT_GT(narrower, 1);
}

// auto_LiRPA's example: its CNN-A within 0.3 of the first test digit, without a box. Plain CROWN bounds logit 7 by
// 14.2136, its alpha-CROWN (20 steps, all slopes) by 12.5080.
TEST(Joint, ReachesTheFigureOfAutoLirpa) {
  const std::filesystem::path shared = testing_data::shared_folder();
  if (shared.empty()) GTEST_SKIP() << "no shared models; set HANS_SHARED";
  std::vector<std::string> notes;
  const Sequential net =
      nn::load_onnx(shared / "models" / "lirpa_mnist_a_adv.onnx", nn::read_preprocess("none"), notes).net;
  const data::Samples first = data::load((shared / "data" / "mnist").string()).samples(0, 1);
  const bounds::Graph graph = bounds::graph_of(net);
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const auto above_logit_7 = [&](BoundMethod method, unsigned steps) {
    const bounds::Known known = known_by(graph, first.images, {Norm::linf, 0.3F, -infinity, infinity}, method);
    bounds::Form form{0, std::vector<real>(net.classes())};
    form.form[7] = -1;
    bounds::Form* const all[]{&form};
    const std::vector<std::vector<bounds::KinkAt>> kinks{bounds::unstable_kinks(graph, known, 0)};
    Tape tape;
    bounds::improve(graph, known, kinks, all, {steps, bounds::rate_of_an_end, false}, tape);
    return -form.bound;
  };
  EXPECT_NEAR(above_logit_7(BoundMethod::crown, 0), 14.2136, 0.01);
  const double alpha = above_logit_7(BoundMethod::alpha, 20), joint = above_logit_7(BoundMethod::joint, 20);
  RecordProperty("alpha", text(alpha));
  RecordProperty("joint", text(joint));
  EXPECT_LE(joint, 12.6);
  EXPECT_LT(joint, alpha);
}

}  // namespace
}  // namespace hans::joint_test
