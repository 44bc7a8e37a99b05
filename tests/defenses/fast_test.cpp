// Fast adversarial training: its loss by plain loops, and overfitting that is noticed and undone.
#include <hans/defenses/fast.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include <hans/attacks/pgd.hpp>
#include <hans/core/file.hpp>
#include <hans/nn/evaluate.hpp>
#include <hans/nn/safetensors.hpp>

#include "../attacks/attacks_testing.hpp"
#include "../nn/fit_testing.hpp"

namespace sample {

using namespace hans;

/// Fast adversarial training in which the weights become others after some steps.
struct Sabotaged {
  defenses::Fast fast;
  std::vector<std::uint32_t> at = {};
  std::vector<Tensor> weights = {};

  static constexpr std::string_view name = "sabotaged";
  static constexpr std::string_view meaning = "for tests";
  static constexpr std::string_view paper = "none";
  static constexpr auto fields() { return std::tuple<>(); }
  Var loss(const nn::TrainStep& step) const { return fast.loss(step); }
  void after(const nn::RunStep& step, nn::Sequential& net) const {
    if (std::ranges::count(at, step.step) > 0) net.set_weights(weights);
    fast.after(step, net);
  }
};

}  // namespace sample

namespace hans::fast_test {
namespace {

using namespace testing_attacks;
using defenses::Defense;
using defenses::Fast;
using testing_fit::FitOptions;

Defense read(std::string_view spec) { return Defense::from_spec(Spec::parse(spec)); }

/// On a linear model the step follows from the weights.
TEST(Fast, IsCrossEntropyAfterOneStep) {
  constexpr std::size_t n = 9;
  const nn::Sequential net = nn::Sequential::parse("3x3x1;flatten;linear:units=3", Rng(2));
  const data::Samples batch = random_samples({3, 3, 1}, 12, 3, 52);
  struct Case {
    std::string_view spec;
    double eps, alpha, smoothing;
  };
  for (const Case& one : {Case{"fast:eps=0.3", 0.3, 0.375, 0}, Case{"fast:eps=0.2,alpha=0.1", 0.2, 0.1, 0},
                          Case{"fast:eps=0.25,smoothing=0.2", 0.25, 0.3125, 0.2}}) {
    const Rng rng(9);
    Tape tape, aside;
    nn::Kept kept;
    const DropoutKeys keys{rng, 4, batch.index};
    const nn::Mode mode{&keys};
    const Tensor found =
        nn::Loss(read(one.spec))({{net, batch, aside, rng, 4, 20, kept}, tape.watch(net.weights()), mode, tape})
            .value();
    Stream seeds = rng.stream("fast", 0, 4);
    const std::uint64_t low = seeds.word(), seed = low | std::uint64_t{seeds.word()} << 32U;
    const auto logits = [&](const std::vector<double>& image) {
      std::vector<double> z;
      for (std::size_t j = 0; j < 3; ++j) {
        z.push_back(net.weights()[1].data()[j]);
        for (std::size_t i = 0; i < n; ++i) z[j] += image[i] * static_cast<double>(net.weights()[0].data()[3 * i + j]);
      }
      double total = 0;
      for (const double each : z) total += std::exp(each);
      for (double& each : z) each -= std::log(total);
      return z;
    };
    bool moved = false;
    for (std::size_t s = 0; s < batch.size(); ++s) {
      const real* x = batch.images.data() + s * n;
      const auto label = static_cast<std::size_t>(batch.labels[s]);
      std::vector<double> image;
      Stream start = Rng(seed).stream("pgd", batch.index[s], 0);
      for (std::size_t i = 0; i < n; ++i) {
        image.push_back(std::clamp(x[i] + one.eps * (2 * static_cast<double>(start.uniform()) - 1), 0.0, 1.0));
      }
      const std::vector<double> before = logits(image);
      for (std::size_t i = 0; i < n; ++i) {
        double slope = 0;
        for (std::size_t j = 0; j < 3; ++j) {
          slope += static_cast<double>(net.weights()[0].data()[3 * i + j]) * (std::exp(before[j]) - (j == label));
        }
        image[i] = std::clamp(image[i] + (slope > 0 ? one.alpha : -one.alpha), x[i] - one.eps, x[i] + one.eps);
        image[i] = std::clamp(image[i], 0.0, 1.0);
      }
      const std::vector<double> after = logits(image);
      double expected = 0;
      for (std::size_t j = 0; j < 3; ++j) expected -= (j == label ? 1 - one.smoothing : one.smoothing / 2) * after[j];
      EXPECT_NEAR(found.data()[s], expected, 1e-5) << one.spec;
      moved = moved || std::abs(after[label] - before[label]) > 0.1;
    }
    EXPECT_TRUE(moved);
  }
}

/// One feature; all images have 0.35 and the label 0. `tent` calls what is within 0.08 of 0.5 class 1: PGD gets there
/// by small steps, while most large steps from a random start jump over it.
constexpr std::string_view architecture = "1x1x1;flatten;linear:units=2;batch_norm;relu;linear:units=2";

std::vector<Tensor> weights_of(const nn::Sequential& net, real up, real down, real bias) {
  std::vector<Tensor> weights(net.weights().begin(), net.weights().end());
  const std::vector<std::vector<real>> values{{1, -1}, {-0.5F, 0.5F}, {1, 1}, {0, 0}, {0, up, 0, down}, {0, bias}};
  for (std::size_t k = 0; k < weights.size(); ++k) weights[k] = Tensor(weights[k].shape(), values[k]);
  return weights;
}

struct Net {
  nn::Sequential net = nn::Sequential::parse(architecture, Rng(2));
  std::vector<Tensor> right = weights_of(net, 0, 0, -0.5F);
  std::vector<Tensor> tent = weights_of(net, -1, -1, 0.08F);
  std::vector<Tensor> wrong = weights_of(net, 0, 0, 0.5F);
  data::Dataset data{"same", Shape{1, 1, 1}, std::vector<float>(60, 0.35F), std::vector<int>(60, 0), 2};
};

/// The steps of a run, without training: what the hook makes of the given weights and buffers.
struct Probing : Net {
  Defense defense = read("fast:eps=0.3,probe=5");
  nn::Kept kept = {};
  Tape aside = {};
  std::uint32_t steps = 103;

