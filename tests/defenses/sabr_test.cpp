// SABR: its small box by hand, and its end where it is interval training.
#include <hans/defenses/sabr.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include <hans/attacks/pgd.hpp>
#include <hans/defenses/ibp.hpp>

#include "../../defenses/detail/interval_training.hpp"
#include "../attacks/attacks_testing.hpp"
#include "../nn/fit_testing.hpp"

namespace hans::sabr_test {
namespace {

using namespace testing_attacks;
using defenses::Defense;
using defenses::pass_with_boxes;

Defense read(std::string_view spec) { return Defense::from_spec(Spec::parse(spec)); }

/// A step of 100.
struct Step {
  nn::Sequential net;
  data::Samples batch;
  Rng rng{9};
  std::uint32_t number = 60;

  explicit Step(std::string_view architecture, std::size_t size = 6)
      : net(nn::Sequential::parse(architecture, Rng(2))), batch(random_samples(net.input(), size, 3, 51)) {}

  template <class Compute>
  Tensor with(Compute compute) const {
    Tape tape, aside;
    nn::Kept kept;
    const DropoutKeys keys{rng, number, batch.index};
    std::vector<nn::BatchStatistics> statistics;
    const nn::RunStep at{net, batch, aside, rng, number, 100, kept};
    const nn::Mode mode{&keys, &statistics};
    return compute(nn::TrainStep{at, tape.watch(net.weights()), mode, tape});
  }
  Tensor losses(std::string_view spec) const {
    return with([&](const nn::TrainStep& step) { return nn::Loss(read(spec))(step).value(); });
  }
  Tensor attacked(const attacks::Pgd& pgd) const {
    return with([&](const nn::TrainStep& step) { return defenses::attacked(step, pgd, "sabr"); });
  }
};

constexpr std::string_view normed = "5x5x1;conv2d:filters=3,kernel=3,bias=false;batch_norm;relu;flatten;linear:units=3";

TEST(Sabr, OfTheWholeBallIsIbp) {
  const Step step(normed);
  EXPECT_TRUE(identical(step.losses("sabr:eps=0.1,lambda=1"), step.losses("ibp:eps=0.1")));
  EXPECT_TRUE(identical(step.losses("sabr:eps=0.1,lambda=1,clean_start=1,ramp=0.8,warmup=0.1,smoothing=0.1"),
                        step.losses("ibp:eps=0.1,clean_start=1,ramp=0.8,warmup=0.1,smoothing=0.1")));
  EXPECT_FALSE(identical(step.losses("sabr:eps=0.1,lambda=0.9"), step.losses("ibp:eps=0.1")));
  Step early = step;
  early.number = 5;
  EXPECT_TRUE(identical(early.losses("sabr:eps=0.1,lambda=0.4,warmup=0.1"), early.losses("ibp:eps=0,ramp=0")));
}

double cross_entropy_of(const std::vector<double>& z, int label) {
  double total = 0;
  for (const double each : z) total += std::exp(each);
  return std::log(total) - z[static_cast<std::size_t>(label)];
}

/// Of a linear model the bounds follow from the weights: z_j - z_y + sum_i |w_ij - w_iy| r_i at the middle of the box.
TEST(Sabr, IsCrossEntropyOfWhatIntervalsAllowInTheSmallBox) {
  const Step step("3x3x1;flatten;linear:units=3", 7);
  struct Case {
    std::string_view spec;
    unsigned steps;
    float size;
    double lambda, weight;
  };
  for (const Case& one : {Case{"sabr:eps=0.3,lambda=0.4", 8, 0.075F, double{0.4F}, double{0.3F}},
                          Case{"sabr:eps=0.3,lambda=0.1,steps=1,clean_weight=0", 1, 3, double{0.1F}, 0},
                          Case{"sabr:eps=0.3,lambda=0.75,steps=4,clean_weight=0.5", 4, 0.15F, 0.75, 0.5},
                          Case{"sabr:eps=0.3,lambda=0,clean_weight=0", 8, 0.075F, 0, 0}}) {
    const Tensor images = step.attacked({.eps = 0.3F, .steps = one.steps, .alpha = one.size});
    const Tensor found = step.losses(one.spec);
    std::size_t pushed = 0;
    for (std::size_t n = 0; n < step.batch.size(); ++n) {
      const auto y = static_cast<std::size_t>(step.batch.labels[n]);
      std::vector<double> z(3), u(3), centre(9), reach(9);
      for (std::size_t i = 0; i < 9; ++i) {
        const double x = step.batch.images.data()[n * 9 + i], away = images.data()[n * 9 + i];
        const double low = std::max(x - double{0.3F}, 0.0), high = std::min(x + double{0.3F}, 1.0);
        reach[i] = one.lambda * (high - low) / 2;
        centre[i] = std::clamp(away, low + reach[i], std::max(low, high - reach[i]));
        pushed += centre[i] != away ? 1U : 0U;
      }
      const auto w = [&](std::size_t i, std::size_t j) { return double{step.net.weights()[0].data()[3 * i + j]}; };
      const auto b = [&](std::size_t j) { return double{step.net.weights()[1].data()[j]}; };
      for (std::size_t j = 0; j < 3; ++j) {
        z[j] = b(j);
        u[j] = j == y ? 0 : b(j) - b(y);
        for (std::size_t i = 0; i < 9; ++i) {
          z[j] += double{step.batch.images.data()[n * 9 + i]} * w(i, j);
          u[j] += centre[i] * (w(i, j) - w(i, y)) + reach[i] * std::abs(w(i, j) - w(i, y));
        }
      }
      const double expected = one.weight * cross_entropy_of(z, step.batch.labels[n]) +
                              (1 - one.weight) * cross_entropy_of(u, step.batch.labels[n]);
      EXPECT_NEAR(found.data()[n], expected, 1e-5) << one.spec;
    }
    EXPECT_EQ(pushed > 20, one.lambda > 0) << one.spec;  // the attack went to corners
  }
}

/// The loss of the small box lies between that of its centre and that of the ball, which contains it: also through
/// layers, and with an attack that the box cannot follow.
TEST(Sabr, StaysInTheBall) {
  const Step step(normed);
  const Tensor ball = step.losses("ibp:eps=0.2,clean_weight=0");
  Tensor inner = step.losses("sabr:eps=0.2,lambda=0,clean_weight=0");
  for (const std::string_view lambda : {"0.2", "0.6", "0.99"}) {
    const Tensor found = step.losses(text("sabr:eps=0.2,clean_weight=0,lambda=", lambda));
    for (std::size_t n = 0; n < found.size(); ++n) EXPECT_LE(found.data()[n], ball.data()[n] + 1e-5F) << lambda;
  }
  for (std::size_t n = 0; n < inner.size(); ++n) EXPECT_LT(inner.data()[n], ball.data()[n]);
  const defenses::Ibp method{{.eps = 0.2F}};
  // Images far outside become the nearest centres.
  for (const real outside : {real{-5}, real{5}}) {
    const Tensor far = Tensor::full(step.batch.images.shape(), outside);
    const Tensor margins = step.with([&](const nn::TrainStep& at) {
      return pass_with_boxes(method, at, {.eps = 0.2, .share = real{0.5F}, .around = far}).margins.value();
    });
    const Tensor all =
        step.with([&](const nn::TrainStep& at) { return pass_with_boxes(method, at, {.eps = 0.2}).margins.value(); });
    for (std::size_t i = 0; i < all.size(); ++i) EXPECT_LE(margins.data()[i], all.data()[i] + 1e-5F) << outside;
  }
}

TEST(Sabr, RefusesWhatMakesNoSense) {
  struct Case {
    std::string_view spec, says;
  };
  for (const Case& one : {Case{"sabr:lambda=0.4", "eps is missing"}, Case{"sabr:eps=0.1", "lambda is missing"},
                          Case{"sabr:eps=0.1,lambda=1.1", "<= 1"}, Case{"sabr:eps=0.1,lambda=-0.1", "lambda"},
                          Case{"sabr:eps=0.1,lambda=nan", "lambda"}, Case{"sabr:eps=0.1,lambda=0.1,steps=0", "steps"},
                          Case{"sabr:eps=0.1,lambda=0.1,alpha=1", "clean_weight"},
                          Case{"sabr:eps=0.1,lambda=0.1,warmup=0.9", "sabr: a warmup of 0.9 and a ramp of 0.3"}}) {
    EXPECT_TRUE(contains(usage_error_of([&] { (void)read(one.spec); }), one.says)) << one.spec;
  }
  nn::FitOptions options = testing_fit::short_run();
  options.loss = read("sabr:eps=0.1,lambda=0.4,ramp=0");
  EXPECT_TRUE(contains(testing_fit::refusal(options), "layer 2 (dropout) has no rule for intervals"));
  options.batch = 1;
  EXPECT_TRUE(contains(testing_fit::refusal(options, testing_fit::quarters(18),
                                            testing_fit::fresh("6x6x1;flatten;linear:units=5;batch_norm;relu;"
                                                               "linear:units=4")),
                       "layer 2 (batch_norm) needs more than one number for each channel: a batch of 1 is too small"));
  EXPECT_EQ(
      text(read("sabr:eps=0.1,lambda=0.4").spec()),
      "sabr:eps=0.1,lambda=0.4,steps=8,clean_weight=0.3,clean_start=0.3,warmup=0,ramp=0.3,l1=0,regularize=0,smoothing=0");
}

}  // namespace
}  // namespace hans::sabr_test
