// What a tape records, what a backward pass visits, and what both cost.
#include <hans/autodiff/tape.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <hans/autodiff/grad.hpp>
#include <hans/autodiff/ops.hpp>
#include <hans/core/error.hpp>
#include <hans/core/rng.hpp>
#include <hans/nn/sequential.hpp>

namespace hans::tape_test {
namespace {

using Vars = std::span<const Var>;

Tensor normals(const Shape& shape, std::string_view name = "tape test") {
  Tensor made(shape);
  Rng(5).stream(name).normals(made.mutable_values());
  return made;
}

Tensor tensor(const Shape& shape, std::vector<float> values) { return Tensor(shape, values); }
std::vector<float> numbers(const Tensor& t) { return {t.values().begin(), t.values().end()}; }

nn::Sequential small_net() {
  return nn::Sequential::parse("6x6x2;conv2d:filters=5,kernel=3;relu;max_pool2d:kernel=2;flatten;linear:units=3",
                               Rng(2));
}

/// The one input's gradient of a function.
template <class Function>
Tensor gradient_of(Function f, const Tensor& x) {
  return value_and_grad(f, x).gradient;
}

/// An operation that passes its first input on and notes which gradients were asked of it.
struct Probe {
  int visits = 0;
  std::vector<bool> wanted;

