// What lies at the ends of the range of arguments: batches of nothing, rows at odd addresses, extents beyond all
// memory, and threads that compute in another way.
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hans/attacks/judge.hpp>
#include <hans/autodiff/grad.hpp>
#include <hans/autodiff/ops.hpp>
#include <hans/core/kernels.hpp>
#include <hans/core/rng.hpp>
#include <hans/defenses/adversarial.hpp>
#include <hans/defenses/awp.hpp>
#include <hans/defenses/fast.hpp>
#include <hans/defenses/trades.hpp>
#include <hans/nn/evaluate.hpp>
#include <hans/nn/trainer.hpp>

#include "../attacks/attacks_testing.hpp"
#include "../nn/fit_testing.hpp"

namespace hans::bounds_test {
namespace {

using Vars = std::span<const Var>;
using testing_data::error_of;

constexpr std::size_t largest = std::numeric_limits<std::size_t>::max();

Tensor normals(const Shape& shape, std::string_view name) {
  Tensor made(shape);
  Rng(8).stream(name).normals(made.mutable_values());
  return made;
}

/// An operation on a batch, its first input, and on what else it takes.
struct Row {
  std::string name;
  std::vector<Shape> inputs;  // the first without its samples
  std::function<Var(Vars)> f;
};

std::vector<Row> all_operations() {
  static constexpr std::array<std::uint32_t, 3> samples{5, 0, 17};
  const auto few = [](Vars v) { return std::span(samples).first(v[0].shape()[0]); };
  const auto labels = [](Vars v) { return std::vector<int>(v[0].shape()[0], 2); };
  return {
      {"add", {{3, 5}, {3, 5}}, [](Vars v) { return v[0] + v[1]; }},
      {"add a row", {{5}, {1, 5}}, [](Vars v) { return v[1] + v[0]; }},
      {"subtract", {{3, 5}, {5}}, [](Vars v) { return v[0] - v[1]; }},
      {"multiply", {{3, 5}, {3, 1}}, [](Vars v) { return v[0] * v[1]; }},
      {"divide", {{3, 5}, {}}, [](Vars v) { return v[0] / v[1]; }},
      {"numbers", {{3, 5}}, [](Vars v) { return -(v[0] * 2 + 1); }},
      {"relu", {{37}}, [](Vars v) { return relu(v[0]); }},
      {"sigmoid", {{37}}, [](Vars v) { return sigmoid(v[0]); }},
      {"tanh", {{37}}, [](Vars v) { return tanh(v[0]); }},
      {"exp", {{37}}, [](Vars v) { return exp(v[0]); }},
      {"log", {{37}}, [](Vars v) { return log(v[0] * v[0]); }},
      {"dropout",
       {{37}},
       [few](Vars v) {
         return dropout(v[0], 0.5F, {Rng(1), 2, few(v)}, "bounds");
       }},
      {"flatten", {{3, 5}}, [](Vars v) { return flatten(v[0]); }},
      {"sum", {{3, 5}}, [](Vars v) { return sum(v[0]); }},
      {"sum_rows", {{3, 7}}, [](Vars v) { return sum_rows(v[0]); }},
      {"softmax", {{7}}, [](Vars v) { return softmax(v[0]); }},
      {"log_softmax", {{7}}, [](Vars v) { return log_softmax(v[0]); }},
      {"cross_entropy", {{7}}, [labels](Vars v) { return cross_entropy(v[0], labels(v)); }},
      {"smoothed", {{7}}, [labels](Vars v) { return cross_entropy(v[0], labels(v), 0.1F); }},
      {"linear", {{19}, {19, 35}, {35}}, [](Vars v) { return linear(v[0], v[1], v[2], Activation::relu); }},
      {"linear behind relu", {{19}, {19, 3}}, [](Vars v) { return linear(relu(v[0]), v[1]); }},
      {"narrow conv2d",
       {{7, 6, 1}, {3, 3, 1, 21}, {21}},
       [](Vars v) {
         return conv2d(v[0], v[1], v[2], {1, 2, 1, 1, 0, 2}, Activation::relu);
       }},
      {"wide conv2d",
       {{5, 5, 19}, {2, 3, 19, 5}},
       [](Vars v) {
         return conv2d(relu(v[0]), v[1], {}, {2, 1});
       }},
      {"1x1 conv2d", {{3, 5, 9}, {1, 1, 9, 17}}, [](Vars v) { return conv2d(v[0], v[1]); }},
      {"max_pool2d", {{5, 7, 3}}, [](Vars v) { return max_pool2d(relu(v[0]), 2, 2); }},
      {"overlapping max_pool2d", {{5, 7, 19}}, [](Vars v) { return max_pool2d(v[0], 3, 1); }},
  };
}

struct Found {
  Tensor value;
  std::vector<Tensor> gradients;
};

Found run(const Row& row, const std::vector<Tensor>& inputs) {
  Tape tape;
  Found found{{}, std::vector<Tensor>(inputs.size())};
  const std::span<const Var> watched = tape.watch(inputs);
  const Var output = row.f(watched);
  found.value = output.value();
  tape.gradients(output, tape.full(output.shape(), 1), watched, found.gradients);
  return found;
}

// --- nothing ---------------------------------------------------------------------------------------

TEST(NoSamples, GoThroughEveryOperation) {
  for (const Row& row : all_operations()) {
    SCOPED_TRACE(row.name);
    std::vector<Tensor> inputs{Tensor(row.inputs[0].with_front(0))};
    for (std::size_t k = 1; k < row.inputs.size(); ++k) inputs.push_back(normals(row.inputs[k], "more"));
    if (row.name == "add") inputs[1] = Tensor(Shape{0, 3, 5});
    const Found found = run(row, inputs);
    if (row.name == "sum") {
      EXPECT_TRUE(identical(found.value, Tensor(Shape{})));
    } else {
      EXPECT_EQ(found.value.shape()[0], 0U);
      EXPECT_EQ(found.value.size(), 0U);
    }
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      EXPECT_TRUE(identical(found.gradients[k], Tensor(inputs[k].shape()))) << "gradient " << k;
    }
  }
}

TEST(NoSamples, GoThroughEveryLayer) {
  const nn::Sequential net = nn::Sequential::parse(
      "6x6x2;conv2d:filters=3,kernel=3;relu;max_pool2d:kernel=2;sigmoid;flatten;dropout:rate=0.5;tanh;linear:units=4",
      Rng(1));
  const Tensor none(net.input().with_front(0));
  EXPECT_TRUE(nn::predict(net, none).empty());
  EXPECT_TRUE(nn::predictions(Tensor(Shape{0, 4})).empty());
  EXPECT_EQ(nn::count_correct({}, {}), 0U);
  const DropoutKeys keys{Rng(1), 0, {}};
  const nn::Mode mode{&keys};
  std::vector<Tensor> gradients(net.weights().size());
  Tape tape;
  const Tensor losses = value_and_grads(
      tape,
      [&](Vars weights) {
        return cross_entropy(net.forward(weights, tape.constant(none), mode), std::span<const int>());
      },
      net.weights(), Tensor(Shape{0}), gradients);
  EXPECT_EQ(losses.shape(), Shape{0});
  for (std::size_t w = 0; w < gradients.size(); ++w) {
    EXPECT_TRUE(identical(gradients[w], Tensor(net.weights()[w].shape()))) << net.weight_names()[w];
  }
}

TEST(NoSamples, GoThroughEveryLoss) {
  const nn::Sequential net = testing_attacks::small_models()[2];
  const data::Samples none = testing_attacks::random_samples(net.input(), 0, 4, 1);
  const DropoutKeys keys{Rng(1), 0, none.index};
  const nn::Mode mode{&keys};
  for (const nn::Loss& loss :
       {nn::cross_entropy_loss(), nn::cross_entropy_loss(0.1F),
        defenses::adversarial_training(testing_attacks::attack("fgsm:eps=0.1")),
        defenses::adversarial_training(testing_attacks::attack("jsma:gamma=0.1"), {.clean_weight = 0}),
        nn::Loss(defenses::Defense(defenses::Trades{.eps = 0.1F})),
        nn::Loss(defenses::Defense(defenses::Fast{.eps = 0.1F})),
        nn::Loss(defenses::Defense(defenses::Awp{.of = defenses::Trades{.eps = 0.1F}}))}) {
    Tape tape, aside;
    nn::Kept kept;
    const std::span<const Var> weights = tape.watch(net.weights());
    EXPECT_EQ(loss({{net, none, aside, Rng(1), 0, 1, kept}, weights, mode, tape}).shape(), Shape{0}) << loss.spec();
  }
}

TEST(NoSamples, GoThroughEveryLossOfIntervals) {
  const nn::Sequential net =
      nn::Sequential::parse("4x4x1;conv2d:filters=2,kernel=3;relu;flatten;linear:units=4", Rng(1));
  const data::Samples none = testing_attacks::random_samples(net.input(), 0, 4, 1);
  const DropoutKeys keys{Rng(1), 0, none.index};
  const nn::Mode mode{&keys};
  for (const std::string_view spec : {"ibp:eps=0.1,ramp=1,regularize=1", "mtl-ibp:eps=0.1,ramp=1,alpha=0.5",
                                      "sabr:eps=0.1,ramp=1,lambda=0.5", "crown-ibp:eps=0.1,ramp=1"}) {
    Tape tape, aside;
    nn::Kept kept;
    const std::span<const Var> weights = tape.watch(net.weights());
    const nn::Loss loss = defenses::Defense::from_spec(Spec::parse(spec));
    EXPECT_EQ(loss({{net, none, aside, Rng(1), 5, 10, kept}, weights, mode, tape}).shape(), Shape{0}) << spec;
  }
}

TEST(NoSamples, AreJudgedButNoDataSet) {
  const nn::Sequential net = testing_attacks::small_models()[0];
  const data::Samples none = testing_attacks::random_samples(net.input(), 0, 4, 1);
  const attacks::Budget budget{attacks::Norm::linf, 0.1, {}, false};
  for (const attacks::Goal& goal : {away_from({}), towards(2)}) {
    const attacks::Outcome outcome = attacks::judge(net, none, none.images, goal, budget);
    EXPECT_TRUE(outcome.findings.empty());
    EXPECT_EQ(outcome.successes(), 0U);
  }
  EXPECT_NE(error_of([] { data::Dataset("none", {6, 6, 1}, std::string(), {}, 4); }), "no error");
}

TEST(NoWeights, AreNoWorkForAnyOptimizer) {
  for (const nn::OptimizerInfo& info : nn::list_optimizers()) {
    nn::Optimizer optimizer = nn::Optimizer::from_spec(Spec::parse(info.name));
    std::vector<Tensor> weights{Tensor(Shape{0}), Tensor(Shape{3, 0})};
    const std::vector<Tensor> gradients = weights;
    optimizer.step(weights, gradients);
    EXPECT_EQ(optimizer.steps(), 1U) << info.name;
    EXPECT_EQ(weights[1].shape(), (Shape{3, 0})) << info.name;
    nn::Optimizer unused = nn::Optimizer::from_spec(Spec::parse(info.name));
    unused.step({}, {});
    EXPECT_EQ(unused.steps(), 1U) << info.name;
  }
  EXPECT_EQ(nn::clip_gradients({}, 1), 0);
}

TEST(NoChannels, AreSumsOfNothing) {
  Tape tape;
  const auto zeros = [&](const Shape& shape) { return tape.constant(Tensor(shape)); };
  const Var bias = tape.constant(Tensor::full({5}, 2));
  EXPECT_TRUE(identical(conv2d(zeros({2, 4, 4, 0}), zeros({3, 3, 0, 5}), bias).value(), Tensor::full({2, 2, 2, 5}, 2)));
  EXPECT_TRUE(identical(linear(zeros({2, 0}), zeros({0, 5}), bias).value(), Tensor::full({2, 5}, 2)));
  EXPECT_EQ(conv2d(zeros({2, 4, 4, 3}), zeros({3, 3, 3, 0})).shape(), (Shape{2, 2, 2, 0}));
  EXPECT_EQ(max_pool2d(zeros({2, 4, 4, 0}), 2, 2).shape(), (Shape{2, 2, 2, 0}));
}

// --- odd addresses ---------------------------------------------------------------------------------

/// The same numbers as rows of a larger tensor, `by` numbers behind the start of its aligned memory.
Tensor displaced(const Tensor& tensor, std::size_t by) {
  Tensor whole(Shape{by + tensor.size()});
  std::ranges::copy(tensor.values(), whole.mutable_data() + by);
  return whole.rows(by, tensor.size()).reshaped(tensor.shape());
}

TEST(OddAddresses, MakeNoDifferenceToAnyOperation) {
  const std::string before(kernels::selected());
  for (const std::string& set : kernels::available()) {
    kernels::select(set);
    for (const Row& row : all_operations()) {
      SCOPED_TRACE(text(row.name, " by ", set));
      std::vector<Tensor> inputs{normals(row.inputs[0].with_front(3), "x")};
      for (std::size_t k = 1; k < row.inputs.size(); ++k) inputs.push_back(normals(row.inputs[k], text(k)));
      const Found expected = run(row, inputs);
      for (const std::size_t by : {1U, 3U, 7U, 15U}) {
        std::vector<Tensor> moved;
        for (const Tensor& input : inputs) moved.push_back(displaced(input, by));
        ASSERT_NE(reinterpret_cast<std::uintptr_t>(moved[0].data()) % 64, 0U);
        const Found found = run(row, moved);
        EXPECT_TRUE(identical(found.value, expected.value)) << by;
        for (std::size_t k = 0; k < inputs.size(); ++k) {
          EXPECT_TRUE(identical(found.gradients[k], expected.gradients[k])) << by << " gradient " << k;
          EXPECT_TRUE(identical(moved[k], inputs[k])) << by << " input " << k << " was written to";
        }
      }
    }
  }
  kernels::select(before);
}

TEST(OddAddresses, MakeNoDifferenceToNetworksAndAttacks) {
  for (const nn::Sequential& net : testing_attacks::small_models()) {
    nn::Sequential other = net;
    std::vector<Tensor> weights;
    for (const Tensor& weight : net.weights()) weights.push_back(displaced(weight, 5));
    other.set_weights(weights);
    const data::Samples samples = testing_attacks::random_samples(net.input(), 6, 4, 2);
    data::Samples moved = samples;
    moved.images = displaced(samples.images, 11);
    EXPECT_EQ(nn::predict(other, moved.images), nn::predict(net, samples.images));
    for (const std::string_view spec : {"fgsm:eps=0.1", "fgsm:eps=0.1,norm=l2", "jsma:gamma=0.2,of=logits"}) {
      const attacks::Attack attack = testing_attacks::attack(spec);
      const attacks::Goal goal = testing_attacks::goal_for(attack, samples.labels, 4);
      EXPECT_TRUE(identical(attack(other, moved, goal).images, attack(net, samples, goal).images)) << spec;
    }
    nn::Optimizer optimizers[2]{nn::Adam{}, nn::Adam{}};
    nn::Sequential first = net;
    nn::Trainer(first, optimizers[0], nn::cross_entropy_loss(), Rng(0), 0.1).step(samples, 0);
    nn::Trainer(other, optimizers[1], nn::cross_entropy_loss(), Rng(0), 0.1).step(moved, 0);
    for (std::size_t w = 0; w < weights.size(); ++w) {
      EXPECT_TRUE(identical(first.weights()[w], other.weights()[w])) << net.weight_names()[w];
      EXPECT_TRUE(identical(weights[w], net.weights()[w])) << "a shared copy was changed";
    }
  }
}

TEST(OddAddresses, OfASpanAreCopied) {
  const Tensor numbers = normals({20}, "numbers");
  std::vector<real> all(21);
  std::ranges::copy(numbers.values(), all.begin() + 1);
  const Tensor made({4, 5}, std::span(all).subspan(1));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(made.data()) % 64, 0U);
  EXPECT_TRUE(identical(made, numbers.reshaped({4, 5})));
}