  void after(std::uint32_t number, const std::vector<Tensor>& weights, real mean = 0) {
    net.set_weights(weights);
    std::vector<Tensor> buffers(net.buffers().begin(), net.buffers().end());
    buffers[0] = Tensor::full(buffers[0].shape(), mean);
    net.set_buffers(buffers);
    const data::Samples batch = data.first(60);
    nn::Loss(defense).method().after({net, batch, aside, Rng(3), number, steps, kept}, net);
  }
  bool has(const std::vector<Tensor>& weights, real mean = 0) const {
    bool same = net.buffers()[0].data()[0] == mean;
    for (std::size_t k = 0; k < weights.size(); ++k) same = same && identical(net.weights()[k], weights[k]);
    return same;
  }
  real attack_steps() { return kept.at("attack_steps", Tensor::full(Shape{}, 1)).data()[0]; }
};

TEST(Fast, GoesBackWhenOneStepIsAllItWithstands) {
  Probing run;
  run.after(4, run.right, 0.01F);
  EXPECT_TRUE(run.has(run.right, 0.01F));
  run.after(5, run.tent);
  EXPECT_TRUE(run.has(run.tent)) << "no probe is due";
  run.after(9, run.tent);
  EXPECT_TRUE(run.has(run.right, 0.01F)) << "weights and buffers of the last good probe";
  EXPECT_EQ(run.attack_steps(), 2);
  run.after(14, run.right);
  EXPECT_TRUE(run.has(run.right));
  EXPECT_EQ(run.attack_steps(), 2) << "for good";
  run.after(102, run.tent);
  EXPECT_TRUE(run.has(run.right)) << "the last step is probed";
  EXPECT_EQ(run.attack_steps(), 4);
  for (std::uint32_t k = 0; k < 5; ++k) run.after(109 + 5 * k, run.tent);
  EXPECT_EQ(run.attack_steps(), 16) << "at most";
}

TEST(Fast, GoesBackForNothingElse) {
  Probing never;
  never.after(4, never.tent);  // never was robust: nothing to go back to
  never.after(9, never.tent);
  EXPECT_TRUE(never.has(never.tent));
  EXPECT_EQ(never.attack_steps(), 1);
  never.after(24, never.tent);
  EXPECT_TRUE(never.has(never.tent));
  EXPECT_EQ(never.attack_steps(), 2) << "a fifth probe";
  Probing worse;
  worse.after(4, worse.right);
  worse.after(9, worse.wrong);  // fooled by a step as well: no overfitting
  EXPECT_TRUE(worse.has(worse.wrong));
  worse.after(24, worse.wrong);
  EXPECT_EQ(worse.attack_steps(), 1);
  Probing unknown;
  unknown.steps = 0;
  unknown.after(4, unknown.right);
  unknown.after(6, unknown.tent);
  EXPECT_TRUE(unknown.has(unknown.tent));
}

TEST(Fast, AttacksHarderAfterwards) {
  Probing run;
  run.after(4, run.right);
  run.after(9, run.tent);
  run.net.set_weights(run.tent);
  const data::Samples batch = run.data.first(60);
  const auto losses = [&](const nn::Loss& loss) {
    Tape tape, aside;
    const DropoutKeys keys{Rng(3), 12, batch.index};
    const nn::Mode mode{&keys};
    const nn::RunStep at{run.net, batch, aside, Rng(3), 12, 100, run.kept};
    return loss({at, tape.watch(run.net.weights()), mode, tape}).value();
  };
  const auto by_hand = [&](const attacks::Pgd& pgd) {
    return losses(nn::Loss("by hand", [&](const nn::TrainStep& step) {
      return cross_entropy(step.logits(defenses::attacked(step, pgd, "fast")), batch.labels);
    }));
  };
  const Tensor found = losses(run.defense);
  EXPECT_TRUE(identical(found, by_hand({.eps = 0.3F, .steps = 2, .alpha = 0.1875F})));
  EXPECT_FALSE(identical(found, by_hand({.eps = 0.3F, .steps = 1, .alpha = 0.375F})));
}

struct Killed {};

TEST(Fast, AKilledRunGoesOnToTheSameBits) {
  const testing_data::TemporaryFolder folder;
  Net made;
  FitOptions options{.epochs = 2, .batch = 6, .seed = 9};
  options.loss = Defense(sample::Sabotaged{{.eps = 0.3F, .alpha = 0.375F, .probe = 3}, {7, 16}, made.tent});
  options.checkpoint_steps = 1;
  const auto trained = [&] {
    nn::Sequential net = made.net;
    net.set_weights(made.right);
    nn::fit(net, made.data, options);
    return testing_fit::bytes(net);
  };
  const std::string whole = trained();
  for (const std::uint64_t last : {2U, 4U, 8U, 9U, 10U, 11U, 17U, 18U, 19U}) {
    options.checkpoint = folder.path() / text("run", last);
    options.resume = false;
    options.progress = [last](const nn::Progress& at) {
      if (at.step == last) throw Killed{};
    };
    EXPECT_THROW((void)trained(), Killed);
    options.progress = {};
    options.resume = true;
    EXPECT_EQ(trained(), whole) << "killed at " << last;
    const nn::Safetensors file = nn::Safetensors::parse(read_file(options.checkpoint), "the checkpoint");
    EXPECT_EQ(file.tensor("kept.attack_steps").data()[0], 4) << "the run overfitted twice";
  }
}

TEST(Fast, WritesWhatItReadsAndRefusesTheRest) {
  EXPECT_EQ(text(read("fast:eps=0.3").spec()), "fast:eps=0.3,alpha=0.375,probe=20,smoothing=0");
  EXPECT_EQ(nn::Loss(read("fast:eps=0.1,alpha=0.1,probe=7,smoothing=0.1")).spec(),
            "fast:eps=0.1,alpha=0.1,probe=7 smoothing=0.1");
  struct Case {
    std::string_view spec, says;
  };
  for (const Case& one : {Case{"fast", "eps is missing"}, Case{"fast:eps=-1", ">= 0"},
                          Case{"fast:eps=0.3,probe=0", "probe"}, Case{"fast:eps=0.3,alpha=nan", "alpha"},
                          Case{"fast:eps=0.3,smoothing=1", "smoothing"}, Case{"fast:eps=0.3,steps=2", "probe"}}) {
    EXPECT_TRUE(contains(usage_error_of([&] { (void)read(one.spec); }), one.says)) << one.spec;
  }
  FitOptions options = testing_fit::short_run();
  options.loss = read("fast:eps=2");
  EXPECT_TRUE(contains(testing_fit::refusal(options), "can change"));
}

TEST(Fast, MakesANetworkHarderToAttack) {
  const data::Dataset digits = data::load("mnist-5k/train");
  const data::Samples test = data::load("mnist-5k/test").first(200);
  const auto robust = [&](const nn::Loss& loss) {
    nn::Sequential net =
        nn::Sequential::parse("28x28x1;conv2d:filters=8,kernel=5,stride=3;relu;flatten;linear:units=10", Rng(3));
    nn::fit(net, digits, {.epochs = 2, .batch = 64, .loss = loss});
    const attacks::Attack pgd = attacks::Pgd{.eps = 0.1F, .steps = 20};
    return nn::count_correct(nn::predict(net, pgd(net, test, away_from(test.labels)).images), test.labels);
  };
  const std::size_t plain = robust(nn::cross_entropy_loss());
  EXPECT_LT(plain, 70U);
  EXPECT_GT(robust(read("fast:eps=0.1")), plain + 25);
}

}  // namespace
}  // namespace hans::fast_test
