// One training step: what it changes, and what it refuses.
#include <hans/nn/trainer.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "fit_testing.hpp"

namespace hans::trainer_test {
namespace {

using namespace testing_fit;

/// Cross entropy with `losses` added to the losses and `gradients` to their gradients.
nn::Loss disturbed(const real& losses, const real& gradients) {
  return nn::Loss("disturbed", [&](const nn::TrainStep& step) {
    const Var plain = cross_entropy(step.logits(step.batch.images), step.batch.labels) + losses;
    return step.tape.record("disturbed", plain.value(), {&plain}, [&gradients](Tensor g, Inputs& in) {
      g.mutable_data()[0] += gradients;
      in.add(0, std::move(g));
    });
  });
}

TEST(Trainer, AStepByHand) {
  Sequential net = Sequential::parse("1x1x2;flatten;linear:units=2", Rng(1));
  net.set_weights(std::vector<Tensor>{Tensor(Shape{2, 2}), Tensor(Shape{2})});
  nn::Optimizer optimizer = nn::Sgd{.rate = 0.5F};
  nn::Trainer trainer(net, optimizer, nn::cross_entropy_loss(), Rng(0));
  const std::vector<real> pixels{1, 0, 0, 1};
  const data::Samples batch{Tensor(Shape{2, 1, 1, 2}, pixels), {0, 1}, {0, 1}, {}};
  const Tensor losses = trainer.step(batch, 0);
  ASSERT_EQ(losses.shape(), Shape{2});
  for (const real loss : losses.values()) EXPECT_NEAR(loss, std::log(2), 1e-6);
  // p is 1/2 everywhere, the mean's share 1/2, the rate 1/2: each gradient of 1/4 moves a weight by 1/8.
  EXPECT_TRUE(identical(net.weights()[0], Tensor(Shape{2, 2}, std::vector<real>{0.125F, -0.125F, -0.125F, 0.125F})));
  EXPECT_TRUE(identical(net.weights()[1], Tensor(Shape{2})));
  EXPECT_EQ(optimizer.steps(), 1U);
  EXPECT_LT(trainer.step(batch, 1).data()[0], losses.data()[0]);
  EXPECT_GT(trainer.bytes(), 0U);
}

/// A refused step changes neither network nor optimizer, and the next one is as if it had not been.
TEST(Trainer, WhatIsRefusedChangesNothing) {
  constexpr real infinity = std::numeric_limits<real>::infinity();
  const data::Dataset data = quarters(12);
  struct Case {
    std::size_t samples;
    real losses, gradients;
    std::string message;
  };
  const std::vector<Case> cases{{0, 0, 0, "a training step needs at least 1 sample, not 0"},
                                {9, infinity, 0, "a loss is not finite at step 7; try a smaller learning rate"},
                                {9, 0, infinity, "a gradient is not finite at step 7; try a smaller learning rate"}};
  const auto run = [&](const Case* refused) {
    Sequential net = fresh();
    nn::Optimizer optimizer = nn::Adam{};
    real losses = 0;
    real gradients = 0;
    nn::Trainer trainer(net, optimizer, disturbed(losses, gradients), Rng(3));
    (void)trainer.step(data.first(5), 0);
    if (refused != nullptr) {
      const std::string before = bytes(net);
      losses = refused->losses;
      gradients = refused->gradients;
      const data::Samples batch = data.samples(0, refused->samples);
      EXPECT_EQ(testing_data::error_of([&] { (void)trainer.step(batch, 7); }), refused->message);
      EXPECT_EQ(bytes(net), before) << refused->message;
      EXPECT_EQ(optimizer.steps(), 1U) << refused->message;
      losses = gradients = 0;
    }
    (void)trainer.step(data.samples(5, 7), 1);
    return bytes(net);
  };
  const std::string undisturbed = run(nullptr);
  for (const Case& refused : cases) EXPECT_EQ(run(&refused), undisturbed) << refused.message;
}

TEST(Trainer, TheGradientNormLimitIsNotNegative) {
  Sequential net = fresh();
  nn::Optimizer optimizer = nn::Sgd{};
  EXPECT_THROW(nn::Trainer(net, optimizer, nn::cross_entropy_loss(), Rng(0), -1), UsageError);
}

}  // namespace
}  // namespace hans::trainer_test
