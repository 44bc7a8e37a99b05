// A run whose network has collapsed ends, at the same step however often it was interrupted; no other run does.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <hans/core/file.hpp>
#include <hans/nn/safetensors.hpp>

#include "fit_testing.hpp"

namespace hans::collapse_test {
namespace {

using namespace testing_fit;

/// Dead relus: the logits are the last biases.
Sequential dead() {
  Sequential net = fresh("6x6x1;flatten;linear:units=8;relu;linear:units=4");
  net.mutable_weights()[1] = Tensor::full({8}, -1000);
  return net;
}

/// Epochs of 100 steps.
FitOptions long_run() { return {.epochs = 6, .batch = 4, .seed = 9}; }

struct End {
  std::string error;
  std::uint64_t first = 0, last = 0;  // steps made
};

End end_of(FitOptions options, Sequential net = dead(), const data::Dataset& data = quarters(400)) {
  End end;
  options.progress = [&](const nn::Progress& at) {
    if (end.first == 0) end.first = at.step;
    end.last = at.step;
  };
  end.error = refusal(options, data, std::move(net));
  return end;
}

TEST(Collapse, EndsTheRun) {
  const testing_data::TemporaryFolder folder;
  FitOptions options = long_run();
  options.checkpoint = folder.path() / "run";
  const End end = end_of(options);
  EXPECT_EQ(end.error,
            "the network has collapsed: after each of the last 2 epochs it gave one class for all of 256 training "
            "images, up to step 200; try a smaller learning rate, a limit for gradients or another seed, or train on "
            "with a patience of 0");
  EXPECT_EQ(end.last, 200U);
  EXPECT_EQ(nn::Safetensors::parse(read_file(options.checkpoint), "the checkpoint").at("step"), "200");
  options.checkpoint.clear();
  options.patience = 3;
  EXPECT_EQ(end_of(options).last, 300U);
  options.patience = 2;
  options.batch = 8;  // epochs of 50 steps: 4 make 200
  EXPECT_EQ(end_of(options).last, 200U);
  options.batch = 40;  // the whole run has 60 steps
  EXPECT_EQ(end_of(options).error, "no error");
  options = long_run();
  options.patience = 0;
  EXPECT_EQ(end_of(options).error, "no error");
  options = long_run();
  options.epochs = 1;
  EXPECT_EQ(end_of(options).error, "no error");
}

TEST(Collapse, OfARateThatIsTooHighEndsTheRun) {
  FitOptions options = long_run();
  options.optimizer = nn::Adam{.rate = 30};
  options.schedule = nn::Schedule::constant;
  const End end = end_of(options, fresh("6x6x1;flatten;linear:units=8;relu;linear:units=4"));
  EXPECT_TRUE(contains(end.error, "the network has collapsed")) << end.error;
}

struct Killed {};

TEST(Collapse, IsNoticedAtTheSameStepByAResumedRun) {
  const testing_data::TemporaryFolder folder;
  const End whole = end_of(long_run());
  FitOptions options = long_run();
  options.checkpoint_steps = 7;
  for (const std::uint64_t last : {60U, 100U, 101U, 160U, 200U}) {
    options.checkpoint = folder.path() / text("run", last);
    options.resume = false;
    options.progress = [last](const nn::Progress& at) {
      if (at.step == last) throw Killed{};
    };
    Sequential net = dead();
    EXPECT_THROW(nn::fit(net, quarters(400), options), Killed);
    options.resume = true;
    const End end = end_of(options);
    EXPECT_EQ(end.error, whole.error);
    EXPECT_EQ(end.last, 200U);
    const End again = end_of(options);
    EXPECT_EQ(again.error, whole.error);
    EXPECT_EQ(again.last, 0U) << "no step is made";
  }
  options.progress = {};
  options.patience = 0;
  Sequential resumed = dead(), straight = dead();
  nn::fit(resumed, quarters(400), options);
  options.checkpoint.clear();
  nn::fit(straight, quarters(400), options);
  EXPECT_EQ(bytes(resumed), bytes(straight));
}

/// Training that makes the network dead, or alive again, after some steps.
struct Switched final : nn::Loss::Method {
  Sequential off = dead(), alive = [] {
    Sequential net = fresh("6x6x1;flatten;linear:units=8;relu;linear:units=4");
    nn::fit(net, quarters(400), {.epochs = 2, .batch = 4});
    return net;
  }();
  std::string record() const override { return "switched"; }
  Var losses(const nn::TrainStep& step) const override {
    return cross_entropy(step.logits(step.batch.images), step.batch.labels);
  }
  void after(const nn::RunStep& step, Sequential& net) const override {
    const std::uint32_t epoch = step.step / 100;
    net.set_weights(epoch == 1 ? alive.weights() : off.weights());
  }
};

TEST(Collapse, MustLast) {
  FitOptions options = long_run();
  options.loss = nn::Loss(std::make_shared<Switched>());
  const End end = end_of(options);  // dead after epochs 1, 3, 4
  EXPECT_TRUE(contains(end.error, "the last 2 epochs")) << end.error;
  EXPECT_EQ(end.last, 400U);
}

TEST(Collapse, IsNotWhatLearningLooksLike) {
  EXPECT_EQ(end_of(long_run(), fresh()).error, "no error");
  // Nearly all have one label: to give it for everything is no fault.
  const auto mostly = [](int others) {
    std::string pixels;
    std::vector<int> labels;
    for (int k = 0; k < 200; ++k) {
      pixels.append(36, static_cast<char>(k));
      labels.push_back(k % 200 < others ? 1 : 0);
    }
    return data::Dataset("mostly", Shape{6, 6, 1}, pixels, labels, 4);
  };
  Sequential zero = dead();
  zero.mutable_weights()[3] = Tensor({4}, std::vector<real>{1, 0, 0, 0});
  FitOptions options = long_run();
  options.optimizer = nn::Sgd{.rate = 0};
  EXPECT_EQ(end_of(options, zero, mostly(50)).error, "no error");
  EXPECT_TRUE(contains(end_of(options, zero, mostly(51)).error, "collapsed"));
  zero.mutable_weights()[3] = Tensor({4}, std::vector<real>{0, 1, 0, 0});
  EXPECT_TRUE(contains(end_of(options, zero, mostly(50)).error, "collapsed")) << "the class of few";
}

}  // namespace
}  // namespace hans::collapse_test
