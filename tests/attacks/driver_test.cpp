// What the driver does for every attack: limits, masks, budgets of single samples.
#include <hans/attacks/driver.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include <hans/attacks/ball.hpp>
#include <hans/attacks/evaluate.hpp>
#include <hans/attacks/judge.hpp>
#include <hans/attacks/steps.hpp>
#include <hans/nn/evaluate.hpp>

#include "attack_table.hpp"
#include "attacks_testing.hpp"

namespace hans::driver_test {
namespace {

using namespace testing_attacks;
using attacks::Crafted;
using attacks::CraftOptions;
using attacks::Stop;

TEST(Driver, LeavesMaskedFeaturesAlone) {
  const Setting given;
  std::vector<unsigned char> mask(given.net.input().elements());
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = i % 3 == 0 ? 1 : 0;
  std::vector<unsigned char> of_each;
  for (std::size_t s = 0; s < given.samples.size(); ++s) of_each.insert(of_each.end(), mask.begin(), mask.end());
  for (const std::string_view spec : families) {
    SCOPED_TRACE(spec);
    const Crafted made = attack(spec)(given.net, given.samples, given.goal, {.mask = mask});
    for (std::size_t i = 0; i < made.images.size(); ++i) {
      if (mask[i % mask.size()] == 0) {
        ASSERT_EQ(made.images.data()[i], given.samples.images.data()[i]) << i;
      }
    }
    EXPECT_TRUE(identical(attack(spec)(given.net, given.samples, given.goal, {.mask = of_each}).images, made.images));
    const std::span<const unsigned char> shorter = std::span(mask).first(5);
    EXPECT_THROW(attack(spec)(given.net, given.samples, given.goal, {.mask = shorter}), Error);
  }
}

TEST(Driver, TakesAnEpsOfEachSample) {
  const Setting given;
  const std::vector<float> eps{0, 0.01F, 0.02F, 0.05F, 0.1F, 0};
  for (const std::string_view spec : {"pgd:eps=0.05,steps=10", "square:eps=0.05,queries=20", "fab:eps=0.05,steps=5",
                                      "apgd:eps=0.05,steps=10", "autoattack:eps=0.02"}) {
    SCOPED_TRACE(spec);
    const attacks::Attack one = attack(spec);
    const Crafted made = one(given.net, given.samples, given.goal, {.eps = eps});
    const attacks::Outcome found = attacks::judge(given.net, given.samples, made.images, given.goal,
                                                  one.budget(given.net.input(), given.samples.box), eps);
    for (const attacks::Finding& finding : found.findings) EXPECT_TRUE(finding.allowed);
    EXPECT_TRUE(identical(made.images.rows(0, 1), given.samples.images.rows(0, 1)));
    EXPECT_TRUE(identical(made.images.rows(5, 1), given.samples.images.rows(5, 1)));
    EXPECT_THROW(one(given.net, given.samples, given.goal, {.eps = std::span(eps).first(2)}), Error);
  }
}

TEST(Driver, EndsASampleWhenItsBudgetIsUsedUp) {
  const Setting given;
  for (const std::string_view spec : {"pgd:eps=1e-4,steps=10", "ddn:steps=10", "fmn:steps=10", "cw:steps=10"}) {
    SCOPED_TRACE(spec);
    const Crafted some = attack(spec)(given.net, given.samples, given.goal, {.max_gradients = 4});
    for (const attacks::Note& note : some.notes) {
      EXPECT_EQ(note.stop, Stop::budget);
      EXPECT_EQ(note.gradients, 4U);
    }
    const Crafted few = attack(spec)(given.net, given.samples, given.goal, {.max_forwards = 3});
    for (const attacks::Note& note : few.notes) {
      EXPECT_EQ(note.stop, Stop::budget);
      EXPECT_EQ(note.forwards, 3U);
    }
  }
}

TEST(Driver, LimitsWhatASampleAsksInAllStagesTogether) {
  const Setting given;
  std::vector<std::string_view> all(families.begin(), families.end());
  all.insert(all.end(), {"autoattack:eps=1e-4,version=plus", "eot:attack=[autoattack:eps=1e-4],draws=2",
                         "bpda:attack=[composite:attacks=[pgd:eps=1e-4,steps=3]/[fgsm:eps=1e-4]/[noise:eps=1e-4]]",
                         "composite:attacks=[composite:attacks=[pgd:eps=1e-4]/[fgsm:eps=1e-4]]/[noise:eps=1e-4]"});
  for (const std::string_view spec : all) {
    for (const unsigned most : {0U, 1U, 2U, 3U, 10U}) {
      SCOPED_TRACE(text(spec, " at most ", most));
      const Crafted few = attack(spec)(given.net, given.samples, given.goal, {.max_forwards = most});
      const Crafted flat = attack(spec)(given.net, given.samples, given.goal, {.max_gradients = most});
      for (std::size_t i = 0; i < given.samples.size(); ++i) {
        EXPECT_LE(few.notes[i].forwards, most);
        EXPECT_LE(flat.notes[i].gradients, most);
      }
    }
  }
}

TEST(Driver, SaysThatTheBudgetEndedStages) {
  const Setting given;
  const std::string_view parts = "[pgd:eps=1e-4,steps=3]/[fgsm:eps=1e-4]/[noise:eps=1e-4]";
  std::size_t last = 0;
  const CraftOptions options{.progress = [&](std::size_t done) { last = done; }, .max_forwards = 7};
  const Crafted made = attack(text("composite:attacks=", parts))(given.net, given.samples, given.goal, options);
  EXPECT_EQ(last, given.samples.size());
  ASSERT_EQ(made.stages.size(), 3U);
  for (const attacks::Note& note : made.notes) {
    EXPECT_EQ(note.withstood, 3U);
    EXPECT_EQ(note.stop, Stop::budget);
    EXPECT_EQ(note.forwards, 7U);  // 4 of pgd, 1 of fgsm and the judge twice
  }
  EXPECT_TRUE(identical(made.images, given.samples.images));
}

TEST(Driver, CountsWhatEachSampleAsked) {
  const Setting given;
  for (const std::string_view spec : families) {
    const Crafted made = attack(spec)(given.net, given.samples, given.goal);
    std::uint64_t forwards = 0;
    std::uint64_t gradients = 0;
    for (const attacks::Note& note : made.notes) {
      forwards += note.forwards;
      gradients += note.gradients;
    }
    EXPECT_EQ(forwards, made.forwards) << spec;
    EXPECT_EQ(gradients, made.gradients) << spec;
  }
}

TEST(Driver, CanBeCancelled) {
  const Setting given;
  int asked = 0;
  const auto enough = [&] { return ++asked > 3; };
  EXPECT_THROW(attack("pgd:eps=1e-4,steps=1000")(given.net, given.samples, given.goal, {.cancelled = enough}), Error);
  EXPECT_LT(asked, 10);
}

TEST(Driver, EndsWithTheFirstSuccessUnlessToldToGoOn) {
  const Setting given(0);
  const Crafted first = attack("pgd:eps=0.5,steps=20")(given.net, given.samples, given.goal);
  const Crafted all = attack("pgd:eps=0.5,steps=20")(given.net, given.samples, given.goal, {.to_the_end = true});
  for (std::size_t i = 0; i < given.samples.size(); ++i) {
    EXPECT_EQ(first.notes[i].stop, Stop::misclassified);
    EXPECT_LT(first.notes[i].gradients, 20U);
    EXPECT_EQ(all.notes[i].gradients, 20U);
  }
}

TEST(Driver, KeepsTheNearestWhereThereIsNoLimit) {
  const Setting given(0);
  // With more steps it can only get nearer.
  const auto distance = [&](std::string_view spec) {
    const Crafted made = attack(spec)(given.net, given.samples, given.goal);
    std::vector<double> all;
    const std::size_t n = given.net.input().elements();
    for (std::size_t s = 0; s < given.samples.size(); ++s) {
      all.push_back(
          attacks::distances(given.samples.images.values().subspan(s * n, n), made.images.values().subspan(s * n, n))
              .l2);
    }
    return all;
  };
  const std::vector<double> few = distance("cw:searches=4,steps=30,rate=0.03,refine=0");
  const std::vector<double> more = distance("cw:searches=8,steps=30,rate=0.03,refine=0");
  for (std::size_t s = 0; s < few.size(); ++s) EXPECT_LE(more[s], few[s]);
}

TEST(Driver, SaysHowManyStoodAfterEachStage) {
  const Setting given;
  const Crafted made = attack("autoattack:eps=0.02")(given.net, given.samples, given.goal);
  ASSERT_FALSE(made.stages.empty());
  std::size_t before = given.samples.size();
  for (std::size_t k = 0; k < made.stages.size(); ++k) {
    const auto left = static_cast<std::size_t>(
        std::ranges::count_if(made.notes, [k](const attacks::Note& note) { return note.withstood > k; }));
    EXPECT_LE(left, before);
    before = left;
  }
  const attacks::Outcome found = attacks::judge(given.net, given.samples, made.images, given.goal,
                                                attack("autoattack:eps=0.02").budget(given.net.input(), {0, 1}));
  EXPECT_EQ(found.successes(), given.samples.size() - before);
  EXPECT_TRUE(text(made.stages.front().pinned()).starts_with("apgd@1:eps=0.02"));
}

/// Changes every feature by another size, which no ball in l0 allows, and asks.
struct Everywhere {
  attacks::Task<Stop> search(attacks::LabelOracle& sample) const {
    const std::span<real> image = sample.image();
    for (std::size_t i = 0; i < image.size(); ++i) {
      image[i] = sample.original()[i] < 0.5F ? 1 - static_cast<real>(i) * 0x1p-20F : static_cast<real>(i) * 0x1p-20F;
    }
    co_await sample.prediction(image);
    co_return Stop::finished;
  }
};

TEST(Driver, BringsEveryImageIntoTheBallInEachNorm) {
  const Setting given;
  const data::Samples& samples = given.samples;
  using attacks::Norm;
  for (const attacks::Budget& budget : {attacks::Budget{Norm::l0, 5, {0, 1}},
                                        {Norm::l0, 0, {0, 1}},
                                        {Norm::l0, 35, {0, 1}},
                                        {Norm::l0, 36, {0, 1}},
                                        {Norm::l1, 0.5, {0, 1}},
                                        {Norm::l2, 0.25, {0, 1}},
                                        {Norm::linf, 0.1, {0, 1}}}) {
    for (const bool to_the_end : {false, true}) {
      const Crafted made =
          attacks::drive(given.net, samples, given.goal, {.to_the_end = to_the_end}, budget, attacks::Knowledge::labels,
                         [](attacks::GradientOracle& sample) { return Everywhere{}.search(sample); });
      for (const attacks::Finding& finding :
           attacks::judge(given.net, samples, made.images, given.goal, budget).findings) {
        EXPECT_TRUE(finding.allowed) << enum_name(budget.norm) << " " << budget.size;
        if (budget.norm == Norm::l0) {
          EXPECT_EQ(static_cast<double>(finding.distance.l0), budget.size);
        }
      }
    }
  }
}

TEST(Driver, KeepsTheLargestChangesInL0) {
  const std::vector<real> original{0.5F, 0.5F, 0, 0.5F, 0.5F, 0.5F};
  const auto kept = [&](double count) {
    std::vector<real> image{0.25F, 0.75F, -0.0F, 1, 0.5F, 0.375F};
    attacks::keep_largest(original, count, image);
    EXPECT_FALSE(std::signbit(image[2]));
    return image;
  };
  EXPECT_EQ(kept(0), original);
  EXPECT_EQ(kept(1), (std::vector<real>{0.5F, 0.5F, 0, 1, 0.5F, 0.5F}));
  EXPECT_EQ(kept(2), (std::vector<real>{0.25F, 0.5F, 0, 1, 0.5F, 0.5F}));  // of equals the first
  EXPECT_EQ(kept(4), (std::vector<real>{0.25F, 0.75F, 0, 1, 0.5F, 0.375F}));
  EXPECT_EQ(kept(9), kept(4));
}

/// The last bits of the smallest numbers: a direction, although its length is next to nothing.
TEST(Driver, FollowsGradientsOfDenormalNumbers) {
  for (const real size : {1e-39F, 1e-42F, 1.4e-45F}) {
    std::vector<real> weights(36 * 2);
    for (std::size_t i = 0; i < 36; ++i) weights[2 * i + i % 2] = i % 3 == 0 ? 0 : size;
    const nn::Sequential net = linear_model({6, 6, 1}, 2, weights, {size * 0.25F, 0});
    data::Samples samples = random_samples(net.input(), 4, 2, 9);
    const std::vector<int> labels = samples.labels = nn::predict(net, samples.images);
    for (const std::string_view spec :
         {"ddn", "fmn:norm=l2", "cw:searches=2,steps=20", "deepfool", "fab", "pgd:eps=2,norm=l2", "fgsm:eps=2,norm=l2",
          "apgd:eps=2,norm=l2", "mi-fgsm:eps=2,norm=l2", "ead:searches=2,steps=20"}) {
      SCOPED_TRACE(text(spec, " at ", size));
      const Crafted made = attack(spec)(net, samples, away_from(labels));
      for (const real value : made.images.values()) ASSERT_TRUE(value >= 0 && value <= 1) << value;
    }
  }
}

TEST(Driver, BeginsPgdAtEitherEndOfTheBall) {
  const Setting given;
  struct Row {
    std::string_view norm, start;
    real change;  // of a feature, where the box allows it: of 36
  };
  for (const Row& row : {Row{"linf", "bright", 0.3F}, Row{"linf", "dark", -0.3F}, Row{"l2", "bright", 0.3F / 6},
                         Row{"l2", "dark", -0.3F / 6}, Row{"l1", "bright", 0.3F / 36}}) {
    const Crafted made = attack(text("pgd:eps=0.3,steps=1,alpha=0,norm=", row.norm, ",start=", row.start))(
        given.net, given.samples, given.goal, {.to_the_end = true});
    ASSERT_EQ(given.net.input().elements(), 36U);
    for (std::size_t i = 0; i < made.images.size(); ++i) {
      const real original = given.samples.images.values()[i];
      EXPECT_NEAR(made.images.values()[i], std::clamp<real>(original + row.change, 0, 1), 1e-6) << row.norm;
    }
  }
}

}  // namespace
}  // namespace hans::driver_test
