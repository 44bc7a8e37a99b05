// Learning rate schedules: their factors, their SPECs, and that training follows them.
#include <hans/nn/schedule.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "fit_testing.hpp"

namespace hans::schedule_test {
namespace {

using namespace testing_fit;
using nn::Schedule;

Schedule read(std::string_view spec) { return Schedule::from_spec(Spec::parse(spec)); }

TEST(Schedules, ConstantAndCosine) {
  const Schedule constant = Schedule::constant, cosine = Schedule::cosine;
  for (const std::uint64_t step : {0U, 5U, 10U}) EXPECT_EQ(constant(step, 10), 1);
  EXPECT_EQ(cosine(0, 10), 1);
  EXPECT_NEAR(cosine(5, 10), 0.5, 1e-7);
  EXPECT_NEAR(cosine(10, 10), 0, 1e-7);
  EXPECT_NEAR(cosine(1, 3), 0.75, 1e-7);
  EXPECT_EQ(cosine(0, 0), 1);
  real last = 1;
  for (std::uint64_t step = 1; step < 1000; ++step) {
    const real factor = cosine(step, 1000);
    EXPECT_LT(factor, last);
    EXPECT_GT(factor, 0);
    last = factor;
  }
}

TEST(Schedules, Steps) {
  const Schedule steps = read("steps");
  for (std::uint64_t step = 0; step < 20; ++step) {
    EXPECT_EQ(steps(step, 20), step < 14 ? 1 : step < 17 ? 0.2F : 0.2F * 0.2F) << step;
  }
  EXPECT_EQ(steps(69, 100), 1);
  EXPECT_EQ(steps(70, 100), 0.2F);  // the share is the number as written, not the nearest float
  const Schedule other = nn::StepRate{.at = {{0.1, 0.5, 0.9}}, .factor = 0.5F};
  const std::vector<real> expected{1, 0.5F, 0.5F, 0.5F, 0.5F, 0.25F, 0.25F, 0.25F, 0.25F, 0.125F};
  for (std::size_t step = 0; step < 10; ++step) EXPECT_EQ(other(step, 10), expected[step]) << step;
  EXPECT_EQ(steps(0, 0), 1);
}

TEST(Schedules, Cyclic) {
  const Schedule cyclic = read("cyclic");
  for (std::uint64_t step = 0; step < 10; ++step) {
    const double t = static_cast<double>(step + 1) / 10;
    EXPECT_NEAR(cyclic(step, 10), t < 0.4 ? t / 0.4 : (1 - t) / 0.6, 1e-7) << step;
  }
  EXPECT_EQ(cyclic(3, 10), 1);
  EXPECT_EQ(cyclic(9, 10), 0);
  const Schedule falling = read("cyclic:peak=0"), rising = read("cyclic:peak=1");
  EXPECT_NEAR(falling(0, 4), 0.75, 1e-7);
  EXPECT_NEAR(rising(0, 4), 0.25, 1e-7);
  EXPECT_EQ(rising(3, 4), 1);
}

TEST(Schedules, ReadWhatTheyWriteAndRefuseTheRest) {
  for (const std::string_view spec :
       {"constant", "cosine", "steps:at=0.7/0.85,factor=0.2", "steps:at=0.5,factor=0", "cyclic:peak=0.4"}) {
    EXPECT_EQ(text(read(spec).spec()), spec);
  }
  EXPECT_EQ(text(read("steps").spec()), "steps:at=0.7/0.85,factor=0.2");
  EXPECT_EQ(text(read("cyclic").spec()), "cyclic:peak=0.4");
  EXPECT_EQ(nn::list_schedules().size(), 4U);
  struct Case {
    std::string_view spec, says;
  };
  for (const Case& one :
       {Case{"linear", "constant, cosine, steps, cyclic"}, Case{"cosine:peak=1", "no parameters"},
        Case{"steps:at=0.9/0.5", "at=0.9/0.5 is not rising shares"}, Case{"steps:at=0.5/0.5", "rising"},
        Case{"steps:at=0", "above 0"}, Case{"steps:at=1", "below 1"}, Case{"steps:at=nan", "rising"},
        Case{"steps:at=0.5/", "rising"}, Case{"steps:at=half", "rising"}, Case{"steps:factor=-1", ">= 0"},
        Case{"cyclic:peak=1.5", "<= 1"}, Case{"cyclic:peak=nan", "peak"}}) {
    const std::string error = testing_data::error_of([&] { (void)read(one.spec); });
    EXPECT_TRUE(contains(error, one.says)) << error;
  }
  EXPECT_THROW((void)Schedule(nn::StepRate{.at = {}}), UsageError);
  EXPECT_THROW((void)Schedule(nn::CyclicRate{.peak = -1}), UsageError);
}

TEST(Schedules, AreFollowed) {
  FitOptions options = short_run();
  options.optimizer = nn::Sgd{.rate = 0.1F};
  options.schedule = Schedule::constant;
  options.epochs = 1;
  const std::string half = trained(options);
  options.epochs = 2;
  EXPECT_NE(trained(options), half);
  options.schedule = read("steps:at=0.5,factor=0");
  EXPECT_EQ(trained(options), half) << "a rate of 0 after one of two epochs";
  EXPECT_TRUE(contains(nn::recipe(options), " schedule=steps:at=0.5,factor=0 clip=0"));
}

}  // namespace
}  // namespace hans::schedule_test