// --- too large -------------------------------------------------------------------------------------

TEST(TooLarge, IsRefusedInOneLine) {
  Tape tape;
  const Var image = tape.constant(Tensor(Shape{1, 4, 4, 1}));
  const Var kernel = tape.constant(Tensor(Shape{3, 3, 1, 1}));
  const auto window = [&](std::size_t top, std::size_t bottom, std::size_t left, std::size_t right) {
    (void)conv2d(image, kernel, {}, {1, 1, top, bottom, left, right});
  };
  const std::vector<std::pair<std::string, std::function<void()>>> cases{
      {"padding wraps round", [&] { window(largest, 1, 0, 0); }},
      {"padding wraps round to the right", [&] { window(0, 0, 2, largest); }},
      {"padding of half of all", [&] { window(largest / 2, largest / 2, 0, 0); }},
      {"padding beyond memory", [&] { window(largest / 64, 0, largest / 64, 0); }},
      {"an output beyond memory", [&] { window(std::size_t{1} << 31, 0, std::size_t{1} << 31, 0); }},
      {"a kernel",
       [&] {
         (void)same_window({4, 4, 1}, largest, 1, 1, 1);
       }},
      {"a stride of nothing",
       [&] {
         (void)same_window({4, 4, 1}, 1, 1, 0, 1);
       }},
      {"an image of nothing",
       [&] {
         (void)same_window({4, 0, 1}, 1, 1, 1, 1);
       }},
      {"pooling", [&] { (void)max_pool2d(image, largest, 1); }},
      {"a shape",
       [] {
         (void)Tensor(Shape{largest, largest});
       }},
      {"a tensor", [] { (void)Tensor(Shape{largest / 64}); }},
      {"a full tensor", [] { (void)Tensor::full({largest / 64}, 1); }},
      {"rows", [&] { (void)image.value().rows(1, largest); }},
      {"more rows", [&] { (void)image.value().rows(largest, 2); }},
      {"targets", [] { (void)smoothed_targets(std::vector<int>(8, 1), largest / 4); }},
      {"a batch",
       [] {
         (void)Shape{28, 28, 1}.with_front(largest / 64);
       }},
      {"broadcasting",
       [] {
         (void)broadcast({largest / 64, 1}, {1, 4096});
       }},
      {"samples", [] { (void)testing_fit::quarters(3).samples(2, largest); }},
  };
  for (const auto& [name, call] : cases) {
    const std::string error = error_of(call);
    EXPECT_NE(error, "no error") << name;
    EXPECT_EQ(error.find('\n'), std::string::npos) << name << ": " << error;
  }
}

