// Bounds of networks and numbers that nobody has tuned for.
#include <hans/nn/bounds.hpp>

#include <gtest/gtest.h>

#include <limits>

#include <hans/nn/evaluate.hpp>

#include "../../data/data_testing.hpp"
#include "../network_testing.hpp"
#include "bounds_testing.hpp"

namespace hans::bounds_extremes_test {
namespace {

using namespace bounds_testing;
using network_testing::logits;
using network_testing::random_images;
using nn::MarginBounds;
using testing_data::error_of;

// Weights of 2^60 and 2^-60, dead layers, ties: nothing is certified that is not so, and nothing crashes.
TEST(Bounds, HoldForExtremeWeights) {
  for (const double scale : {0x1p60, 0x1p-60, 0x1p-140, 0.0}) {
    Sequential net = network("3x3x1;flatten;linear:units=8;relu;linear:units=6;relu;linear:units=3", 2);
    for (real& value : net.mutable_weights()[0].mutable_values()) value *= static_cast<real>(scale);
    for (real& value : net.mutable_weights()[1].mutable_values()) value *= static_cast<real>(scale);
    const Tensor images = random_images(net.input().with_front(1));
    const std::vector<int> labels = nn::predict(net, images);
    for (const Method& method : methods) {
      const MarginBounds all =
          nn::bound_margins(net, images, labels, {Norm::linf, 0.1F}, {method.method, method.slope});
      Stream stream = Rng(1).stream("points");
      for (int draw = 0; draw < 50; ++draw) {
        const Tensor found = logits(net, point_of(images, {Norm::linf, 0.1F}, draw % 2 == 0, stream));
        const std::size_t label = static_cast<std::size_t>(labels[0]);
        for (std::size_t j = 0; j < 3; ++j) {
          const double margin = double{found.data()[label]} - double{found.data()[j]};
          if (j == label || std::isnan(all.bound[j])) continue;
          EXPECT_LE(all.float32_bound[j], margin) << scale;
        }
      }
    }
  }
}

TEST(Bounds, NeverCertifyATie) {
  Sequential net = network("2x2x1;flatten;linear:units=6;relu;linear:units=3", 4);
  Tensor& last = net.mutable_weights()[2];
  Tensor& bias = net.mutable_weights()[3];
  for (std::size_t i = 0; i < 6; ++i) last.mutable_data()[i * 3 + 1] = last.data()[i * 3];  // classes 0 and 1 are one
  bias.mutable_data()[1] = bias.data()[0];
  const Tensor images = random_images(net.input().with_front(1));
  for (const Method& method : methods) {
    for (const float eps : {0.0F, 0.1F}) {
      const MarginBounds all =
          nn::bound_margins(net, images, std::vector<int>{0}, {Norm::linf, eps}, {method.method, method.slope});
      EXPECT_FALSE(all.real(0));
      EXPECT_FALSE(all.float32(0));
      EXPECT_LE(all.bound[1], 0);
    }
  }
}

TEST(Bounds, AreUnknownWhereANumberIsNone) {
  Sequential net = network("2x2x1;flatten;linear:units=4;exp;exp;linear:units=3", 4);
  for (real& value : net.mutable_weights()[0].mutable_values()) value *= 1000;
  const Tensor images = random_images(net.input().with_front(1));
  for (const Method& method : methods) {
    const MarginBounds all = nn::bound_margins(net, images, std::vector<int>{0}, {Norm::linf, 1}, {method.method});
    EXPECT_TRUE(std::isnan(all.bound[1]));
    EXPECT_FALSE(all.real(0));
    EXPECT_FALSE(all.float32(0));
    EXPECT_EQ(all.closest(0), 1U);
  }
}

// Products far below the smallest number, where a slope meets them: what they lose is counted, times what it
// multiplies.
TEST(Bounds, CountWhatUnderflows) {
  Sequential net =
      Sequential::parse("1x2x1;flatten;linear:units=1,bias=false;leaky_relu:slope=0.01;linear:units=2", Rng(1));
  const real tiny = 45 * std::numeric_limits<real>::denorm_min();
  net.set_weights(std::vector{Tensor({2, 1}, std::vector<real>{-1e24F, 0}), Tensor({1, 2}, std::vector<real>{tiny, 0}),
                              Tensor({2}, std::vector<real>{0, 0})});
  const Tensor image({1, 1, 2, 1}, std::vector<real>{0.01F, 0});
  for (const Method& method : methods) {
    const MarginBounds all =
        nn::bound_margins(net, image, std::vector<int>{0}, {Norm::linf, 0.5F}, {method.method, method.slope});
    const double margin = double{0.01F} * -1e24 * 0.51 * double{tiny};  // at 0.51
    EXPECT_LE(all.bound[1], margin);
    EXPECT_FALSE(all.real(0));
  }
}

// A window far larger than the image: its taps in the padding count as roundings, and must not turn the error around.
TEST(Bounds, HoldForWindowsLargerThanTheImage) {
  Sequential net = Sequential::parse(
      "1x1x1;conv2d:filters=2,kernel=1;average_pool2d:kernel=4096,padding=same,stride=1;flatten", Rng(1));
  net.set_weights(std::vector{Tensor({1, 1, 1, 2}, std::vector<real>{2, 0}), Tensor({2}, std::vector<real>{0, 0.1F})});
  for (const Method& method : methods) {
    const MarginBounds all = nn::bound_margins(net, Tensor::full({1, 1, 1, 1}, real{0.5F}), std::vector<int>{0},
                                               {Norm::linf, 0.5F}, {method.method, method.slope});
    EXPECT_LE(all.bound[1], -0.1 + 1e-6);
    EXPECT_GE(all.bound[1], -0.11);
  }
}

// A program may compute elu as alpha * (exp(x) - 1), whose error near 0 is alpha times that of exp.
TEST(Bounds, CountTheScaleOfACurve) {
  for (const char* curve : {"elu:alpha=10000", "selu:alpha=50,gamma=20"}) {
    Sequential net =
        Sequential::parse(text("1x1x1;flatten;linear:units=1,bias=false;", curve, ";linear:units=2"), Rng(1));
    net.set_weights(std::vector{Tensor({1, 1}, std::vector<real>{-1e-7F}), Tensor({1, 2}, std::vector<real>{1, 0}),
                                Tensor({2}, std::vector<real>{0.002F, 0})});
    const MarginBounds all =
        nn::bound_margins(net, Tensor::full({1, 1, 1, 1}, real{0.5F}), std::vector<int>{0}, {Norm::linf, 0.0F});
    // exp(-5e-8) is 1 or the float below it: the output is 0, or minus the scale times 6e-8.
    const double scale = curve[0] == 'e' ? 1e4 : 1e3;
    EXPECT_LE(all.float32_bound[1], double{0.002F} - scale * 0x1p-24) << curve;
  }
}

TEST(Bounds, SayWhatTheyDoNotTake) {
  const Sequential net = network("3x3x1;flatten;linear:units=8;relu;linear:units=6;relu;linear:units=4", 1);
  const Tensor image = random_images(net.input().with_front(1));
  const std::vector<int> label{0};
  const auto refused = [&](const Sequential& model, const Tensor& images, std::span<const int> labels,
                           const Ball& ball) {
    return error_of([&] { (void)nn::bound_margins(model, images, labels, ball); });
  };
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(refused(net, image, label, {Norm::l0, 1}), "no bound is known for l0; use linf, l2 or l1");
  EXPECT_EQ(refused(net, image, label, {Norm::linf, -1}), "eps = -1 is refused: not a number of at least 0");
  EXPECT_EQ(refused(net, image, label, {Norm::linf, nan}), "eps = nan is refused: not a number of at least 0");
  EXPECT_EQ(refused(net, image, label, {Norm::linf, 0.1F, 1, 0}), "a box from 1 to 0 holds no image");
  EXPECT_EQ(refused(net, image, std::vector<int>{4}, {}), "the label 4 is none of 4 classes");
  EXPECT_EQ(refused(net, image, std::vector<int>{0, 1}, {}), "2 labels need as many images of 3x3x1, not 1x3x3x1");
  for (const auto& [architecture, message] : std::vector<std::pair<std::string, std::string>>{
           {"2x2x1;flatten;linear:units=3;layer_norm;linear:units=2", "layer 2 (layer_norm) has no bound"},
           {"2x2x1;flatten;linear:units=3;softmax;linear:units=2", "layer 2 (softmax) has no bound"},
           {"2x2x1;flatten;linear:units=3;linear:units=3;multiply:of=1/2;linear:units=2",
            "layer 3 (multiply) multiplies two values that depend on the image"},
           {"2x2x1;flatten;linear:units=3;round;linear:units=2", "layer 2 (round) has no bound"}}) {
    const Sequential model = network(architecture, 1);
    const std::string found = refused(model, random_images(model.input().with_front(1)), label, {});
    EXPECT_TRUE(found.starts_with(message)) << found;
    EXPECT_TRUE(found.ends_with("replace it, or measure the model with hans attack")) << found;
  }
}

}  // namespace
}  // namespace hans::bounds_extremes_test
