// What a defence may do in a training step: hooks, progress, numbers it keeps, which pass counts for statistics.
#include <hans/defenses/defense.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hans/attacks/fgsm.hpp>
#include <hans/attacks/pgd.hpp>
#include <hans/core/file.hpp>
#include <hans/core/math.hpp>
#include <hans/nn/safetensors.hpp>
#include <hans/nn/trainer.hpp>

#include "../attacks/attacks_testing.hpp"
#include "../nn/fit_testing.hpp"

namespace sample {

using namespace hans;

/// Plain training that does what its members say beside; what is not set does nothing.
struct Free {
  float smoothing = 0;
  std::function<Var(const nn::TrainStep&)> losses = {};
  std::function<void(const nn::RunStep&, std::span<Tensor>)> on_gradients = {};
  std::function<void(const nn::RunStep&, nn::Sequential&)> on_weights = {};

  static constexpr std::string_view name = "free";
  static constexpr std::string_view meaning = "for tests";
  static constexpr std::string_view paper = "none";
  static constexpr auto fields() { return std::tuple(field("smoothing", &Free::smoothing, "of the labels")); }
  Var loss(const nn::TrainStep& step) const {
    return losses ? losses(step) : cross_entropy(step.logits(step.batch.images), step.batch.labels, smoothing);
  }
  void before(const nn::RunStep& step, std::span<Tensor> gradients) const {
    if (on_gradients) on_gradients(step, gradients);
  }
  void after(const nn::RunStep& step, nn::Sequential& net) const {
    if (on_weights) on_weights(step, net);
  }
};

/// The gradients of an l1 norm, an average of the weights that replaces them in the end, and a loss whose weight grows
/// by what was seen before: a defence that needs all it can have.
struct Averaged {
  Required<float> l1;
  float decay = 0.5F;

  static constexpr std::string_view name = "averaged";
  static constexpr std::string_view meaning = "for tests";
  static constexpr std::string_view paper = "none";
  static constexpr auto fields() {
    return std::tuple(field("l1", &Averaged::l1, at_least(0), "weight of the norm"),
                      field("decay", &Averaged::decay, between_from(0, 1), "share of the average that stays"));
  }
  Var loss(const nn::TrainStep& step) const {
    real& seen = step.kept.at("seen", Tensor(Shape{})).mutable_data()[0];
    seen += 1;
    const Var plain = cross_entropy(step.logits(step.batch.images), step.batch.labels);
    return plain * (seen / 16 + static_cast<real>(step.progress()));
  }
  void before(const nn::RunStep& step, std::span<Tensor> gradients) const {
    for (std::size_t k = 0; k < gradients.size(); ++k) {
      real* g = gradients[k].mutable_data();
      for (const real w : step.net.weights()[k].values()) *g++ += l1 * static_cast<real>((w > 0) - (w < 0));
    }
  }
  void after(const nn::RunStep& step, nn::Sequential& net) const {
    const std::span<Tensor> weights = net.mutable_weights();
    for (std::size_t k = 0; k < weights.size(); ++k) {
      Tensor& average = step.kept.at(text("average.", k), weights[k]);
      for (std::size_t i = 0; i < average.size(); ++i) {
        average.mutable_data()[i] = decay * average.data()[i] + (1 - decay) * weights[k].data()[i];
      }
      if (step.step + 1 == step.steps) weights[k] = average;
    }
  }
};

}  // namespace sample

