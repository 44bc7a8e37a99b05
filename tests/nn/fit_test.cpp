// Training: it learns, its bits depend on nothing but what they may, it refuses nonsense.
#include <hans/nn/fit.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hans/autodiff/grad.hpp>
#include <hans/core/error.hpp>
#include <hans/core/file.hpp>
#include <hans/core/hash.hpp>
#include <hans/core/kernels.hpp>
#include <hans/core/parallel.hpp>
#include <hans/nn/evaluate.hpp>
#include <hans/nn/model_file.hpp>
#include <hans/nn/safetensors.hpp>

#include "fit_testing.hpp"

namespace hans::fit_test {
namespace {

using namespace testing_fit;

// --- learning --------------------------------------------------------------------------------------

TEST(Fit, Learns) {
  const data::Dataset data = quarters(200);
  for (const nn::Optimizer& optimizer :
       std::vector<nn::Optimizer>{nn::Sgd{.rate = 0.1F, .momentum = 0.9F}, nn::Adadelta{.rate = 1, .eps = 1e-4F},
                                  nn::Adam{.rate = 0.01F}, nn::AdamW{.rate = 0.01F}}) {
    std::vector<double> losses;
    Sequential net = fresh();
    nn::fit(net, data,
            {.epochs = 8, .batch = 16, .optimizer = optimizer, .clip = 5, .progress = [&](const nn::Progress& at) {
               if (at.epoch_end) losses.push_back(at.loss);
             }});
    ASSERT_EQ(losses.size(), 8U);
    EXPECT_LT(losses.back(), 0.5 * losses.front()) << text(optimizer.spec());
    const data::Dataset unseen = quarters(100, 2);
    EXPECT_GT(nn::count_correct(nn::predict(net, unseen, 100), unseen.labels()), 90U) << text(optimizer.spec());
  }
}

TEST(Fit, OneStepOfSgdByHand) {
  const data::Dataset data = quarters(6);
  Sequential net = fresh("6x6x1;flatten;linear:units=4");
  std::vector<Tensor> expected(net.weights().begin(), net.weights().end());
  const data::Samples all = data.gather(permutation(Rng(3).stream("shuffle", 0, 0), 6));
  std::vector<Tensor> gradients(2);
  Tape tape;
  for (const auto& [first, count] : std::vector<std::pair<std::size_t, std::size_t>>{{0, 4}, {4, 2}}) {
    const data::Samples batch = all.rows(first, count);
    (void)value_and_grads(
        tape,
        [&](std::span<const Var> w) {
          return cross_entropy(net.forward(w, tape.constant(batch.images)), batch.labels);
        },
        expected, Tensor::full({count}, 1 / static_cast<float>(count)), gradients);
    tape.clear();
    for (std::size_t w = 0; w < 2; ++w) {
      for (std::size_t k = 0; k < expected[w].size(); ++k) {
        expected[w].mutable_data()[k] -= 0.5F * gradients[w].data()[k];
      }
    }
  }
  nn::fit(net, data,
          {.epochs = 1,
           .batch = 4,
           .optimizer = nn::Sgd{.rate = 0.5F},
           .schedule = nn::Schedule::constant,
           .loss = nn::cross_entropy_loss(0),
           .seed = 3});
  for (std::size_t w = 0; w < 2; ++w) EXPECT_TRUE(identical(net.weights()[w], expected[w]));
}

TEST(Fit, EveryEpochIsAPermutationOfItsOwn) {
  std::vector<std::vector<std::uint32_t>> seen;
  std::vector<std::uint32_t> steps;
  FitOptions options = short_run();
  const nn::Loss plain = nn::cross_entropy_loss();
  options.loss = nn::Loss("watched", [&](const nn::TrainStep& step) {
    seen.push_back(step.batch.index);
    steps.push_back(step.step);
    EXPECT_EQ(step.batch.labels.size(), step.batch.index.size());
    EXPECT_EQ(step.batch.images.shape(), (Shape{step.batch.index.size(), 6, 6, 1}));
    return plain(step);
  });
  std::vector<nn::Progress> progress;
  options.progress = [&](const nn::Progress& at) { progress.push_back(at); };
  (void)trained(options);
  ASSERT_EQ(seen.size(), 15U);
  for (std::uint32_t epoch = 0; epoch < 3; ++epoch) {
    std::vector<std::uint32_t> order;
    for (std::size_t k = 0; k < 5; ++k) {
      EXPECT_EQ(seen[5 * epoch + k].size(), k < 4 ? 4U : 2U);
      order.insert(order.end(), seen[5 * epoch + k].begin(), seen[5 * epoch + k].end());
      EXPECT_EQ(steps[5 * epoch + k], 5 * epoch + k);
    }
    EXPECT_EQ(order, permutation(Rng(9).stream("shuffle", 0, epoch), 18));
  }
  ASSERT_EQ(progress.size(), 15U);
  for (std::size_t k = 0; k < 15; ++k) {
    EXPECT_EQ(progress[k].step, k + 1);
    EXPECT_EQ(progress[k].steps, 15U);
    EXPECT_EQ(progress[k].epochs, 3U);
    EXPECT_EQ(progress[k].epoch, (k + 1) / 5);
    EXPECT_EQ(progress[k].epoch_end, (k + 1) % 5 == 0);
    EXPECT_EQ(progress[k].samples, k / 5 * 18 + std::min<std::size_t>(18, (k % 5 + 1) * 4));
    EXPECT_TRUE(progress[k].loss > 0 && std::isfinite(progress[k].loss));
  }
}

TEST(Fit, OtherCopiesOfTheNetStay) {
  Sequential net = fresh();
  const Sequential kept = net;
  const std::string before = bytes(kept);
  nn::fit(net, quarters(18), short_run());
  EXPECT_EQ(bytes(kept), before);
  EXPECT_NE(bytes(net), before);
}

TEST(Fit, NoEpochsChangeNothing) {
  FitOptions options = short_run();
  options.epochs = 0;
  EXPECT_EQ(trained(options), bytes(fresh()));
}

// --- the same bits ---------------------------------------------------------------------------------

class DeterminismOfFit : public testing::Test {
 protected:
  void TearDown() override {
    kernels::select(kernels_);
    set_thread_count(threads_);
  }
  std::string kernels_{kernels::selected()};
  std::size_t threads_ = thread_count();
};

TEST_F(DeterminismOfFit, ForAllKernelsAndThreads) {
  const data::Dataset data = quarters(45, 1, 12);
  std::string first;
  for (const std::string& name : kernels::available()) {
    kernels::select(name);
    for (const std::size_t threads : {1U, 2U, 3U}) {
      set_thread_count(threads);
      Sequential net = fresh(
          "12x12x1;conv2d:filters=20,kernel=5,stride=2,padding=same;relu;conv2d:filters=33,kernel=3;tanh;"
          "dropout:rate=0.5;max_pool2d:kernel=2;flatten;linear:units=40;sigmoid;linear:units=4");
      nn::fit(net, data, {.epochs = 2, .batch = 20, .clip = 1, .loss = nn::cross_entropy_loss(0.1F), .seed = 4});
      if (first.empty()) first = bytes(net);
      EXPECT_EQ(sha256(bytes(net)), sha256(first)) << name << " with " << threads << " threads";
    }
  }
}

TEST_F(DeterminismOfFit, OnlyWhatDecidesDecides) {
  const std::string usual = trained(short_run());
  EXPECT_EQ(trained(short_run()), usual);
  const auto with = [&](const auto& change) {
    FitOptions options = short_run();
    change(options);
    return trained(options);
  };
  EXPECT_NE(with([](FitOptions& o) { o.seed = 10; }), usual);
  EXPECT_NE(with([](FitOptions& o) { o.batch = 5; }), usual);
  EXPECT_NE(with([](FitOptions& o) { o.schedule = nn::Schedule::constant; }), usual);
  EXPECT_NE(with([](FitOptions& o) { o.clip = 0.01; }), usual);
  EXPECT_NE(with([](FitOptions& o) { o.loss = nn::cross_entropy_loss(0.2F); }), usual);
  EXPECT_NE(trained(short_run(), quarters(18, 2)), usual);
  EXPECT_EQ(with([](FitOptions& o) { o.clip = 1e9; }), usual);
  EXPECT_EQ(with([](FitOptions& o) { o.progress = [](const nn::Progress&) {}; }), usual);
}

// --- refusals --------------------------------------------------------------------------------------

TEST(FitRefuses, WrongRequests) {
  const auto with = [](const auto& change) {
    FitOptions options = short_run();
    change(options);
    return refusal(options);
  };
  EXPECT_NE(with([](FitOptions& o) { o.batch = 0; }), "no error");
  EXPECT_NE(with([](FitOptions& o) { o.clip = -1; }), "no error");
  EXPECT_NE(with([](FitOptions& o) { o.clip = std::nan(""); }), "no error");
  EXPECT_NE(with([](FitOptions& o) { o.epochs = 4000000000U; }), "no error");
  EXPECT_TRUE(contains(refusal(short_run(), quarters(5, 1, 8)), "8x8x1"));
  EXPECT_TRUE(contains(refusal(short_run(), quarters(5), fresh("6x6x1;flatten;linear:units=3")), "classes"));
}

TEST(FitRefuses, ALossThatIsNotANumber) {
  FitOptions options = short_run();
  options.optimizer = nn::Sgd{.rate = 1e38F};
  options.schedule = nn::Schedule::constant;
  EXPECT_TRUE(contains(refusal(options), "learning rate"));
  options.optimizer = nn::AdamW{.rate = 1e38F, .decay = 10};
  options.epochs = 1;
  options.batch = 18;  // a single step: no later loss could notice
  EXPECT_NE(refusal(options), "no error");
}

TEST(FitRefuses, AnInfiniteLoss) {
  Sequential net = fresh("6x6x1;flatten;linear:units=4");
  for (real& bias : net.mutable_weights()[1].mutable_values()) bias = -2e38F;
  net.mutable_weights()[1].mutable_data()[0] = 2e38F;
  FitOptions options = short_run();
  options.loss = nn::cross_entropy_loss(0.1F);
  EXPECT_TRUE(contains(refusal(options, quarters(18), net), "a loss is not finite"));
  options.loss = nn::cross_entropy_loss(0);  // infinity times a target of 0
  EXPECT_TRUE(contains(refusal(options, quarters(18), net), "not a number"));
}

/// A gradient that is not finite must not reach the weights, nor the checkpoint.
TEST(FitRefuses, AGradientThatIsNotANumber) {
  const testing_data::TemporaryFolder folder;
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    FitOptions options = short_run();
    options.checkpoint = folder.path() / "run";
    options.checkpoint_steps = 1;
    const nn::Loss plain = nn::cross_entropy_loss();
    options.loss = nn::Loss("broken", [&](const nn::TrainStep& step) {
      const Var losses = plain(step);
      return step.tape.record("broken", losses.value(), {&losses}, [bad, at = step.step](Tensor g, Inputs& in) {
        if (at == 7) g.mutable_data()[0] = bad;
        in.add(0, std::move(g));
      });
    });
    std::uint64_t last = 0;
    options.progress = [&](const nn::Progress& at) { last = at.step; };
    EXPECT_NE(refusal(options), "no error");
    EXPECT_EQ(last, 7U) << "the step with the bad gradient counted";
    const nn::Safetensors kept = nn::Safetensors::parse(read_file(options.checkpoint), "the checkpoint");
    EXPECT_EQ(kept.at("step"), "7");
  }
}

TEST(Recipes, SayWhatDecides) {
  FitOptions options = short_run();
  const std::string usual = nn::recipe(options);
  EXPECT_EQ(usual,
            "epochs=3 batch=4 optimizer=adam:rate=0.002,beta1=0.9,beta2=0.999,eps=1e-08 schedule=cosine clip=0 "
            "loss=cross_entropy:smoothing=0 seed=9");
  options.checkpoint = "elsewhere";
  options.checkpoint_steps = 7;
  options.resume = true;
  EXPECT_EQ(nn::recipe(options), usual);
}

}  // namespace
}  // namespace hans::fit_test
