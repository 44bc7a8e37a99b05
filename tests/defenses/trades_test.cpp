// TRADES: its loss and attack by plain loops in double, its neighbours, and what it is worth.
#include <hans/defenses/trades.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include <hans/attacks/evaluate.hpp>
#include <hans/attacks/pgd.hpp>
#include <hans/autodiff/grad.hpp>
#include <hans/core/parallel.hpp>
#include <hans/nn/evaluate.hpp>

#include "../attacks/attacks_testing.hpp"
#include "../nn/fit_testing.hpp"

namespace hans::trades_test {
namespace {

using namespace testing_attacks;
using attacks::Norm;
using defenses::Defense;
using defenses::Trades;
using testing_fit::quarters;
using Row = std::vector<double>;

Defense read(std::string_view spec) { return Defense::from_spec(Spec::parse(spec)); }

Row log_probabilities(std::span<const real> logits) {
  double most = logits[0], total = 0;
  for (const real z : logits) most = std::max(most, static_cast<double>(z));
  for (const real z : logits) total += std::exp(static_cast<double>(z) - most);
  Row all;
  for (const real z : logits) all.push_back(static_cast<double>(z) - most - std::log(total));
  return all;
}

double divergence(const Row& p, const Row& q) {
  double total = 0;
  for (std::size_t j = 0; j < p.size(); ++j) total += std::exp(p[j]) * (p[j] - q[j]);
  return total;
}

TEST(Trades, IsCrossEntropyAndDivergence) {
  const nn::Sequential net = nn::Sequential::parse("3x3x1;flatten;linear:units=6;relu;linear:units=3", Rng(2));
  const data::Samples batch = random_samples({3, 3, 1}, 7, 3, 51);
  const Rng rng(9);
  for (const std::string_view spec :
       {"trades:eps=0.3", "trades:eps=0.2,beta=6,steps=3,alpha=0.1", "trades:eps=1,norm=l2,beta=2.5,smoothing=0.2"}) {
    const Defense defense = read(spec);
    Tape tape, aside;
    nn::Kept kept;
    const DropoutKeys keys{rng, 4, batch.index};
    const nn::Mode mode{&keys};
    const nn::RunStep at{net, batch, aside, rng, 4, 20, kept};
    const Tensor found = nn::Loss(defense)({at, tape.watch(net.weights()), mode, tape}).value();
    const hans::Spec given = defense.spec();
    const auto number = [&](std::string_view key) {
      double value = 0;
      EXPECT_TRUE(read_number(given.find(key)->value, value)) << key;
      return value;
    };
    const attacks::Attack pgd = attack(text("pgd:eps=", given.find("eps")->value, ",norm=", given.find("norm")->value,
                                            ",steps=", given.find("steps")->value,
                                            ",alpha=", given.find("alpha")->value, ",loss=kl,start=gaussian"));
    const Tensor images = defenses::attacked(at, pgd, "trades");
    Tape plain;
    const Tensor clean = net(plain.constant(batch.images)).value();
    const Tensor other = net(plain.constant(images)).value();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const Row p = log_probabilities(clean.values().subspan(3 * i, 3));
      const Row q = log_probabilities(other.values().subspan(3 * i, 3));
      const double smoothing = number("smoothing");
      double expected = number("beta") * divergence(p, q);
      for (std::size_t j = 0; j < 3; ++j) {
        const bool right = static_cast<int>(j) == batch.labels[i];
        expected -= (right ? 1 - smoothing : smoothing / 2) * p[j];
      }
      EXPECT_GT(divergence(p, q), 1e-4) << spec;
      EXPECT_NEAR(found.data()[i], expected, 2e-6 * (1 + number("beta"))) << spec;
    }
  }
}

/// On a linear model every step of the attack follows from the weights.
TEST(Trades, AttacksAsThePaperSays) {
  constexpr std::size_t n = 9;
  const nn::Sequential net = nn::Sequential::parse("3x3x1;flatten;linear:units=3", Rng(2));
  const data::Samples batch = random_samples({3, 3, 1}, 12, 3, 52);
  for (const Norm norm : {Norm::linf, Norm::l2}) {
    constexpr double eps = 0.25, size = 0.1;
    const attacks::Pgd pgd{.eps = static_cast<float>(eps),
                           .norm = norm,
                           .steps = 4,
                           .alpha = static_cast<float>(size),
                           .loss = attacks::Loss::kl,
                           .start = attacks::Start::gaussian};
    const attacks::Crafted made =
        attacks::Attack(pgd)(net, batch, away_from(batch.labels), {.seed = 5, .to_the_end = true});
    for (std::size_t s = 0; s < batch.size(); ++s) {
      const real* x = batch.images.data() + s * n;
      const auto answer = [&](const std::vector<double>& image) {
        std::vector<real> logits(3);
        for (std::size_t j = 0; j < 3; ++j) {
          double z = net.weights()[1].data()[j];
          for (std::size_t i = 0; i < n; ++i) z += image[i] * static_cast<double>(net.weights()[0].data()[3 * i + j]);
          logits[j] = static_cast<real>(z);
        }
        return log_probabilities(logits);
      };
      const auto inside = [&](std::vector<double>& image) {
        double far = 0;
        for (std::size_t i = 0; i < n; ++i) image[i] = std::clamp(image[i], 0.0, 1.0);
        for (std::size_t i = 0; i < n; ++i) far += (image[i] - x[i]) * (image[i] - x[i]);
        far = std::sqrt(far);
        for (std::size_t i = 0; i < n; ++i) {
          if (norm == Norm::linf) image[i] = std::clamp(image[i], x[i] - eps, x[i] + eps);
          if (norm == Norm::l2 && far > eps) image[i] = x[i] + (image[i] - x[i]) * eps / far;
        }
      };
      std::vector<real> start(n);
      Rng(5).stream("pgd", batch.index[s], 0).normals(start);
      std::vector<double> image;
      for (std::size_t i = 0; i < n; ++i) image.push_back(x[i]);
      const Row p = answer(image);
      for (std::size_t i = 0; i < n; ++i) image[i] += 0.001 * static_cast<double>(start[i]);
      inside(image);
      for (int k = 0; k < 4; ++k) {
        const Row q = answer(image);
        std::vector<double> gradient(n);
        double length = 0;
        for (std::size_t i = 0; i < n; ++i) {
          for (std::size_t j = 0; j < 3; ++j) {
            gradient[i] += static_cast<double>(net.weights()[0].data()[3 * i + j]) * (std::exp(q[j]) - std::exp(p[j]));
          }
          length += gradient[i] * gradient[i];
        }
        for (std::size_t i = 0; i < n; ++i) {
          image[i] += size * (norm == Norm::l2 ? gradient[i] / std::sqrt(length) : gradient[i] > 0 ? 1 : -1);
        }
        inside(image);
      }
      for (std::size_t i = 0; i < n; ++i) EXPECT_NEAR(made.images.data()[s * n + i], image[i], 1e-3) << s;
      EXPECT_EQ(made.notes[s].gradients, 4U);
      EXPECT_EQ(made.notes[s].forwards, 6U);  // the original, the steps, and the end
    }
  }
}

TEST(Trades, WithoutBetaIsPlainTraining) {
  const auto bytes_with = [](const nn::Loss& loss, std::string_view architecture) {
    nn::Sequential net = testing_fit::fresh(architecture);
    nn::FitOptions options = testing_fit::short_run();
    options.loss = loss;
    nn::fit(net, quarters(18), options);
    return testing_fit::bytes(net);
  };
  for (const std::string_view architecture :
       {testing_fit::architecture, std::string_view("6x6x1;batch_norm;flatten;linear:units=4")}) {
    EXPECT_EQ(bytes_with(read("trades:eps=0.1,beta=0"), architecture),
              bytes_with(nn::cross_entropy_loss(), architecture));
    EXPECT_NE(bytes_with(read("trades:eps=0.1"), architecture), bytes_with(nn::cross_entropy_loss(), architecture));
  }
  EXPECT_EQ(bytes_with(Defense::from_spec(Spec::parse("trades:eps=0.1,beta=0"), 0.1F), testing_fit::architecture),
            bytes_with(nn::cross_entropy_loss(0.1F), testing_fit::architecture));
}

class DeterminismOfTrades : public testing::Test {
 protected:
  void TearDown() override { set_thread_count(threads_); }
  std::size_t threads_ = thread_count();
};

TEST_F(DeterminismOfTrades, AnyNumberOfThreadsGivesTheSameBits) {
  std::string first;
  for (const std::size_t threads : {1U, 2U, 3U}) {
    set_thread_count(threads);
    nn::FitOptions options = testing_fit::short_run();
    options.loss = read("trades:eps=0.1,steps=3");
    const std::string found = testing_fit::trained(options, quarters(40));
    if (first.empty()) first = found;
    EXPECT_EQ(found, first) << threads;
  }
}

TEST(Trades, WritesWhatItReads) {
  EXPECT_EQ(text(read("trades:eps=0.3").spec()), "trades:eps=0.3,beta=1,norm=linf,steps=10,alpha=0.075,smoothing=0");
  EXPECT_EQ(text(read("trades:steps=5,eps=2,norm=l2,beta=6").spec()),
            "trades:eps=2,beta=6,norm=l2,steps=5,alpha=1,smoothing=0");
  EXPECT_EQ(nn::Loss(Defense::from_spec(Spec::parse("trades:eps=0.3,alpha=0.1"), 0.1F)).spec(),
            "trades:eps=0.3,beta=1,norm=linf,steps=10,alpha=0.1 smoothing=0.1");
}

TEST(Trades, RefusesWhatMakesNoSense) {
  struct Case {
    std::string_view spec, says;
  };
  for (const Case& one :
       {Case{"trades", "eps is missing"}, Case{"trades:eps=-1", ">= 0"}, Case{"trades:eps=0.3,beta=-1", "beta"},
        Case{"trades:eps=0.3,beta=nan", "beta"}, Case{"trades:eps=0.3,steps=0", "steps"},
        Case{"trades:eps=0.3,norm=l1", "linf|l2"}, Case{"trades:eps=0.3,smoothing=1", "smoothing"},
        Case{"trades:eps=0.3,alpha=-0.1", "alpha"}, Case{"trades:eps=0.3,lambda=1", "beta"},
        Case{"trades@2:eps=0.3", "adversarial, fast, trades"}}) {
    EXPECT_TRUE(contains(usage_error_of([&] { (void)read(one.spec); }), one.says)) << one.spec;
  }
  EXPECT_TRUE(contains(
      usage_error_of([] { (void)Defense::from_spec(Spec::parse("trades:eps=0.3,smoothing=0.1"), 0.2F); }), "twice"));
  nn::FitOptions options = testing_fit::short_run();
  options.loss = read("trades:eps=2");  // wider than the data
  EXPECT_TRUE(contains(testing_fit::refusal(options), "can change"));
}

TEST(Trades, MakesANetworkHarderToAttack) {
  const data::Dataset digits = data::load("mnist-5k/train");
  const data::Samples test = data::load("mnist-5k/test").first(200);
  const auto robust = [&](const nn::Loss& loss) {
    nn::Sequential net = nn::Sequential::parse("28x28x1;flatten;linear:units=32;relu;linear:units=10", Rng(3));
    nn::fit(net, digits, {.epochs = 2, .batch = 64, .loss = loss});
    const attacks::Attack pgd = attacks::Pgd{.eps = 0.1F, .steps = 20};
    const Tensor images = pgd(net, test, away_from(test.labels)).images;
    Tape tape;
    return nn::count_correct(nn::predictions(net(tape.constant(images)).value()), test.labels);
  };
  const std::size_t plain = robust(nn::cross_entropy_loss());
  const std::size_t hardened = robust(read("trades:eps=0.1,beta=3,steps=5"));
  EXPECT_LT(plain, 60U);
  EXPECT_GT(hardened, plain + 60);
}

}  // namespace
}  // namespace hans::trades_test