namespace hans::defense_test {
namespace {

using namespace testing_fit;
using defenses::Defense;
using sample::Averaged;
using sample::Free;

FitOptions run_with(const Defense& defense) {
  FitOptions options = short_run();
  options.loss = defense;
  return options;
}

TEST(Hooks, ComeInOrderAndSeeTheStep) {
  std::vector<std::string> events;
  std::vector<double> progress;
  const auto note = [&](std::string_view what, const nn::RunStep& step) {
    events.push_back(text(what, step.step, "/", step.steps, " of ", step.batch.size()));
  };
  Sequential before = fresh();
  Sequential net = fresh();
  FitOptions options = run_with(Free{.losses =
                                         [&](const nn::TrainStep& step) {
                                           note("loss ", step);
                                           progress.push_back(step.progress());
                                           return cross_entropy(step.logits(step.batch.images), step.batch.labels);
                                         },
                                     .on_gradients =
                                         [&](const nn::RunStep& step, std::span<Tensor> gradients) {
                                           note("before ", step);
                                           EXPECT_EQ(gradients.size(), step.net.weights().size());
                                           EXPECT_EQ(bytes(step.net), bytes(before));
                                         },
                                     .on_weights =
                                         [&](const nn::RunStep& step, Sequential& changed) {
                                           note("after ", step);
                                           EXPECT_EQ(&changed, &step.net);
                                           EXPECT_NE(bytes(changed), bytes(before));
                                           before = changed;
                                         }});
  nn::fit(net, quarters(18), options);
  EXPECT_EQ(bytes(net), trained(short_run())) << "looking changes nothing";
  std::vector<std::string> expected;
  for (int k = 0; k < 15; ++k) {
    for (const std::string_view what : {"loss ", "before ", "after "}) {
      expected.push_back(text(what, k, "/15 of ", k % 5 < 4 ? 4 : 2));
    }
    EXPECT_EQ(progress[static_cast<std::size_t>(k)], k / 15.0);
  }
  EXPECT_EQ(events, expected);
}

TEST(Hooks, ChangeGradientsBeforeTheyAreClipped) {
  const auto trained_with = [](real factor, double clip) {
    FitOptions options = run_with(Free{.on_gradients = [factor](const nn::RunStep&, std::span<Tensor> gradients) {
      for (Tensor& gradient : gradients) {
        for (real& g : gradient.mutable_values()) g *= factor;
      }
    }});
    options.optimizer = nn::Sgd{.rate = 0.5F};
    options.clip = clip;
    return trained(options);
  };
  EXPECT_EQ(trained_with(0, 0), bytes(fresh()));
  EXPECT_NE(trained_with(1, 0), bytes(fresh()));
  EXPECT_NE(trained_with(2, 0), trained_with(1, 0));
  EXPECT_EQ(trained_with(2048, 0.125), trained_with(1024, 0.125));  // both far above the limit
}

TEST(Hooks, ChangeWeights) {
  const auto zero = [](const nn::RunStep& step, Sequential& net) {
    if (step.step + 1 < step.steps) return;
    for (Tensor& weight : net.mutable_weights()) weight = Tensor(weight.shape());
  };
  Sequential net = fresh();
  nn::fit(net, quarters(18), run_with(Free{.on_weights = zero}));
  for (const Tensor& weight : net.weights()) EXPECT_TRUE(identical(weight, Tensor(weight.shape())));
}

TEST(Hooks, AGradientMadeInfiniteIsRefused) {
  Sequential net = fresh();
  const std::string before = bytes(net);
  nn::Optimizer optimizer = nn::Adam{};
  nn::Trainer trainer(net, optimizer,
                      Defense(Free{.on_gradients =
                                       [](const nn::RunStep&, std::span<Tensor> gradients) {
                                         gradients[0].mutable_data()[0] = std::numeric_limits<real>::infinity();
                                       }}),
                      Rng(3));
  EXPECT_TRUE(contains(testing_data::error_of([&] { (void)trainer.step(quarters(4).first(4), 0); }), "not finite"));
  EXPECT_EQ(bytes(net), before);
  EXPECT_EQ(optimizer.steps(), 0U);
}

TEST(Progress, IsUnknownToATrainerThatIsNotTold) {
  Sequential net = fresh();
  nn::Optimizer optimizer = nn::Adam{};
  const Defense defense = Averaged{.l1 = 0.0F};
  const data::Samples batch = quarters(4).first(4);
  nn::Trainer blind(net, optimizer, defense, Rng(3));
  EXPECT_THROW((void)blind.step(batch, 0), UsageError);
  nn::Trainer told(net, optimizer, defense, Rng(3), 0, 7);
  EXPECT_GT(told.step(batch, 3).data()[0], 0);
}

// --- what is kept -----------------------------------------------------------------------------------

struct Killed {};

TEST(Kept, AKilledRunGoesOnToTheSameBits) {
  const testing_data::TemporaryFolder folder;
  FitOptions options = run_with(Averaged{.l1 = 1e-3F});
  const std::string whole = trained(options);
  EXPECT_NE(whole, trained(run_with(Averaged{.l1 = 1e-3F, .decay = 0})));
  EXPECT_NE(whole, trained(run_with(Averaged{.l1 = 0.0F})));
  options.checkpoint_steps = 4;
  for (const std::uint64_t last : {1U, 5U, 9U, 14U, 15U}) {
    options.checkpoint = folder.path() / text("run", last);
    options.resume = false;
    options.progress = [last](const nn::Progress& at) {
      if (at.step == last) throw Killed{};
    };
    EXPECT_THROW((void)trained(options), Killed);
    options.progress = {};
    options.resume = true;
    EXPECT_EQ(trained(options), whole) << last;
    EXPECT_EQ(trained(options), whole) << "resuming a finished run";
  }
}

TEST(Kept, IsCheckedForItsShape) {
  const testing_data::TemporaryFolder folder;
  FitOptions options = run_with(Averaged{.l1 = 1e-3F});
  options.checkpoint = folder.path() / "run";
  options.checkpoint_steps = 4;
  options.progress = [](const nn::Progress& at) {
    if (at.step == 8) throw Killed{};
  };
  EXPECT_THROW((void)trained(options), Killed);
  nn::Safetensors file = nn::Safetensors::parse(read_file(options.checkpoint), "the checkpoint");
  std::vector<std::string> names;
  for (auto& [name, tensor] : file.tensors) {
    if (name.starts_with("kept.")) names.push_back(name);
    if (name == "kept.average.1") tensor = Tensor(Shape{3});
  }
  EXPECT_EQ(names, (std::vector<std::string>{"kept.seen", "kept.average.0", "kept.average.1", "kept.average.2",
                                             "kept.average.3"}));
  std::erase_if(file.metadata, [](const auto& entry) { return entry.first == "sha256"; });
  write_file(options.checkpoint, file.dump());
  options.progress = {};
  options.resume = true;
  EXPECT_EQ(refusal(options), "what training keeps as average.1 has the shape 3, not 4");
}

// --- statistics -------------------------------------------------------------------------------------

TEST(StatisticsOf, ThePassesThatTheDefenceSays) {
  using nn::Statistics;
  constexpr std::string_view normed = "6x6x1;batch_norm;flatten;linear:units=4";
  const data::Samples clean = quarters(9).first(9);
  const Tensor other = Tensor::full(clean.images.shape(), 0.25F);
  const auto others_after = [&](const std::function<Var(const nn::TrainStep&)>& losses) {
    Sequential net = fresh(normed);
    nn::Optimizer optimizer = nn::Sgd{.rate = 0};
    nn::Trainer(net, optimizer, Defense(Free{.losses = losses}), Rng(1)).step(clean, 0);
    return std::vector<Tensor>(net.buffers().begin(), net.buffers().end());
  };
  const auto both = [&](Statistics of_clean, Statistics of_other) {
    return others_after([&, of_clean, of_other](const nn::TrainStep& step) {
      const Var first = cross_entropy(step.logits(clean.images, of_clean), clean.labels);
      return first + cross_entropy(step.logits(other, of_other), clean.labels);
    });
  };
  const auto alone = [&](const Tensor& images) {
    return others_after([&](const nn::TrainStep& step) { return cross_entropy(step.logits(images), clean.labels); });
  };
  const auto same = [](const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
    return a.size() == 2 && b.size() == 2 && identical(a[0], b[0]) && identical(a[1], b[1]);
  };
  const Sequential untrained = fresh(normed);
  const std::vector<Tensor> start(untrained.buffers().begin(), untrained.buffers().end());
  EXPECT_FALSE(same(alone(clean.images), alone(other)));
  EXPECT_TRUE(same(both(Statistics::follow, Statistics::ignore), alone(clean.images)));
  EXPECT_TRUE(same(both(Statistics::ignore, Statistics::follow), alone(other)));
  EXPECT_TRUE(same(both(Statistics::ignore, Statistics::ignore), start));
  EXPECT_FALSE(same(both(Statistics::follow, Statistics::follow), alone(clean.images)));
  EXPECT_FALSE(same(both(Statistics::follow, Statistics::follow), alone(other)));
  // What is ignored is still normalised by its own images: the losses are the same either way.
  const auto losses = [&](Statistics statistics) {
    Sequential net = fresh(normed);
    nn::Optimizer optimizer = nn::Sgd{.rate = 0};
    const Defense defense = Free{.losses = [statistics](const nn::TrainStep& step) {
      return cross_entropy(step.logits(step.batch.images, statistics), step.batch.labels);
    }};
    return nn::Trainer(net, optimizer, defense, Rng(1)).step(clean, 0);
  };
  EXPECT_TRUE(identical(losses(Statistics::follow), losses(Statistics::ignore)));
}

// --- records ----------------------------------------------------------------------------------------

TEST(Defenses, RecordTheSmoothingBehind) {
  EXPECT_EQ(nn::Loss(Defense(Free{.smoothing = 0.2F})).spec(), "free smoothing=0.2");
  EXPECT_EQ(nn::Loss(Defense(Averaged{.l1 = 0.5F})).spec(), "averaged:l1=0.5,decay=0.5");
  EXPECT_TRUE(contains(testing_attacks::usage_error_of([] { Defense(Averaged{.l1 = -1.0F}); }), "l1"));
}

TEST(Attacked, DrawsAnewInEachStepAndDoesAllOfItsSteps) {
  const Sequential net = fresh();
  const data::Samples batch = quarters(6).first(6);
  const attacks::Attack attack = attacks::Pgd{.eps = 0.1F, .steps = 3};
  const auto made = [&](std::uint32_t step, std::string_view purpose) {
    Tape aside;
    nn::Kept kept;
    return defenses::attacked({net, batch, aside, Rng(4), step, 9, kept}, attack, purpose);
  };
  EXPECT_TRUE(identical(made(2, "a"), made(2, "a")));
  EXPECT_FALSE(identical(made(2, "a"), made(3, "a")));
  EXPECT_FALSE(identical(made(2, "a"), made(2, "b")));
}

}  // namespace
}  // namespace hans::defense_test
