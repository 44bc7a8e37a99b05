// Training with intervals: its loss and its ramp by hand, its bits, and what it is worth.
#include <hans/defenses/ibp.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include <hans/core/parallel.hpp>
#include <hans/nn/bounds.hpp>
#include <hans/nn/intervals.hpp>

#include "../../defenses/detail/interval_training.hpp"
#include "../attacks/attacks_testing.hpp"
#include "../nn/fit_testing.hpp"

namespace hans::ibp_test {
namespace {

using namespace testing_attacks;
using defenses::Defense;
using defenses::smooth_ramp;

Defense read(std::string_view spec) { return Defense::from_spec(Spec::parse(spec)); }

double cross_entropy_of(const std::vector<double>& z, int label, double smoothing) {
  double total = 0, loss = 0;
  for (const double each : z) total += std::exp(each);
  for (std::size_t j = 0; j < z.size(); ++j) {
    const double share = static_cast<int>(j) == label ? 1 - smoothing : smoothing / static_cast<double>(z.size() - 1);
    loss += share * (std::log(total) - z[j]);
  }
  return loss;
}

/// Of a linear model the bounds follow from the weights: z_j - z_y + sum_i |w_ij - w_iy| r_i at the middle of each
/// ball.
TEST(Ibp, IsCrossEntropyOfWhatIntervalsAllow) {
  const nn::Sequential net = nn::Sequential::parse("3x3x1;flatten;linear:units=3", Rng(2));
  const data::Samples batch = random_samples({3, 3, 1}, 7, 3, 51);
  struct Case {
    std::string_view spec;
    std::uint32_t step;  // of 100
    double eps, clean, smoothing;
  };
  for (const Case& one : {Case{"ibp:eps=0.3,ramp=0.5", 50, 0.3, 0.3, 0}, Case{"ibp:eps=0.3,ramp=0.5", 99, 0.3, 0.3, 0},
                          Case{"ibp:eps=0.3,ramp=0.5,warmup=0.5", 50, 0, 0.3, 0},
                          Case{"ibp:eps=0.2,ramp=0.4,warmup=0.1,clean_start=1,clean_weight=0", 30,
                               smooth_ramp(20, 40, double{0.2F}), 0.5, 0},
                          Case{"ibp:eps=0.1,ramp=0,clean_weight=0.25,smoothing=0.1", 0, 0.1, 0.25, double{0.1F}}}) {
    const Rng rng(9);
    Tape tape, aside;
    nn::Kept kept;
    const DropoutKeys keys{rng, one.step, batch.index};
    std::vector<nn::BatchStatistics> statistics;
    const nn::RunStep at{net, batch, aside, rng, one.step, 100, kept};
    const nn::Mode mode{&keys, &statistics};
    const Tensor found = nn::Loss(read(one.spec))({at, tape.watch(net.weights()), mode, tape}).value();
    for (std::size_t n = 0; n < batch.size(); ++n) {
      const auto y = static_cast<std::size_t>(batch.labels[n]);
      std::vector<double> z(3), u(3), middle(9), reach(9);
      for (std::size_t i = 0; i < 9; ++i) {
        const double x = batch.images.data()[n * 9 + i];
        const double low = std::max(x - one.eps, 0.0), high = std::min(x + one.eps, 1.0);
        middle[i] = (low + high) / 2;
        reach[i] = (high - low) / 2;
      }
      const auto w = [&](std::size_t i, std::size_t j) { return double{net.weights()[0].data()[3 * i + j]}; };
      const auto b = [&](std::size_t j) { return double{net.weights()[1].data()[j]}; };
      for (std::size_t j = 0; j < 3; ++j) {
        z[j] = b(j);
        u[j] = j == y ? 0 : b(j) - b(y);
        for (std::size_t i = 0; i < 9; ++i) {
          z[j] += double{batch.images.data()[n * 9 + i]} * w(i, j);
          u[j] += middle[i] * (w(i, j) - w(i, y)) + reach[i] * std::abs(w(i, j) - w(i, y));
        }
      }
      const double expected = one.clean * cross_entropy_of(z, batch.labels[n], one.smoothing) +
                              (1 - one.clean) * cross_entropy_of(u, batch.labels[n], one.smoothing);
      EXPECT_NEAR(found.data()[n], expected, 1e-5) << one.spec << " at " << one.step;
    }
  }
}

/// a * s^4 up to a quarter of the ramp, then straight; a such that both meet with one slope (the slope is 4 a mid^3).
TEST(Ibp, RampsSmoothly) {
  constexpr double end = 0.3;
  EXPECT_EQ(smooth_ramp(0, 100, end), 0);
  EXPECT_EQ(smooth_ramp(100, 100, end), end);
  EXPECT_EQ(smooth_ramp(5000, 100, end), end);
  EXPECT_EQ(smooth_ramp(0, 0, end), end);
  const double a = end / (4.0 * 75 * 25 * 25 * 25 + 25.0 * 25 * 25 * 25);
  EXPECT_NEAR(smooth_ramp(10, 100, end), a * 1e4, 1e-12);
  EXPECT_NEAR(smooth_ramp(25, 100, end), a * 390625, 1e-12);
  EXPECT_NEAR(smooth_ramp(26, 100, end) - smooth_ramp(25, 100, end), 4 * a * 15625, 1e-12);
  for (const std::uint64_t length : {1U, 2U, 3U, 4U, 5U, 1000U}) {
    for (std::uint64_t step = 0; step < length; ++step) {
      EXPECT_LE(smooth_ramp(step, length, end), smooth_ramp(step + 1, length, end)) << step << " of " << length;
    }
  }
}

TEST(Ibp, AddsTheGradientOfTheL1Norm) {
  const nn::Sequential net = nn::Sequential::parse("2x2x1;batch_norm;flatten;linear:units=2", Rng(2));
  const data::Samples batch = random_samples({2, 2, 1}, 2, 2, 3);
  Tape aside;
  nn::Kept kept;
  const nn::RunStep at{net, batch, aside, Rng(9), 0, 10, kept};
  for (const std::string_view spec : {"ibp:eps=0.1,l1=0.25", "ibp:eps=0.1"}) {
    std::vector<Tensor> gradients;
    for (const Tensor& w : net.weights()) gradients.push_back(Tensor::full(w.shape(), 1));
    nn::Loss(read(spec)).method().before(at, gradients);
    const double share = spec.ends_with("0.25") ? 0.25 : 0;
    for (std::size_t k = 0; k < gradients.size(); ++k) {
      for (std::size_t i = 0; i < gradients[k].size(); ++i) {
        const double w = double{net.weights()[k].data()[i]};
        const double expected = net.weights()[k].shape().rank() < 2 ? 1 : 1 + (w > 0 ? share : -share);
        EXPECT_EQ(double{gradients[k].data()[i]}, expected) << spec << " " << net.weight_names()[k];
      }
    }
  }
}

/// lambda (1 - eps now / eps) times nn::interval_imbalance while eps rises, nothing before or after; the same for all
/// methods.
TEST(Ibp, RegularisesWhileEpsRises) {
  const nn::Sequential net = nn::Sequential::parse(
      "5x5x1;conv2d:filters=3,kernel=3;batch_norm;relu;flatten;linear:units=6;relu;linear:units=4", Rng(2));
  const data::Samples batch = random_samples({5, 5, 1}, 6, 4, 51);
  struct Found {
    Tensor losses, imbalance;
  };
  const auto at_step = [&](std::string_view spec, std::uint32_t number, double radius) {
    Tape tape, aside;
    nn::Kept kept;
    const Rng rng(9);
    const DropoutKeys keys{rng, number, batch.index};
    std::vector<nn::BatchStatistics> statistics;
    const nn::RunStep at{net, batch, aside, rng, number, 100, kept};
    const nn::Mode mode{&keys, &statistics};
    const nn::TrainStep step{at, tape.watch(net.weights()), mode, tape};
    const defenses::Ibp rising{{.eps = 1.0F, .ramp = 1, .regularize = 1}};  // so that the pass is traced
    const nn::IntervalPass pass = pass_with_boxes(rising, step, {.eps = radius});
    return Found{nn::Loss(read(spec))(step).value(), interval_imbalance(net, pass, batch.size()).value()};
  };
  const double now = smooth_ramp(25, 50, double{0.1F});
  for (const std::string method : {"ibp:eps=0.1", "mtl-ibp:eps=0.1,alpha=0.3", "sabr:eps=0.1,lambda=1"}) {
    for (const std::uint32_t step : {5U, 10U, 35U, 60U, 99U}) {
      const std::string plain = method + ",warmup=0.1,ramp=0.5";
      const Found with = at_step(plain + ",regularize=0.5", step, now), without = at_step(plain, step, now);
      const double share = step == 35 ? 0.5 * (1 - now / double{0.1F}) : 0;
      EXPECT_GT(with.imbalance.data()[0], 0.2F);
      for (std::size_t n = 0; n < batch.size(); ++n) {
        const double more = double{with.losses.data()[n]} - double{without.losses.data()[n]};
        EXPECT_NEAR(more, share * double{with.imbalance.data()[0]}, 2e-6) << method << " " << step;
      }
    }
  }
}

constexpr std::string_view architecture =
    "6x6x1;conv2d:filters=4,kernel=3,bias=false;batch_norm;relu;flatten;linear:units=8;relu;linear:units=4";

class DeterminismOfIbp : public testing::Test {
 protected:
  void TearDown() override { set_thread_count(threads_); }
  std::size_t threads_ = thread_count();
};

TEST_F(DeterminismOfIbp, ThreadsAndKillsLeaveTheBits) {
  const auto options_of = [](const std::filesystem::path& checkpoint) {
    nn::FitOptions options = testing_fit::short_run();
    options.loss = read("ibp:eps=0.1,warmup=0.2,ramp=0.4,l1=0.0001,regularize=0.5,clean_start=1");
    options.checkpoint = checkpoint;
    options.checkpoint_steps = 1;
    options.resume = true;
    return options;
  };
  std::string first;
  for (const std::size_t threads : {1U, 2U, 3U}) {
    set_thread_count(threads);
    nn::Sequential net = testing_fit::fresh(architecture);
    nn::fit(net, testing_fit::quarters(40), options_of({}));
    if (first.empty()) first = testing_fit::bytes(net);
    EXPECT_EQ(testing_fit::bytes(net), first) << threads;
  }
  const testing_data::TemporaryFolder folder;
  struct Killed {};
  for (const std::uint64_t kill : {3U, 11U, 0U}) {  // in the warmup, in the ramp, never
    nn::Sequential net = testing_fit::fresh(architecture);
    nn::FitOptions options = options_of(folder.path() / "checkpoint");
    options.progress = [kill](const nn::Progress& at) {
      if (at.step == kill) throw Killed();
    };
    if (kill > 0) {
      EXPECT_THROW(nn::fit(net, testing_fit::quarters(40), options), Killed);
    } else {
      nn::fit(net, testing_fit::quarters(40), options);
      EXPECT_EQ(testing_fit::bytes(net), first);
    }
  }
}

TEST(Ibp, RefusesWhatMakesNoSense) {
  struct Case {
    std::string_view spec, says;
  };
  for (const Case& one :
       {Case{"ibp", "eps is missing"}, Case{"ibp:eps=-1", ">= 0"}, Case{"ibp:eps=nan", "eps"},
        Case{"ibp:eps=0.3,clean_weight=1.5", "<= 1"}, Case{"ibp:eps=0.3,clean_start=-1", "clean_start"},
        Case{"ibp:eps=0.3,warmup=0.6,ramp=0.5", "a warmup of 0.6 and a ramp of 0.5 of the run are longer"},
        Case{"ibp:eps=0.3,ramp=1.1", "ramp"}, Case{"ibp:eps=0.3,l1=-1", "l1"},
        Case{"ibp:eps=0.3,regularize=-1", "regularize"}, Case{"ibp:eps=0.3,kappa=1", "clean_weight"}}) {
    EXPECT_TRUE(contains(usage_error_of([&] { (void)read(one.spec); }), one.says)) << one.spec;
  }
  nn::FitOptions options = testing_fit::short_run();
  options.loss = read("ibp:eps=0.1,ramp=0");
  EXPECT_TRUE(contains(testing_fit::refusal(options), "layer 2 (dropout) has no rule for intervals"));
  options.loss = read("ibp:eps=2,ramp=0");
  EXPECT_TRUE(contains(testing_fit::refusal(options, testing_fit::quarters(18), testing_fit::fresh(architecture)),
                       "can change"));
  EXPECT_EQ(text(read("ibp:eps=0.1").spec()),
            "ibp:eps=0.1,clean_weight=0.3,clean_start=0.3,warmup=0,ramp=0.3,l1=0,regularize=0,smoothing=0");
}

TEST(Ibp, MakesANetworkThatIntervalsCertify) {
  const data::Dataset digits = data::load("mnist-5k/train");
  const data::Samples test = data::load("mnist-5k/test").first(200);
  const auto certified = [&](const nn::Loss& loss) {
    nn::Sequential net = nn::Sequential::parse(
        "28x28x1;conv2d:filters=8,kernel=4,stride=2,padding=1,bias=false;batch_norm;relu;flatten;"
        "linear:units=32,bias=false;batch_norm;relu;linear:units=10",
        Rng(3));
    start_for_intervals(net, Rng(3));
    nn::fit(net, digits, {.epochs = 3, .batch = 64, .loss = loss});
    const nn::MarginBounds bounds =
        bound_margins(net, test.images, test.labels, {Norm::linf, 0.05F, 0, 1}, {.method = nn::BoundMethod::ibp});
    std::size_t count = 0;
    for (std::size_t i = 0; i < test.size(); ++i) count += bounds.real(i) && bounds.float32(i) ? 1U : 0U;
    return count;
  };
  const std::size_t plain = certified(nn::cross_entropy_loss()), robust = certified(read("ibp:eps=0.08,ramp=0.5"));
  EXPECT_LT(plain, 20U);
  EXPECT_GT(robust, 120U);
}

}  // namespace
}  // namespace hans::ibp_test