  Var operator()(const Var& a, const Var& b) {
    return a.tape().record("probe", a.value(), {&a, &b}, [this](Tensor g, Inputs& in) {
      ++visits;
      wanted = {in.wants(0), in.wants(1)};
      in.add(0, g);
      in.add(1, Tensor());  // must be harmless where nobody wants it
    });
  }
};

// --- cost ------------------------------------------------------------------------------------------

TEST(TapeCost, DoublingIsLinear) {
  Tape tape;
  const Var x = tape.watch(Tensor::full({1}, 1));
  const std::size_t before = tape.operations();
  Var y = x;
  for (int i = 0; i < 60; ++i) y = y + y;
  EXPECT_EQ(tape.operations() - before, 60U);
  Tensor gradient;
  tape.gradients(y, Tensor::full({1}, 1), {&x, 1}, {&gradient, 1});
  EXPECT_EQ(gradient.data()[0], 0x1p60F);
  EXPECT_EQ(y.value().data()[0], 0x1p60F);
}

TEST(TapeCost, ALongChainNeedsNoStack) {
  constexpr std::size_t length = 100000;
  Tensor gradient;
  {
    Tape tape;
    const Var x = tape.watch(Tensor::full({1}, 0.5F));
    const Var one = tape.constant(Tensor::full({1}, 1));
    Var y = x;
    for (std::size_t i = 0; i < length; ++i) y = y * one;  // its closure holds both operands
    EXPECT_EQ(tape.operations(), length + 1);
    tape.gradients(y, Tensor::full({1}, 3), {&x, 1}, {&gradient, 1});
  }  // the tape goes, with all its closures
  EXPECT_EQ(gradient.data()[0], 3);
}

TEST(TapeCost, ASteadyStateTakesNoMemory) {
  nn::Sequential net = small_net();
  const Tensor images = normals({7, 6, 6, 2});
  const std::vector<int> labels{0, 1, 2, 0, 1, 2, 0};
  const Tensor seed = Tensor::full({7}, 0.25F);
  std::vector<Tensor> gradients(net.weights().size());
  Tape tape;
  const auto train = [&] {
    (void)value_and_grads(
        tape, [&](Vars w) { return cross_entropy(net.forward(w, tape.constant(images)), labels); }, net.weights(), seed,
        gradients);
    tape.clear();
    for (std::size_t w = 0; w < gradients.size(); ++w) {
      Tensor& weight = net.mutable_weights()[w];
      const float* const place = weight.data();
      for (std::size_t k = 0; k < weight.size(); ++k) weight.mutable_data()[k] -= gradients[w].data()[k];
      EXPECT_EQ(weight.data(), place) << "the tape still held weight " << w;
    }
  };
  train();
  train();
  const std::size_t bytes = tape.bytes();
  EXPECT_GT(bytes, 0U);
  for (int i = 0; i < 5; ++i) train();
  EXPECT_EQ(tape.bytes(), bytes);
}

TEST(TapeCost, AttackingShrinkingBatchesTakesNoMemory) {
  const nn::Sequential net = small_net();
  Tape tape;
  Tensor x = normals({9, 6, 6, 2});
  const auto attack = [&](std::size_t samples) {
    return value_and_grad(
               tape, [&](const Var& v) { return sum_rows(net(v)); }, x.rows(0, samples))
        .gradient;
  };
  (void)attack(9);
  (void)attack(9);
  const std::size_t bytes = tape.bytes();
  for (std::size_t samples = 9; samples > 0; --samples) {
    const Tensor found = attack(samples);
    Tape fresh;
    EXPECT_TRUE(identical(found, value_and_grad(
                                     fresh, [&](const Var& v) { return sum_rows(net(v)); }, x.rows(0, samples))
                                     .gradient));
  }
  EXPECT_EQ(tape.bytes(), bytes);
}

// --- only what was asked for -----------------------------------------------------------------------

TEST(Tapes, ConstantsRecordNothing) {
  const nn::Sequential net = small_net();
  Tape tape;
  const Var logits = net(tape.constant(normals({2, 6, 6, 2})));
  const Var loss = sum(cross_entropy(logits, std::vector<int>{0, 1}));
  EXPECT_EQ(tape.operations(), 0U);
  EXPECT_FALSE(loss.tracked());
}

TEST(Tapes, AnAttackLeavesWeightsAlone) {
  const nn::Sequential net = small_net();
  const std::vector<Tensor> before(net.weights().begin(), net.weights().end());
  const Tensor x = normals({3, 6, 6, 2});
  const Tensor g = gradient_of([&](const Var& v) { return cross_entropy(net(v), std::vector<int>{0, 1, 2}); }, x);
  EXPECT_EQ(g.shape(), x.shape());
  for (std::size_t w = 0; w < before.size(); ++w) {
    EXPECT_EQ(net.weights()[w].data(), before[w].data());
    EXPECT_TRUE(identical(net.weights()[w], before[w]));
  }
}

TEST(Tapes, OnlyWantedInputsAreAskedFor) {
  Tape tape;
  const Var x = tape.watch(normals({3}));
  const Var w = tape.watch(normals({3}));
  const Var fixed = tape.constant(normals({3}));
  const Tensor seed = Tensor::full({3}, 1);
  Probe attack, training, elsewhere;
  const Var y = attack(x * fixed, fixed) + training(fixed, w * fixed);
  const Var unused = elsewhere(x, w);
  Tensor gradient;
  tape.gradients(y, seed, {&x, 1}, {&gradient, 1});
  EXPECT_EQ(attack.wanted, (std::vector<bool>{true, false}));
  EXPECT_EQ(training.visits, 0);  // leads to w only
  EXPECT_TRUE(identical(gradient, fixed.value()));

  const Var product = attack(x, w);
  tape.gradients(product, seed, {&x, 1}, {&gradient, 1});
  EXPECT_EQ(attack.wanted, (std::vector<bool>{true, false}));  // w is watched, but was not asked for
  EXPECT_EQ(elsewhere.visits, 0);
  EXPECT_TRUE(unused.tracked());
}

TEST(Tapes, TrainingComputesNoInputGradient) {
  const nn::Sequential net = small_net();
  Tape tape;
  std::vector<Var> weights;
  for (const Tensor& weight : net.weights()) weights.push_back(tape.watch(weight));
  Probe probe;
  const Var images = tape.constant(normals({2, 6, 6, 2}));
  const Var y = net.forward(weights, probe(images, images));
  EXPECT_EQ(probe.visits, 0);
  std::vector<Tensor> gradients(weights.size());
  tape.gradients(y, Tensor::full(y.shape(), 1), weights, gradients);
  EXPECT_EQ(probe.visits, 0);
  EXPECT_TRUE(y.tracked());
}

TEST(Tapes, GradientsOfInnerValuesAndOfNothing) {
  Tape tape;
  const Var x = tape.watch(tensor({2}, {3, 4}));
  const Var apart = tape.watch(normals({5, 2}));
  const Var middle = x * x;
  const Var y = middle * middle;
  const std::vector<Var> targets{middle, x, apart, x, y};
  std::vector<Tensor> gradients(targets.size());
  tape.gradients(y, tensor({2}, {1, 10}), targets, gradients);
  EXPECT_EQ(numbers(gradients[0]), (std::vector<float>{18, 320}));    // 2 x^2
  EXPECT_EQ(numbers(gradients[1]), (std::vector<float>{108, 2560}));  // 4 x^3
  EXPECT_TRUE(identical(gradients[2], Tensor(Shape{5, 2})));
  EXPECT_TRUE(identical(gradients[3], gradients[1]));
  EXPECT_EQ(numbers(gradients[4]), (std::vector<float>{1, 10}));
}

TEST(Tapes, NestedTapesAreIndependent) {
  const nn::Sequential net = small_net();
  const Tensor images = normals({3, 6, 6, 2});
  const std::vector<int> labels{2, 0, 1};
  const auto attacked = [&] {
    Tensor moved = images;
    const Tensor g = gradient_of([&](const Var& v) { return cross_entropy(net(v), labels); }, images);
    for (std::size_t k = 0; k < moved.size(); ++k) moved.mutable_data()[k] += 0.1F * g.data()[k];
    return moved;
  };
  const auto gradients = [&](const auto& make_images) {
    Tape tape;
    std::vector<Tensor> found(net.weights().size());
    (void)value_and_grads(
        tape,
        [&](Vars w) {
          const Var first = net.forward(w, tape.constant(images));
          const Tensor other = make_images();
          const Var second = net.forward(w, tape.constant(other));
          return cross_entropy(first, labels) + cross_entropy(second, labels);
        },
        net.weights(), Tensor::full({3}, 1), found);
    return found;
  };
  const Tensor made_before = attacked();
  const std::vector<Tensor> outside = gradients([&] { return made_before; });
  const std::vector<Tensor> inside = gradients(attacked);
  for (std::size_t w = 0; w < outside.size(); ++w) EXPECT_TRUE(identical(inside[w], outside[w])) << w;
}

// A compiler may record the operands of a sum in any order; the gradient may not show which.
TEST(Tapes, TheOrderOfRecordingDoesNotCount) {
  const Tensor value = normals({50});
  const std::array<Tensor, 3> factor{normals({50}, "first"), normals({50}, "second"), normals({50}, "third")};
  std::array<std::size_t, 3> order{0, 1, 2};
  std::vector<Tensor> found;
  do {
    Tape tape;
    const Var x = tape.watch(value);
    std::array<Var, 3> product;
    for (const std::size_t k : order) product[k] = x * tape.constant(factor[k]);
    const Var y = product[0] + product[1] + product[2];
    tape.gradients(y, Tensor::full({50}, 1), {&x, 1}, {&found.emplace_back(), 1});
  } while (std::ranges::next_permutation(order).found);
  ASSERT_EQ(found.size(), 6U);
  for (const Tensor& gradient : found) EXPECT_TRUE(identical(gradient, found[0]));
}

TEST(Tapes, BackwardAgainWithAnotherSeed) {
  const Tensor x = tensor({2, 2}, {1, 2, 3, 4});
  const auto f = [](const Var& v) {
    const Var weights = v.tape().constant(Tensor(Shape{2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6}));
    return linear(v * v, weights);
  };
  const ValueAndJacobian found = jacobian(f, x);
  EXPECT_EQ(numbers(found.value), (std::vector<float>{17, 22, 27, 73, 98, 123}));
  EXPECT_EQ(found.jacobian.shape(), (Shape{3, 2, 2}));
  // d y_j / d x_i = 2 x_i w_ij, for j, then sample, then i
  EXPECT_EQ(numbers(found.jacobian), (std::vector<float>{2, 16, 6, 32, 4, 20, 12, 40, 6, 24, 18, 48}));
  EXPECT_THROW((void)jacobian([](const Var& v) { return sum(v); }, x), Error);
}

// --- refusals --------------------------------------------------------------------------------------

TEST(Tapes, RefuseWrongRequests) {
  Tape tape, other;
  const Var x = tape.watch(Tensor::full({2}, 1));
  const Var y = x * x;
  const Var fixed = tape.constant(Tensor::full({2}, 1));
  const Var foreign = other.watch(Tensor::full({2}, 1));
  const Tensor seed = Tensor::full({2}, 1);
  Tensor gradient;
  const std::span<Tensor> into(&gradient, 1);
  EXPECT_THROW(tape.gradients(y, Tensor::full({3}, 1), {&x, 1}, into), Error);
  EXPECT_THROW(tape.gradients(y, seed, {&fixed, 1}, into), Error);
  EXPECT_THROW(tape.gradients(y, seed, {&foreign, 1}, into), Error);
  EXPECT_THROW(tape.gradients(foreign, seed, {&x, 1}, into), Error);
  EXPECT_THROW(tape.gradients(Var(), seed, {&x, 1}, into), Error);
  EXPECT_THROW(tape.gradients(y, seed, {&x, 1}, {}), Error);
  EXPECT_THROW((void)(x * foreign), Error);
  tape.gradients(y, seed, {&x, 1}, into);  // and none of that did harm
  EXPECT_EQ(numbers(gradient), (std::vector<float>{2, 2}));
}

TEST(Tapes, AFailedBackwardPassLeavesNoTrace) {
  Tape tape;
  const Var x = tape.watch(Tensor::full({2}, 1));
  bool fail = true;
  const Var weak = tape.record("weak", x.value(), {&x}, [&fail](Tensor g, Inputs& in) {
    check(!fail, "as asked");
    in.add(0, std::move(g));
  });
  const Var y = weak + x;
  const Tensor seed = Tensor::full({2}, 1);
  Tensor gradient;
  EXPECT_THROW(tape.gradients(y, seed, {&x, 1}, {&gradient, 1}), Error);
  fail = false;
  tape.gradients(y, seed, {&x, 1}, {&gradient, 1});
  EXPECT_EQ(numbers(gradient), (std::vector<float>{2, 2}));
}

// --- rearranged weights ----------------------------------------------------------------------------

TEST(Tapes, RearrangedWeightsFollowTheImage) {
  // The same constant weights over images of several sizes, on one tape.
  const Tensor weights = normals({2, 2, 3, 17}, "weights");
  Tape tape;
  for (const std::size_t side : {2U, 5U, 2U, 3U}) {
    const auto f = [&](const Var& v) {
      const Window window{side == 3 ? 2U : 1U, 1};
      return conv2d(v, v.tape().constant(weights), {}, window);
    };
    const Tensor x = normals({2, side, side, 3}, "images");
    const ValueAndGrad fresh = value_and_grad(f, x);
    const ValueAndGrad kept = value_and_grad(tape, f, x);
    EXPECT_TRUE(identical(kept.value, fresh.value)) << side;
    EXPECT_TRUE(identical(kept.gradient, fresh.gradient)) << side;
  }
}

TEST(Tapes, HelpersShareRearrangedWeights) {
  const Tensor weights = normals({4, 3}, "weights");
  Tape tape;
  int made = 0;
  const auto arrange = [&](Tape& by) {
    return by.arranged(weights, 100, [&](const Tensor& given) {
      ++made;
      return Tensor(given.shape(), given.values());
    });
  };
  const Tensor first = arrange(tape.helper(1));
  EXPECT_EQ(&tape.helper(1), &tape.helper(1));
  EXPECT_NE(&tape.helper(0), &tape.helper(1));
  EXPECT_EQ(arrange(tape).data(), first.data());
  EXPECT_EQ(arrange(tape.helper(0)).data(), first.data());
  EXPECT_EQ(made, 1);
  tape.helper(0).watch(weights);
  const std::size_t before = tape.bytes();
  (void)tape.helper(0).make({1000});
  EXPECT_GT(tape.bytes(), before);
  tape.clear();
  EXPECT_EQ(tape.helper(0).operations(), 0U);
  arrange(tape.helper(0));
  EXPECT_EQ(made, 2);
}

TEST(Tapes, ChangedWeightsAreRearrangedAgain) {
  Tensor weights = normals({4, 3}, "weights");
  const Tensor x = normals({2, 4}, "x");
  Tape tape;
  const auto product = [&] { return linear(tape.constant(x), tape.constant(weights)).value(); };
  const Tensor before = product();
  weights.mutable_data()[0] += 1;
  const Tensor after = product();
  EXPECT_FALSE(identical(before, after));
  Tape fresh;
  EXPECT_TRUE(identical(after, linear(fresh.constant(x), fresh.constant(weights)).value()));
}

}  // namespace
}  // namespace hans::tape_test