TEST(TooLarge, AStrideIsNot) {
  Tape tape;
  const Var image = tape.constant(normals({1, 4, 4, 1}, "image"));
  const Var kernel = tape.constant(normals({3, 3, 1, 1}, "kernel"));
  EXPECT_EQ(conv2d(image, kernel, {}, {largest, largest}).shape(), (Shape{1, 1, 1, 1}));
  EXPECT_EQ(max_pool2d(image, 2, largest).shape(), (Shape{1, 1, 1, 1}));
  const Window window = same_window({4, 4, 1}, 3, 3, largest, largest);
  EXPECT_EQ(window.pad_top + window.pad_bottom, 0U);
}

// --- samples that do not fit together --------------------------------------------------------------

TEST(Samples, OfDifferentCountsAreRefused) {
  const nn::Sequential net = testing_attacks::small_models()[0];
  const data::Samples good = testing_attacks::random_samples(net.input(), 4, 4, 1);
  std::vector<data::Samples> all(4, good);
  all[0].index.pop_back();
  all[1].index.clear();
  all[2].labels.pop_back();
  all[3].images = Tensor(Shape{});
  const std::vector<std::size_t> which{0, 2};
  for (const data::Samples& bad : all) {
    EXPECT_NE(error_of([&] { (void)bad.rows(0, 1); }), "no error");
    EXPECT_NE(error_of([&] { (void)bad.select(which); }), "no error");
    for (const std::string_view spec : {"fgsm:eps=0.1", "jsma:gamma=0.2"}) {
      EXPECT_NE(error_of([&] { (void)testing_attacks::attack(spec)(net, bad, towards(1)); }), "no error") << spec;
    }
  }
}

}  // namespace
}  // namespace hans::bounds_test
