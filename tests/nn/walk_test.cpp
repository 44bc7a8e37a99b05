// Walks over networks: interval bounds from the images to the logits, and gradients back.
#include <hans/nn/walk.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <memory>

#include <hans/core/error.hpp>
#include <hans/nn/models.hpp>

#include "../data/data_testing.hpp"
#include "network_testing.hpp"

namespace hans::walk_test {
namespace {

using network_testing::logits;
using network_testing::random_images;
using nn::LayerAt;
using nn::Sequential;
using testing_data::error_of;

Tensor run(const LayerAt& at, std::span<const Tensor> operands, std::span<const Tensor> weights) {
  Tape tape;
  std::vector<Var> x, w;
  for (const Tensor& each : operands) x.push_back(tape.constant(each));
  for (const Tensor& each : weights) w.push_back(tape.constant(each));
  return at.layer()(tape, x, {w, at.buffers(), {}, at.position}).value();
}

// --- a bound: of each number the lowest and the highest ------------------------------------------------------

struct Interval {
  Tensor low, high;
};

struct Intervals {
  /// Weights below 0 turn the ends of the interval round.
  Interval operator()(const nn::OneOf<nn::Linear, nn::Conv2d> auto&, const LayerAt& at, std::span<Interval> x) const {
    std::vector<Tensor> up(at.weights().begin(), at.weights().end()), down = up;
    for (real& weight : up[0].mutable_values()) weight = std::max(weight, real{0});
    for (real& weight : down[0].mutable_values()) weight = std::min(weight, real{0});
    if (down.size() > 1) down[1] = Tensor(down[1].shape());  // the bias is added once
    const auto sum = [&](const Tensor& a, const Tensor& b) {
      Tensor all = run(at, {{a}}, up);
      const Tensor more = run(at, {{b}}, down);
      for (std::size_t k = 0; k < all.size(); ++k) all.mutable_data()[k] += more.data()[k];
      return all;
    };
    return {sum(x[0].low, x[0].high), sum(x[0].high, x[0].low)};
  }
  /// What does not fall where its operands rise.
  Interval operator()(
      const nn::OneOf<nn::Relu, nn::MaxPool2d, nn::AveragePool2d, nn::Flatten, nn::Dropout, nn::Add, nn::Reduce> auto&,
      const LayerAt& at, std::span<Interval> x) const {
    std::vector<Tensor> low, high;
    for (const Interval& each : x) {
      low.push_back(each.low);
      high.push_back(each.high);
    }
    return {run(at, low, {}), run(at, high, {})};
  }
  /// Rises or falls with each number alone.
  Interval operator()(const nn::BatchNorm&, const LayerAt& at, std::span<Interval> x) const {
    Interval ends{run(at, {{x[0].low}}, at.weights()), run(at, {{x[0].high}}, at.weights())};
    for (std::size_t k = 0; k < ends.low.size(); ++k) {
      real &low = ends.low.mutable_data()[k], &high = ends.high.mutable_data()[k];
      if (low > high) std::swap(low, high);
    }
    return ends;
  }
  Interval operator()(const auto&, const LayerAt& at, std::span<Interval>) const {
    throw Error(text("no bound for ", at.layer().spec()));
  }
};

TEST(Walks, BoundTheLogitsOfTheBuiltInModelsByIntervals) {
  for (const nn::ModelInfo& info : nn::list_models()) {
    const Sequential net = nn::make_model(info.name, Rng(3));
    const Tensor centre = random_images(net.input().with_front(2));
    const Tensor exact = logits(net, centre);
    for (const real eps : {real{0}, real{0.001F}, real{0.05F}}) {
      Tensor low = centre, high = centre;
      for (real& value : low.mutable_values()) value -= eps;
      for (real& value : high.mutable_values()) value += eps;
      const Interval bound = nn::walk_forward(net, Interval{low, high}, Intervals());
      Stream stream = Rng(4).stream("points");
      for (int draw = 0; draw < 5; ++draw) {
        Tensor inside = centre;
        for (real& value : inside.mutable_values()) value += eps * (2 * stream.uniform() - 1);
        const Tensor given = logits(net, inside);
        for (std::size_t k = 0; k < given.size(); ++k) {
          EXPECT_GE(given.data()[k], bound.low.data()[k] - 1e-4F) << info.name << " " << eps;
          EXPECT_LE(given.data()[k], bound.high.data()[k] + 1e-4F) << info.name << " " << eps;
        }
      }
      for (std::size_t k = 0; k < exact.size(); ++k) {
        const real width = bound.high.data()[k] - bound.low.data()[k];
        EXPECT_NEAR((bound.low.data()[k] + bound.high.data()[k]) / 2, exact.data()[k], width / 2 + 1e-4) << info.name;
        EXPECT_TRUE(eps == 0 ? std::abs(width) < 1e-4F : width > 1e-4F) << info.name << " " << width;
      }
    }
  }
  const Sequential other = Sequential::parse("2x2x1;tanh;flatten", Rng(1));
  const Tensor image = random_images({1, 2, 2, 1});
  EXPECT_EQ(error_of([&] { (void)nn::walk_forward(other, Interval{image, image}, Intervals()); }), "no bound for tanh");
}

// --- a gradient: each layer hands its operands what they add to the logits -----------------------------------

/// Remembers what each layer gives.
struct Outputs {
  Tensor operator()(const auto&, const LayerAt& at, std::span<Tensor> x) {
    of_layer.push_back(run(at, x, at.weights()));
    return of_layer.back();
  }
  std::vector<Tensor> of_layer = {};
};

/// The layer alone, on a tape of its own.
struct Gradients {
  std::vector<Tensor> operator()(const auto&, const LayerAt& at, const Tensor& gradient) const {
    Tape tape;
    std::vector<Var> x, w;
    for (const nn::Source& source : at.sources) {
      const bool image = source.layer == nn::Source::images;
      x.push_back(tape.watch(image ? images : of_layer[source.layer]));
    }
    for (const Tensor& each : at.weights()) w.push_back(tape.constant(each));
    std::vector<Tensor> all(x.size());
    if (x.empty()) return all;
    tape.gradients(at.layer()(tape, x, {w, at.buffers(), {}, at.position}), gradient, x, all);
    return all;
  }
  const Tensor& images;
  const std::vector<Tensor>& of_layer;
};

Tensor sum(const Tensor& a, const Tensor& b) {
  Tape tape;
  return (tape.constant(a) + tape.constant(b)).value();
}

TEST(Walks, CarryGradientsBackAsTheTapeDoes) {
  for (const char* architecture :
       {"2x3x1;flatten;linear:units=4;tanh;linear:units=3",
        "4x4x2;conv2d:filters=2,kernel=3,padding=same;relu;conv2d:filters=2,kernel=3,padding=same;add:of=1/2;relu;"
        "flatten;linear:units=3",
        "3x3x1;flatten;linear:units=9;sigmoid;add:of=0/2;multiply:of=3/3;concat:axis=0,of=4/2/0;linear:units=2",
        "2x2x1;constant:shape=2x2x1;multiply:of=input/0;add:of=input/1;flatten;linear:units=2"}) {
    const Sequential net = Sequential::parse(architecture, Rng(7));
    const Tensor images = random_images(net.input().with_front(3));
    Outputs outputs;
    const Tensor given = nn::walk_forward(net, images, outputs);
    EXPECT_TRUE(identical(given, logits(net, images))) << architecture;
    Tensor one(given.shape());  // the gradient of logit 1
    for (std::size_t n = 0; n < 3; ++n) one.mutable_data()[n * net.classes() + 1] = 1;
    const std::size_t last = net.layers().size() - 1;
    const Gradients gradients{images, outputs.of_layer};
    const Tensor walked = nn::walk_backward(net, last, one, gradients, sum);
    Tape tape;
    const Var x = tape.watch(images);
    Tensor taped;
    tape.gradients(net.logits(x), one, {&x, 1}, {&taped, 1});
    ASSERT_EQ(walked.shape(), taped.shape());
    for (std::size_t k = 0; k < taped.size(); ++k) {
      EXPECT_NEAR(walked.data()[k], taped.data()[k], 1e-6) << architecture << " " << k;
    }
  }
}

// Paths from the images to a layer, counted: by each walk, and from a layer in the middle.
TEST(Walks, GoThroughEachUseOfALayerOnce) {
  const Sequential net =
      Sequential::parse("2x2x1;flatten;add:of=0/0;constant:shape=4;multiply:of=1/2;concat:axis=0,of=3/1/0", Rng(1));
  std::vector<std::size_t> met;
  const auto add_up = [](const auto&, const LayerAt&, std::span<int> x) {
    int all = 0;
    for (const int each : x) all += each;
    return all;
  };
  const auto share = [&](const auto&, const LayerAt& at, int value) {
    met.push_back(at.position);
    return std::vector<int>(at.sources.size(), value);
  };
  EXPECT_EQ(nn::walk_forward(net, 1, add_up), 5);
  EXPECT_EQ(nn::walk_backward(net, 4, 1, share), 5);
  EXPECT_EQ(met, (std::vector<std::size_t>{4, 3, 2, 1, 0}));
  met.clear();
  EXPECT_EQ(nn::walk_backward(net, 1, 1, share), 2);
  EXPECT_EQ(met, (std::vector<std::size_t>{1, 0}));
  EXPECT_EQ(error_of([&] { (void)nn::walk_backward(net, 2, 1, share); }), "layer 2 does not depend on the images");
  EXPECT_EQ(error_of([&] { (void)nn::walk_backward(net, 5, 1, share); }), "layer 5 of a network of 5");
  const auto too_few = [](const auto&, const LayerAt&, int) { return std::vector<int>{}; };
  EXPECT_EQ(error_of([&] { (void)nn::walk_backward(net, 4, 1, too_few); }), "layer 4 has 3 operands, not 0");
}

// Values are moved where nobody needs them any more: such a walk needs copies only where the graph forks.
TEST(Walks, HoldNoMoreValuesThanAreNeeded) {
  const Sequential net = Sequential::parse("2x2x1;flatten;relu;relu;relu;add:of=1/3", Rng(1));
  const auto token = std::make_shared<int>();
  std::vector<std::pair<std::size_t, long>> held;
  (void)nn::walk_forward(net, token, [&](const auto&, const LayerAt& at, std::span<std::shared_ptr<int>> x) {
    held.emplace_back(at.position, token.use_count());
    return x[0];
  });
  EXPECT_EQ(held, (std::vector<std::pair<std::size_t, long>>{{0, 2}, {1, 2}, {2, 3}, {3, 3}, {4, 3}}));
}

// --- the settings behind a layer -----------------------------------------------------------------------------

TEST(Layers, ShowTheirSettingsInTheirOwnType) {
  const nn::Layer layer = nn::Conv2d{.filters = 3, .kernel = nn::Extent(2, 5)};
  ASSERT_NE(layer.as<nn::Conv2d>(), nullptr);
  EXPECT_EQ(layer.as<nn::Conv2d>()->filters, 3U);
  EXPECT_EQ(layer.as<nn::Linear>(), nullptr);
  EXPECT_NE(layer.of({nn::Source{}}).as<nn::Conv2d>(), nullptr);
  EXPECT_NE(nn::Layer(hans::relu).as<nn::Relu>(), nullptr);
  EXPECT_NE(nn::Layer(hans::operator+).as<nn::Add>(), nullptr);
  EXPECT_EQ(nn::Layer(hans::operator+).as<nn::Subtract>(), nullptr);
  EXPECT_EQ(nn::Layer(nn::Preprocess{}).as<nn::Normalize>(), nullptr) << "it is another layer";
}

struct Foreign {
  static constexpr std::string_view name = "foreign", meaning = "a layer of another program";
  static constexpr auto fields() { return std::tuple(); }
  Var operator()(const Var& x, const nn::Run&) const { return x; }
};

TEST(Layers, AreVisitedByTheirTypes) {
  const auto name = [](const auto& settings) { return settings.name; };
  for (const nn::LayerInfo& info : nn::list_layers()) {
    std::string spec = info.name;
    for (const auto& [key, value] :
         std::map<std::string, std::string>{{"conv2d", "filters=1,kernel=1"},
                                            {"conv_transpose2d", "filters=1,kernel=1,size=1"},
                                            {"linear", "units=1"},
                                            {"max_pool2d", "kernel=1"},
                                            {"average_pool2d", "kernel=1"},
                                            {"dropout", "rate=0"},
                                            {"gaussian_noise", "sigma=0"},
                                            {"reshape", "shape=1"},
                                            {"transpose", "order=0"},
                                            {"take", "axis=0,count=1"},
                                            {"concat", "axis=0"},
                                            {"reduce", "by=sum,axes=0"},
                                            {"constant", "shape=1"}}) {
      if (key == info.name) spec += ":" + value;
    }
    EXPECT_EQ(nn::visit(nn::Layer::from_spec(Spec::parse(spec)), name), info.name);
  }
  EXPECT_EQ(error_of([&] { (void)nn::visit(nn::Layer(Foreign()), name); }),
            "layer 'foreign' is none of those that hans list layers shows");
}

}  // namespace
}  // namespace hans::walk_test
