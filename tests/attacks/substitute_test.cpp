// Substitutes: what they ask, what they learn, and that it is always the same.
#include <hans/attacks/substitute.hpp>

#include <gtest/gtest.h>

#include <hans/core/parallel.hpp>
#include <hans/nn/evaluate.hpp>

#include "attacks_testing.hpp"

namespace hans::substitute_test {
namespace {

using namespace testing_attacks;

/// Keeps the images it was asked about; gives no gradient.
class Asked final : public nn::Classifier {
 public:
  explicit Asked(const nn::Classifier& model) : model_(model) {}
  const Shape& input() const override { return model_.input(); }
  std::size_t classes() const override { return model_.classes(); }
  bool differentiable() const override { return false; }
  Var logits(const Var& images) const override {
    images_.insert(images_.end(), images.value().values().begin(), images.value().values().end());
    return images.tape().constant(model_.logits(images).value());
  }
  const std::vector<real>& images() const { return images_; }

 private:
  const nn::Classifier& model_;
  mutable std::vector<real> images_;
};

struct Setting {
  nn::Sequential truth = small_models()[1];
  data::Samples seeds = random_samples(truth.input(), 20, 4, 5);
  attacks::SubstituteOptions options{.rounds = 4, .fit = {.epochs = 20, .batch = 16, .optimizer = nn::Adam{}}};
  nn::Sequential start() const {
    return nn::Sequential(truth.input(), Rng(8), flatten, nn::Linear{.units = 16U}, relu, nn::Linear{.units = 4U});
  }
};

TEST(Substitute, LearnsAModelFromItsAnswers) {
  const Setting given;
  const Asked oracle(given.truth);
  const nn::Sequential made = attacks::train_substitute(oracle, given.start(), given.seeds, given.options);
  EXPECT_EQ(oracle.images().size(), 36U * 20 * 8);
  const data::Samples fresh = random_samples(given.truth.input(), 400, 4, 77);
  const std::vector<int> truth = nn::predict(given.truth, fresh.images);
  EXPECT_GT(nn::count_correct(nn::predict(made, fresh.images), truth), 320U);
  EXPECT_LT(nn::count_correct(nn::predict(given.start(), fresh.images), truth), 200U);
}

TEST(Substitute, AsksAboutStepsOfLambdaThatTurnRound) {
  Setting given;
  given.options.period = 1;
  given.options.rounds = 3;
  const Asked oracle(given.truth);
  attacks::train_substitute(oracle, given.start(), given.seeds, given.options);
  const std::vector<real>& all = oracle.images();
  const std::size_t first = 36 * 20;
  ASSERT_EQ(all.size(), 4 * first);
  std::size_t moved = 0;
  for (std::size_t i = 0; i < 3 * first; ++i) {  // the second and third round add as many as there are
    const real original = i < first ? all[i] : all[i - first];
    const real made = all[i + first];
    EXPECT_TRUE(made >= 0 && made <= 1);
    EXPECT_LE(std::abs(made - original), 0.1F + 1e-6F);
    moved += made != original ? 1U : 0U;
  }
  EXPECT_GT(moved, first);
}

TEST(Substitute, IsTheSameOnAnyNumberOfThreads) {
  const Setting given;
  const std::size_t before = thread_count();
  set_thread_count(1);
  const nn::Sequential one = attacks::train_substitute(given.truth, given.start(), given.seeds, given.options);
  set_thread_count(3);
  const nn::Sequential three = attacks::train_substitute(given.truth, given.start(), given.seeds, given.options);
  set_thread_count(before);
  for (std::size_t w = 0; w < one.weights().size(); ++w) EXPECT_TRUE(identical(one.weights()[w], three.weights()[w]));
}

TEST(Substitute, RefusesWhatDoesNotFit) {
  Setting given;
  const nn::Sequential other(Shape{5, 6, 1}, Rng(8), flatten, nn::Linear{.units = 4U});
  const nn::Sequential fewer(Shape{6, 6, 1}, Rng(8), flatten, nn::Linear{.units = 3U});
  EXPECT_THROW(attacks::train_substitute(given.truth, other, given.seeds, given.options), Error);
  EXPECT_THROW(attacks::train_substitute(given.truth, fewer, given.seeds, given.options), Error);
  given.options.period = 0;
  EXPECT_THROW(attacks::train_substitute(given.truth, given.start(), given.seeds, given.options), Error);
}

}  // namespace
}  // namespace hans::substitute_test
