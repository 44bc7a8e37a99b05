// CROWN-IBP: both bounds with their shares over the run, and its end, which is interval training.
#include <hans/defenses/crown_ibp.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include <hans/core/parallel.hpp>
#include <hans/nn/intervals.hpp>

#include "../../defenses/detail/interval_training.hpp"
#include "../attacks/attacks_testing.hpp"
#include "../nn/fit_testing.hpp"

namespace hans::crown_ibp_test {
namespace {

using namespace testing_attacks;
using defenses::Defense;
using defenses::pass_with_boxes;
using defenses::smooth_ramp;

Defense read(std::string_view spec) { return Defense::from_spec(Spec::parse(spec)); }

/// A step of 100.
struct Step {
  nn::Sequential net = nn::Sequential::parse(
      "5x5x1;conv2d:filters=3,kernel=3,bias=false;batch_norm;relu;flatten;linear:units=6;relu;linear:units=4", Rng(2));
  data::Samples batch = random_samples({5, 5, 1}, 6, 4, 51);
  Rng rng{9};

  template <class Compute>
  auto with(std::uint32_t number, Compute compute) const {
    Tape tape, aside;
    nn::Kept kept;
    const DropoutKeys keys{rng, number, batch.index};
    std::vector<nn::BatchStatistics> statistics;
    const nn::RunStep at{net, batch, aside, rng, number, 100, kept};
    const nn::Mode mode{&keys, &statistics};
    return compute(nn::TrainStep{at, tape.watch(net.weights()), mode, tape});
  }
  Tensor losses(std::string_view spec, std::uint32_t number) const {
    return with(number, [&](const nn::TrainStep& step) { return nn::Loss(read(spec))(step).value(); });
  }
};

double cross_entropy_of(const std::vector<double>& z, int label) {
  double total = 0;
  for (const double each : z) total += std::exp(each);
  return std::log(total) - z[static_cast<std::size_t>(label)];
}

TEST(CrownIbp, MixesBothBoundsWhileEpsRises) {
  const Step step;
  for (const std::uint32_t number : {15U, 35U, 59U}) {
    const double eps = smooth_ramp(number - 10, 50, double{0.2F}), share = 1 - (number - 10) / 50.0;
    const Tensor found = step.losses("crown-ibp:eps=0.2,warmup=0.1,ramp=0.5,clean_weight=0.25", number);
    struct Parts {
      Tensor logits, intervals, crown;
    };
    const Parts parts = step.with(number, [&](const nn::TrainStep& at) {
      const nn::IntervalPass pass =
          pass_with_boxes(defenses::CrownIbp{{.eps = 0.2F}}, at, {.eps = eps, .traced = true});
      const Var crown = crown_margins(at.net, at.weights, pass, at.batch.size(), at.batch.labels);
      return Parts{pass.logits.value(), pass.margins.value(), crown.value()};
    });
    double apart = 0;
    for (std::size_t n = 0; n < found.size(); ++n) {
      std::vector<double> logits(4), margins(4);
      for (std::size_t j = 0; j < 4; ++j) {
        const std::size_t at = 4 * n + j;
        logits[j] = double{parts.logits.data()[at]};
        margins[j] = share * double{parts.crown.data()[at]} + (1 - share) * double{parts.intervals.data()[at]};
        apart += std::abs(double{parts.crown.data()[at]} - double{parts.intervals.data()[at]});
      }
      const double expected = 0.25 * cross_entropy_of(logits, step.batch.labels[n]) +
                              0.75 * cross_entropy_of(margins, step.batch.labels[n]);
      EXPECT_NEAR(double{found.data()[n]}, expected, 1e-5) << number;
    }
    EXPECT_GT(apart, number == 15 ? 0 : 0.1);
  }
}

TEST(CrownIbp, EndsAsIbp) {
  const Step step;
  for (const std::string rest : {"eps=0.1,warmup=0.1,ramp=0.5", "eps=0.1,warmup=0.1,ramp=0.5,clean_start=1"}) {
    for (const std::uint32_t number : {5U, 60U, 99U}) {
      EXPECT_TRUE(identical(step.losses("crown-ibp:" + rest, number), step.losses("ibp:" + rest, number))) << number;
    }
    EXPECT_FALSE(identical(step.losses("crown-ibp:" + rest, 30), step.losses("ibp:" + rest, 30)));
  }
  const Tensor with = step.losses("crown-ibp:eps=0.1,ramp=0.5,regularize=0.5", 25),
               without = step.losses("crown-ibp:eps=0.1,ramp=0.5", 25);
  for (std::size_t n = 0; n < with.size(); ++n) EXPECT_GT(with.data()[n], without.data()[n] + 0.05F);
}

class DeterminismOfCrownIbp : public testing::Test {
 protected:
  void TearDown() override { set_thread_count(threads_); }
  std::size_t threads_ = thread_count();
};

TEST_F(DeterminismOfCrownIbp, ThreadsLeaveTheBits) {
  std::string first;
  for (const std::size_t threads : {1U, 2U, 3U}) {
    set_thread_count(threads);
    nn::FitOptions options = testing_fit::short_run();
    options.loss = read("crown-ibp:eps=0.1,ramp=0.8,regularize=0.5");
    nn::Sequential net = testing_fit::fresh(
        "6x6x1;conv2d:filters=4,kernel=3,bias=false;batch_norm;relu;flatten;linear:units=8;relu;linear:units=4");
    nn::fit(net, testing_fit::quarters(40), options);
    if (first.empty()) first = testing_fit::bytes(net);
    EXPECT_EQ(testing_fit::bytes(net), first) << threads;
  }
}

TEST(CrownIbp, RefusesWhatMakesNoSense) {
  struct Case {
    std::string_view spec, says;
  };
  for (const Case& one : {Case{"crown-ibp", "eps is missing"}, Case{"crown-ibp:eps=-1", ">= 0"},
                          Case{"crown-ibp:eps=0.1,beta=1", "clean_weight"},
                          Case{"crown-ibp:eps=0.1,warmup=0.9", "crown-ibp: a warmup of 0.9 and a ramp of 0.3"}}) {
    EXPECT_TRUE(contains(usage_error_of([&] { (void)read(one.spec); }), one.says)) << one.spec;
  }
  nn::FitOptions options = testing_fit::short_run();
  options.loss = read("crown-ibp:eps=0.1,ramp=1");
  EXPECT_TRUE(contains(testing_fit::refusal(options), "layer 2 (dropout) has no rule for intervals"));
  EXPECT_TRUE(contains(testing_fit::refusal(options, testing_fit::quarters(18),
                                            testing_fit::fresh("6x6x1;average_pool2d:kernel=2;flatten;linear:units=4")),
                       "layer 0 (average_pool2d) has no rule for linear bounds"));
}

}  // namespace
}  // namespace hans::crown_ibp_test
