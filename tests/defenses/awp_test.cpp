// Adversarial weight perturbation: by plain loops in double, around other defences, and what it leaves alone.
#include <hans/defenses/awp.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include <hans/attacks/pgd.hpp>
#include <hans/autodiff/grad.hpp>
#include <hans/defenses/trades.hpp>

#include "../attacks/attacks_testing.hpp"
#include "../nn/fit_testing.hpp"

namespace sample {

using namespace hans;

/// Plain training that counts what is asked of it.
struct Counting {
  std::vector<int>* calls = nullptr;

  static constexpr std::string_view name = "counting";
  static constexpr std::string_view meaning = "for tests";
  static constexpr std::string_view paper = "none";
  static constexpr auto fields() { return std::tuple<>(); }
  Var loss(const nn::TrainStep& step) const {
    step.kept.at("losses", Tensor(Shape{})).mutable_data()[0] += 1;
    ++calls->at(0);
    return cross_entropy(step.logits(step.batch.images), step.batch.labels);
  }
  void before(const nn::RunStep&, std::span<Tensor>) const { ++calls->at(1); }
  void after(const nn::RunStep&, nn::Sequential&) const { ++calls->at(2); }
};

}  // namespace sample

namespace hans::awp_test {
namespace {

using namespace testing_attacks;
using defenses::Awp;
using defenses::Defense;

Defense read(std::string_view spec) { return Defense::from_spec(Spec::parse(spec)); }

struct Step {
  Tensor losses;
  std::vector<Tensor> gradients;  // of their mean
  std::vector<nn::BatchStatistics> statistics;
};

/// One step on `net`; the forward pass takes `weights` if given.
Step step_of(const nn::Sequential& net, const data::Samples& batch, const nn::Loss& loss, nn::Kept& kept,
             std::span<const Tensor> weights = {}) {
  Tape tape, aside;
  const Rng rng(9);
  const DropoutKeys keys{rng, 4, batch.index};
  Step made;
  const nn::Mode mode{&keys, &made.statistics};
  made.gradients.resize(net.weights().size());
  made.losses = value_and_grads(
      tape,
      [&](std::span<const Var> watched) {
        return loss({{net, batch, aside, rng, 4, 20, kept}, watched, mode, tape});
      },
      weights.empty() ? net.weights() : weights,
      Tensor::full({batch.size()}, real{1} / static_cast<real>(batch.size())), made.gradients);
  return made;
}

TEST(Awp, IsTheFormulaOfThePaper) {
  constexpr std::size_t n = 9, classes = 3;
  const nn::Sequential net = nn::Sequential::parse("3x3x1;flatten;linear:units=3", Rng(2));
  const data::Samples batch = random_samples({3, 3, 1}, 7, 3, 51);
  std::vector<double> w, b;
  for (const real each : net.weights()[0].values()) w.push_back(each);
  for (const real each : net.weights()[1].values()) b.push_back(each);
  struct Result {
    std::vector<double> losses, w, b;
  };
  const auto plain = [&](const std::vector<double>& weight) {
    Result made{{}, std::vector<double>(w.size()), std::vector<double>(classes)};
    for (std::size_t s = 0; s < batch.size(); ++s) {
      const real* x = batch.images.data() + s * n;
      std::vector<double> z = b;
      double total = 0;
      for (std::size_t j = 0; j < classes; ++j) {
        for (std::size_t i = 0; i < n; ++i) z[j] += double{x[i]} * weight[classes * i + j];
        total += std::exp(z[j]);
      }
      const auto label = static_cast<std::size_t>(batch.labels[s]);
      made.losses.push_back(std::log(total) - z[label]);
      for (std::size_t j = 0; j < classes; ++j) {
        const double slope = (std::exp(z[j]) / total - (j == label)) / static_cast<double>(batch.size());
        made.b[j] += slope;
        for (std::size_t i = 0; i < n; ++i) made.w[classes * i + j] += slope * double{x[i]};
      }
    }
    return made;
  };
  const auto length = [](const std::vector<double>& values) {
    double squares = 0;
    for (const double each : values) squares += each * each;
    return std::sqrt(squares);
  };
  for (const double gamma : {0.01, 0.25}) {
    const Result here = plain(w);
    std::vector<double> moved = w;  // v - w of the paper is a step along the gradient
    for (std::size_t k = 0; k < w.size(); ++k) moved[k] += gamma * length(w) / length(here.w) * here.w[k];
    const Result expected = plain(moved);
    nn::Kept kept;
    const Step found = step_of(
        net, batch, read(text("awp:of=[adversarial:attack=[fgsm:eps=0.1],clean_weight=1,smoothing=0],gamma=", gamma)),
        kept);
    for (std::size_t s = 0; s < batch.size(); ++s) {
      EXPECT_NEAR(found.losses.data()[s], expected.losses[s], 2e-6);
      EXPECT_GT(std::abs(expected.losses[s] - here.losses[s]), 1e-5);
    }
    for (std::size_t k = 0; k < w.size(); ++k) EXPECT_NEAR(found.gradients[0].data()[k], expected.w[k], 2e-6);
    for (std::size_t k = 0; k < classes; ++k) EXPECT_NEAR(found.gradients[1].data()[k], expected.b[k], 2e-6);
  }
}

/// The images are crafted with the unperturbed weights; everything else happens at the perturbed ones.
TEST(Awp, PerturbsAroundTrades) {
  const nn::Sequential net = nn::Sequential::parse(
      "5x5x1;conv2d:filters=3,kernel=3;batch_norm;relu;dropout:rate=0.5;flatten;linear:units=4", Rng(2));
  const data::Samples batch = random_samples({5, 5, 1}, 6, 4, 51);
  nn::Kept kept;
  const Step trades = step_of(net, batch, read("trades:eps=0.2,steps=3"), kept);
  std::vector<Tensor> moved(net.weights().begin(), net.weights().end());
  std::size_t changed = 0;
  for (std::size_t k = 0; k < moved.size(); ++k) {
    if (moved[k].shape().rank() < 2) continue;
    ++changed;
    double size = 0, length = 0;
    for (const real each : moved[k].values()) size += double{each} * double{each};
    for (const real each : trades.gradients[k].values()) length += double{each} * double{each};
    const double share = 0.1 * std::sqrt(size / length);
    for (std::size_t i = 0; i < moved[k].size(); ++i) {
      const double delta = share * double{trades.gradients[k].data()[i]};
      moved[k].mutable_data()[i] = static_cast<real>(double{moved[k].data()[i]} + delta);
    }
  }
  EXPECT_EQ(changed, 2U);
  const Step expected = step_of(net, batch, read("trades:eps=0.2,steps=3"), kept, moved);
  const Step found = step_of(net, batch, read("awp:of=[trades:eps=0.2,steps=3],gamma=0.1"), kept);
  for (std::size_t s = 0; s < batch.size(); ++s) {
    EXPECT_NEAR(found.losses.data()[s], expected.losses.data()[s], 1e-5);
    EXPECT_GT(std::abs(found.losses.data()[s] - trades.losses.data()[s]), 1e-4);
  }
  for (std::size_t k = 0; k < moved.size(); ++k) {
    for (std::size_t i = 0; i < moved[k].size(); ++i) {
      EXPECT_NEAR(found.gradients[k].data()[i], expected.gradients[k].data()[i], 1e-5) << k;
    }
  }
  EXPECT_EQ(found.statistics.size(), trades.statistics.size()) << "the pass for the perturbation leaves no statistics";
}

TEST(Awp, WithoutGammaIsTheOtherDefence) {
  for (const std::string_view other : {"trades:eps=0.1,steps=2", "adversarial:attack=[fgsm:eps=0.1]", "fast:eps=0.1"}) {
    const auto bytes_with = [](const nn::Loss& loss) {
      nn::FitOptions options = testing_fit::short_run();
      options.loss = loss;
      return testing_fit::trained(options);
    };
    EXPECT_EQ(bytes_with(read(text("awp:of=[", other, "],gamma=0"))), bytes_with(read(other)));
    EXPECT_NE(bytes_with(read(text("awp:of=[", other, "]"))), bytes_with(read(other)));
  }
}

TEST(Awp, PassesTheHooksOnAndKeepsWhatOnePassKept) {
  std::vector<int> calls(3);
  nn::FitOptions options = testing_fit::short_run();  // 15 steps
  const testing_data::TemporaryFolder folder;
  float losses = -1;
  const nn::Loss awp = Defense(Awp{.of = Defense(sample::Counting{&calls})});
  options.loss = nn::Loss("counted", [&](const nn::TrainStep& step) {
    const Var found = awp(step);
    losses = step.kept.at("losses", Tensor(Shape{})).data()[0];
    return found;
  });
  (void)testing_fit::trained(options);
  EXPECT_EQ(losses, 15) << "of the pass that counts";
  EXPECT_EQ(calls, (std::vector<int>{30, 0, 0}));
  options.loss = awp;
  (void)testing_fit::trained(options);
  EXPECT_EQ(calls, (std::vector<int>{60, 15, 15}));
  options.loss = Defense(Awp{.of = Defense(sample::Counting{&calls}), .gamma = 0});
  (void)testing_fit::trained(options);
  EXPECT_EQ(calls, (std::vector<int>{75, 30, 30})) << "one pass";
}

TEST(Awp, LeavesWhatHasNoGradient) {
  nn::Sequential net = nn::Sequential::parse("3x3x1;flatten;linear:units=3;relu;linear:units=3", Rng(2));
  std::vector<Tensor> dead(net.weights().begin(), net.weights().end());
  dead[1] = Tensor::full(dead[1].shape(), -100);
  net.set_weights(dead);
  const data::Samples batch = random_samples({3, 3, 1}, 7, 3, 51);
  nn::Kept kept;
  const std::string_view plain = "adversarial:attack=[fgsm:eps=0.1]";
  EXPECT_TRUE(identical(step_of(net, batch, read(text("awp:of=[", plain, "]")), kept).losses,
                        step_of(net, batch, read(plain), kept).losses));
}

TEST(Awp, WritesWhatItReadsAndRefusesTheRest) {
  EXPECT_EQ(text(read("awp:of=[trades:eps=0.3]").spec()),
            "awp:of=[trades:eps=0.3,beta=1,norm=linf,steps=10,alpha=0.075,smoothing=0],gamma=0.01");
  EXPECT_EQ(nn::Loss(read("awp:gamma=0.005,of=[awp:of=[fast:eps=0.3]]")).spec(),
            "awp:of=[awp:of=[fast:eps=0.3,alpha=0.375,probe=20,smoothing=0],gamma=0.01],gamma=0.005");
  struct Case {
    std::string_view spec, says;
  };
  for (const Case& one :
       {Case{"awp", "of is missing"}, Case{"awp:gamma=0.1", "of is missing"}, Case{"awp:of=[trades]", "eps is missing"},
        Case{"awp:of=[trades:eps=0.3],gamma=-1", ">= 0"}, Case{"awp:of=[trades:eps=0.3],gamma=nan", "gamma"},
        Case{"awp:of=[fgsm:eps=0.3]", "adversarial, fast, trades, awp"},
        Case{"awp:of=[trades:eps=0.3],eps=1", "gamma"}}) {
    EXPECT_TRUE(contains(usage_error_of([&] { (void)read(one.spec); }), one.says)) << one.spec;
  }
  EXPECT_TRUE(contains(usage_error_of([] { (void)Defense(Awp{.of = Defense()}); }), "needs a defence"));
  EXPECT_TRUE(contains(usage_error_of([] { (void)Defense::from_spec(Spec::parse("awp:of=[trades:eps=0.3]"), 0.1F); }),
                       "smoothing"));
}

}  // namespace
}  // namespace hans::awp_test
