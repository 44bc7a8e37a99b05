// What the operations do where finite differences cannot look: at kinks, ties, NaN, infinities and empty batches.
#include <hans/autodiff/ops.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <hans/autodiff/grad.hpp>
#include <hans/core/error.hpp>
#include <hans/core/rng.hpp>

namespace hans::ops_test {
namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

Tensor tensor(const Shape& shape, std::vector<float> values) { return Tensor(shape, values); }
std::vector<float> numbers(const Tensor& t) { return {t.values().begin(), t.values().end()}; }

TEST(Ops, ReluAtItsKink) {
  const Tensor x = tensor({6}, {-1, -0.0F, 0, 2, nan, infinity});
  const ValueAndGrad found = value_and_grad([](const Var& v) { return relu(v); }, x);
  const float* y = found.value.data();
  EXPECT_EQ(y[0], 0);
  EXPECT_FALSE(std::signbit(y[0]));
  EXPECT_TRUE(y[1] == 0 && std::signbit(y[1])) << "-0 stays";
  EXPECT_TRUE(y[2] == 0 && !std::signbit(y[2]));
  EXPECT_TRUE(std::isnan(y[4])) << "NaN passes";
  EXPECT_EQ(y[5], infinity);
  EXPECT_EQ(numbers(found.gradient), (std::vector<float>{0, 0, 0, 1, 0, 1}));
}

TEST(Ops, FusedReluIsRelu) {
  const Tensor x = tensor({5, 1}, {-1, -0.0F, 0, 2, nan});
  const auto one = [](const Var& v) { return v.tape().constant(Tensor::full({1, 1}, 1)); };
  const auto fused = value_and_grad([&](const Var& v) { return linear(v, one(v), {}, Activation::relu); }, x);
  const auto apart = value_and_grad([&](const Var& v) { return relu(linear(v, one(v))); }, x);
  EXPECT_TRUE(identical(fused.value, apart.value));
  EXPECT_TRUE(identical(fused.gradient, apart.gradient));
  EXPECT_TRUE(std::isnan(fused.value.data()[4]));
}

TEST(Ops, MaxPoolTiesGoToTheFirst) {
  const Tensor same = Tensor::full({1, 2, 4, 1}, 3);
  EXPECT_EQ(numbers(value_and_grad([](const Var& v) { return max_pool2d(v, 2, 2); }, same).gradient),
            (std::vector<float>{1, 0, 1, 0, 0, 0, 0, 0}));
  const Tensor later = tensor({1, 2, 2, 1}, {1, 5, 5, 5});
  EXPECT_EQ(numbers(value_and_grad([](const Var& v) { return max_pool2d(v, 2, 2); }, later).gradient),
            (std::vector<float>{0, 1, 0, 0}));
  // Overlapping windows with the same winner add up; channels do not mix.
  const Tensor middle = tensor({1, 1, 3, 2}, {0, 9, 7, 1, 0, 9});
  EXPECT_EQ(numbers(value_and_grad([](const Var& v) { return max_pool2d(v, 1, 1); }, middle).gradient),
            std::vector<float>(6, 1));
  const Tensor hill = tensor({1, 3, 3, 1}, {0, 0, 0, 0, 8, 0, 0, 0, 0});
  EXPECT_EQ(numbers(value_and_grad([](const Var& v) { return max_pool2d(v, 2, 1); }, hill).gradient),
            (std::vector<float>{0, 0, 0, 0, 4, 0, 0, 0, 0}));
}

TEST(Ops, MaxPoolOfMinusInfinityAndZeros) {
  const Tensor x = tensor({1, 2, 2, 1}, {-infinity, -infinity, -infinity, -infinity});
  const ValueAndGrad found = value_and_grad([](const Var& v) { return max_pool2d(v, 2, 2); }, x);
  EXPECT_EQ(found.value.data()[0], -infinity);
  EXPECT_EQ(numbers(found.gradient), (std::vector<float>{1, 0, 0, 0}));
  const Tensor zeros = tensor({1, 1, 2, 1}, {-0.0F, 0});
  Tape tape;
  const Var pooled = max_pool2d(reshape(tape.constant(tensor({1, 2, 2, 1}, {-0.0F, 0, 0, 0})), {1, 2, 2, 1}), 2, 2);
  EXPECT_TRUE(std::signbit(pooled.value().data()[0])) << "-0 and +0 are equal, so the first wins";
}

TEST(Ops, SumToUndoesBroadcasting) {
  const Tensor g = tensor({2, 3}, {1, 2, 3, 10, 20, 30});
  struct Case {
    Shape to;
    std::vector<float> sums;
  };
  const std::vector<Case> cases{{{2, 3}, {1, 2, 3, 10, 20, 30}},
                                {{3}, {11, 22, 33}},
                                {{1, 3}, {11, 22, 33}},
                                {{2, 1}, {6, 60}},
                                {{}, {66}},
                                {{1}, {66}},
                                {{1, 1}, {66}}};
  for (const Case& c : cases) {
    const Tensor found = sum_to(g, c.to);
    EXPECT_EQ(found.shape(), c.to);
    EXPECT_EQ(numbers(found), c.sums) << text(c.to);
  }
  for (const Shape& wrong : {Shape{2}, Shape{4}, Shape{1, 2, 3}, Shape{3, 2}, Shape{2, 2, 3}}) {
    EXPECT_THROW((void)sum_to(g, wrong), Error) << text(wrong);
  }
}

TEST(Ops, SumToAddsInSixteenPartials) {
  // 1 + 2^-24 * 32 in one chain would stay 1; the partials keep the small ones apart from the large one.
  std::vector<float> values(33, 0x1p-24F);
  values[0] = 1;
  EXPECT_EQ(sum_to(tensor({33}, values), {}).data()[0], 1 + 0x1p-23F * 15);
}

TEST(Ops, BroadcastGradientsAreSummedOnce) {
  Tape tape;
  const Var bias = tape.watch(tensor({2}, {1, 2}));
  const Var x = tape.watch(tensor({3, 2}, {1, 2, 3, 4, 5, 6}));
  const std::vector<Var> targets{bias, x};
  std::vector<Tensor> gradients(2);
  tape.gradients(x * bias, Tensor::full({3, 2}, 1), targets, gradients);
  EXPECT_EQ(numbers(gradients[0]), (std::vector<float>{9, 12}));
  EXPECT_EQ(numbers(gradients[1]), (std::vector<float>{1, 2, 1, 2, 1, 2}));
}

TEST(Ops, DropoutIsKeyedBySampleNotByPlace) {
  const Tensor x = Tensor::full({3, 50}, 1);
  const auto dropped = [&](std::vector<std::uint32_t> samples, std::uint32_t step, const char* purpose) {
    Tape tape;
    return dropout(tape.constant(x), 0.5F, {Rng(1), step, samples}, purpose).value();
  };
  const Tensor first = dropped({10, 20, 30}, 0, "a");
  const Tensor turned = dropped({30, 10, 20}, 0, "a");
  EXPECT_TRUE(identical(first.rows(0, 1), turned.rows(1, 1)));
  EXPECT_TRUE(identical(first.rows(2, 1), turned.rows(0, 1)));
  EXPECT_FALSE(identical(first.rows(0, 1), first.rows(1, 1)));
  EXPECT_FALSE(identical(first, dropped({10, 20, 30}, 1, "a")));
  EXPECT_FALSE(identical(first, dropped({10, 20, 30}, 0, "b")));
  for (const float value : first.values()) EXPECT_TRUE(value == 0 || value == 2);
  Tape tape;
  const std::vector<std::uint32_t> two{1, 2}, three{1, 2, 3};
  EXPECT_THROW((void)dropout(tape.constant(x), 0.5F, {Rng(1), 0, two}, "a"), Error);
  EXPECT_THROW((void)dropout(tape.constant(x), 1, {Rng(1), 0, three}, "a"), Error);
  EXPECT_THROW((void)dropout(tape.constant(x), -0.1F, {Rng(1), 0, three}, "a"), Error);
  EXPECT_THROW((void)dropout(tape.constant(x), nan, {Rng(1), 0, three}, "a"), Error);
}

TEST(Ops, CrossEntropyOfConfidentLogits) {
  // The usual p - 1 would be 0 here.
  const Tensor sure = tensor({1, 3}, {40, 0, 0});
  const auto loss = [](const Var& v) { return cross_entropy(v, std::vector<int>{0}); };
  const Tensor gradient = value_and_grad(loss, sure).gradient;
  EXPECT_LT(gradient.data()[0], 0);
  EXPECT_NEAR(gradient.data()[0] / (-2 * std::exp(-40.0F)), 1, 1e-5);
  EXPECT_THROW((void)value_and_grad(loss, tensor({1, 3}, {nan, 0, 0})), Error);
  EXPECT_THROW((void)value_and_grad(loss, tensor({1, 3}, {infinity, 0, 0})), Error);
}

TEST(Ops, SmoothedTargets) {
  EXPECT_EQ(numbers(smoothed_targets(std::vector<int>{2, 0}, 3)), (std::vector<float>{0, 0, 1, 1, 0, 0}));
  EXPECT_EQ(numbers(smoothed_targets(std::vector<int>{1}, 5, 0.5F)),
            (std::vector<float>{0.125F, 0.5F, 0.125F, 0.125F, 0.125F}));
  EXPECT_THROW((void)smoothed_targets(std::vector<int>{3}, 3), Error);
  EXPECT_THROW((void)smoothed_targets(std::vector<int>{-1}, 3), Error);
  EXPECT_THROW((void)smoothed_targets(std::vector<int>{0}, 3, 1), Error);
  EXPECT_THROW((void)smoothed_targets(std::vector<int>{0}, 3, nan), Error);
  EXPECT_THROW((void)smoothed_targets(std::vector<int>{0}, 1, 0.1F), Error);
}

TEST(Ops, EmptyBatches) {
  const auto f = [](const Var& v) {
    const Var kernel = v.tape().constant(Tensor::full({2, 2, 3, 9}, 1));
    const Var weights = v.tape().constant(Tensor::full({36, 2}, 1));
    return linear(flatten(max_pool2d(conv2d(v, kernel, {}, {}, Activation::relu), 2, 1)), weights);
  };
  const ValueAndGrad found = value_and_grad(f, Tensor(Shape{0, 4, 4, 3}));
  EXPECT_EQ(found.value.shape(), (Shape{0, 2}));
  EXPECT_EQ(found.gradient.shape(), (Shape{0, 4, 4, 3}));
}

TEST(Ops, ShapesThatDoNotFit) {
  Tape tape;
  const auto zeros = [&](const Shape& shape) { return tape.constant(Tensor(shape)); };
  EXPECT_THROW((void)(zeros({2, 3}) + zeros({2})), Error);
  EXPECT_THROW((void)linear(zeros({2, 3}), zeros({4, 5})), Error);
  EXPECT_THROW((void)linear(zeros({3}), zeros({3, 5})), Error);
  EXPECT_THROW((void)linear(zeros({2, 3}), zeros({3, 5}), zeros({4})), Error);
  EXPECT_THROW((void)conv2d(zeros({1, 4, 4, 2}), zeros({3, 3, 1, 2})), Error);
  EXPECT_THROW((void)conv2d(zeros({1, 4, 4, 2}), zeros({5, 3, 2, 2})), Error);
  EXPECT_THROW((void)conv2d(zeros({1, 4, 4, 2}), zeros({3, 3, 2, 2}), {}, {0, 1}), Error);
  EXPECT_THROW((void)conv2d(zeros({4, 4, 2}), zeros({3, 3, 2, 2})), Error);
  EXPECT_THROW((void)max_pool2d(zeros({1, 4, 4, 2}), 5, 1), Error);
  EXPECT_THROW((void)max_pool2d(zeros({1, 4, 4, 2}), 2, 0), Error);
  EXPECT_THROW((void)max_pool2d(zeros({1, 4, 4, 2}), 0, 1), Error);
  EXPECT_THROW((void)softmax(zeros({})), Error);
  EXPECT_THROW((void)log_softmax(zeros({2, 0})), Error);
  EXPECT_THROW((void)cross_entropy(zeros({3}), Tensor(Shape{3})), Error);
  EXPECT_THROW((void)cross_entropy(zeros({2, 3}), Tensor(Shape{2, 2})), Error);
  EXPECT_THROW((void)cross_entropy(zeros({2, 3}), std::vector<int>{0}), Error);
  EXPECT_THROW((void)reshape(zeros({2, 3}), {5}), Error);
  EXPECT_THROW((void)flatten(zeros({})), Error);
  EXPECT_THROW((void)sum_rows(zeros({})), Error);
}

}  // namespace
}  // namespace hans::ops_test
