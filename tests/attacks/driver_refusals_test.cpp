// What the driver refuses, whatever the attack.
#include <hans/attacks/driver.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include <hans/attacks/evaluate.hpp>
#include <hans/attacks/judge.hpp>
#include <hans/attacks/steps.hpp>
#include <hans/nn/evaluate.hpp>

#include "attack_table.hpp"
#include "attacks_testing.hpp"

namespace hans::driver_refusals_test {
namespace {

using namespace testing_attacks;
using attacks::Crafted;
using attacks::CraftOptions;
using attacks::Stop;

TEST(Driver, RefusesLabelsThatAreNoClasses) {
  for (const int wrong : {-1, 4, 1000000}) {
    Setting given;
    given.samples.labels[2] = wrong;
    const Tensor& images = given.samples.images;
    const std::string named = text("the label ", wrong, " of sample ", given.samples.index[2]);
    const std::vector<attacks::Attack> pgd{attack("pgd:eps=0.1,steps=2")};
    const auto refusal = [](const auto& work) -> std::string {
      try {
        work();
      } catch (const Error& error) {
        return error.what();
      }
      return "no error";
    };
    for (const std::string& said :
         {refusal([&] { pgd[0](given.net, given.samples, towards(1)); }),
          refusal([&] { attacks::evaluate(given.net, given.samples, pgd, {}); }),
          refusal([&] { attacks::judge(given.net, given.samples, images, given.goal, {}); })}) {
      EXPECT_TRUE(contains(said, named)) << said;
      EXPECT_TRUE(contains(said, "4 classes")) << said;
    }
  }
}

TEST(Driver, RefusesWhatAnAttackCannotDo) {
  const nn::Sequential two(Shape{6, 6, 1}, Rng(1), flatten, nn::Linear{.units = 2});
  const nn::Sequential three(Shape{6, 6, 1}, Rng(1), flatten, nn::Linear{.units = 3});
  const data::Samples pair = random_samples({6, 6, 1}, 2, 2, 1);
  const auto error_with = [&](const nn::Classifier& net, std::string_view spec, const attacks::Goal& goal) {
    return usage_error_of([&] { attack(spec)(net, pair, goal); });
  };
  const attacks::Goal away = away_from(pair.labels);
  EXPECT_TRUE(contains(error_with(two, "pgd:eps=0.1,loss=dlr", away), "needs 3 classes; the model has 2"));
  EXPECT_TRUE(contains(error_with(three, "pgd:eps=0.1,loss=dlr", towards(1)), "needs 4 classes"));
  EXPECT_TRUE(contains(error_with(three, "apgd-t:eps=0.1", away), "needs 4 classes"));
  EXPECT_TRUE(contains(error_with(three, "pgd:eps=0.1,loss=kl", towards(1)), "takes no targets"));
  EXPECT_TRUE(contains(error_with(three, "apgd:eps=0.1,loss=kl", towards(1)), "takes no targets"));
  EXPECT_TRUE(contains(error_with(three, "autoattack:eps=0.1", away), "needs 4 classes"));
  for (const std::string_view spec : {"apgd-t:eps=0.1", "fab", "deepfool", "autoattack:eps=0.1"}) {
    EXPECT_TRUE(contains(error_with(three, spec, towards(1)), "takes no targets"));
  }
  for (const std::string_view spec :
       {"pgd:eps=0.1,steps=0", "apgd:eps=0.1,steps=0", "square:eps=0.1,queries=0", "ddn:steps=0", "cw:steps=0",
        "cw:searches=0", "fmn:steps=0", "fab:steps=0", "deepfool:steps=0", "pgd:eps=0.1,restarts=0"}) {
    EXPECT_TRUE(contains(usage_error_of([&] { attack(spec); }), ">= 1")) << spec;
  }
  EXPECT_TRUE(contains(usage_error_of([&] { attack("pgd:eps=0.1,norm=l0"); }), "linf|l2|l1"));
  EXPECT_TRUE(contains(usage_error_of([&] { attack("ddn:norm=linf"); }), "allowed"));
  EXPECT_TRUE(contains(usage_error_of([&] { attack("fab:restarts=2"); }), "eps"));
  EXPECT_TRUE(contains(usage_error_of([&] { attack("apgd:eps=0.1,large_eps=true"); }), "norm=l1"));
}

/// A model without a gradient is for attacks that see scores.
class Stepwise final : public nn::Classifier {
 public:
  const Shape& input() const override { return model_.input(); }
  std::size_t classes() const override { return 2; }
  Var logits(const Var& images) const override { return model_.logits(images); }
  bool differentiable() const override { return false; }

 private:
  FunctionModel model_{{4, 4, 1}, 2, [](std::span<const real> image) {
                         return std::vector<real>{0.5F, std::round(4 * image[5]) / 4};
                       }};
};

TEST(Driver, GivesScoresOfModelsWithoutAGradient) {
  const Stepwise model;
  const data::Samples samples{Tensor::full({1, 4, 4, 1}, 0.4F), {0}, {0}, {}};
  EXPECT_THROW(attack("pgd:eps=0.3")(model, samples, away_from({0})), Error);
  const Crafted made = attack("square:eps=0.3,queries=50")(model, samples, away_from({0}));
  EXPECT_EQ(made.notes[0].stop, Stop::misclassified);
  EXPECT_EQ(made.gradients, 0U);
}

TEST(Driver, RefusesGradientsThatAreNotNumbers) {
  const nn::Sequential net = small_models()[1];
  const BrokenGradient model(net);
  data::Samples samples = random_samples(model.input(), 2, 4, 3);
  samples.labels = nn::predict(model, samples.images);
  for (const std::string_view spec : families) {
    const attacks::Attack one = attack(spec);
    if (one.info().knowledge != attacks::Knowledge::gradients) continue;
    try {
      one(model, samples, away_from(samples.labels));
      ADD_FAILURE() << spec;
    } catch (const Error& error) {
      EXPECT_TRUE(contains(error.what(), "gradient of sample")) << spec << ": " << error.what();
    }
  }
}

TEST(Driver, RefusesLogitsThatAreNotNumbers) {
  const FunctionModel model({4, 4, 1}, 4, [](std::span<const real>) {
    return std::vector<real>{1, not_a_number, 0, 0};
  });
  const data::Samples samples = random_samples({4, 4, 1}, 2, 4, 3);
  for (const std::string_view spec : families) {
    EXPECT_THROW(attack(spec)(model, samples, away_from(samples.labels)), Error) << spec;
  }
}

}  // namespace
}  // namespace hans::driver_refusals_test
