// Attacks that run other attacks, and the models they are for: random ones, ones that round, and guarded ones.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include <hans/attacks/autoattack.hpp>
#include <hans/attacks/bpda.hpp>
#include <hans/attacks/composite.hpp>
#include <hans/attacks/driver.hpp>
#include <hans/attacks/eot.hpp>
#include <hans/attacks/judge.hpp>
#include <hans/autodiff/functions.hpp>
#include <hans/autodiff/grad.hpp>
#include <hans/defenses/guarded.hpp>
#include <hans/nn/evaluate.hpp>

#include "attacks_testing.hpp"

namespace hans::wrappers_test {
namespace {

using namespace testing_attacks;
using attacks::Crafted;

nn::Sequential network(std::string_view middle) {
  return nn::Sequential::parse(text("6x6x1;", middle, "flatten;linear:units=12;relu;linear:units=4"), Rng(5));
}

Tensor logits_of(const nn::Classifier& model, const Tensor& images, const nn::Query& how = {}) {
  Tape tape;
  const Tensor found = model.logits_for(tape.constant(images), how).value();
  return Tensor(found.shape(), found.values());
}

struct Setting {
  nn::Sequential net;
  data::Samples samples = random_samples(net.input(), 12, net.classes(), 21);
  attacks::Goal goal;
  explicit Setting(std::string_view middle) : net(network(middle)) {
    samples.labels = nn::predict(net, samples.images);
    goal = away_from(samples.labels);
  }
};

TEST(RandomModels, DependOnImageAndDrawAlone) {
  const nn::Sequential net = network("gaussian_noise:sigma=0.3;");
  EXPECT_TRUE(net.random());
  EXPECT_FALSE(network("").random());
  const Tensor images = random_samples(net.input(), 9, 4, 1).images;
  const Tensor all = logits_of(net, images);
  EXPECT_TRUE(identical(all, logits_of(net, images)));
  EXPECT_FALSE(identical(all, logits_of(net, images, {1})));
  for (std::size_t i = 0; i < 9; ++i) {
    EXPECT_TRUE(identical(logits_of(net, images.rows(i, 1), {2}), logits_of(net, images, {2}).rows(i, 1)));
  }
  EXPECT_TRUE(identical(logits_of(network("gaussian_noise:sigma=0;"), images), logits_of(network("relu;"), images)));
}

TEST(RandomModels, HaveNoiseOfTheGivenSize) {
  const nn::Sequential net = nn::Sequential::parse("32x32x1;gaussian_noise:sigma=0.5;flatten", Rng(1));
  const Tensor image({1, 32, 32, 1});
  double sum = 0, squares = 0;
  const Tensor noise = logits_of(net, image);
  for (const real value : noise.values()) {
    sum += value;
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  EXPECT_NEAR(sum / 1024, 0, 0.05);
  EXPECT_NEAR(std::sqrt(squares / 1024), 0.5, 0.04);
}

TEST(RandomModels, LearnWithOtherNoiseInEachStep) {
  const nn::Sequential net = network("gaussian_noise:sigma=0.3;");
  const Tensor images = random_samples(net.input(), 2, 4, 1).images;
  const std::array<std::uint32_t, 2> positions{4, 9};
  const auto forward = [&](std::uint32_t step) {
    Tape tape;
    std::vector<Var> weights;
    for (const Tensor& weight : net.weights()) weights.push_back(tape.constant(weight));
    const DropoutKeys keys{Rng(3), step, positions};
    const Tensor found = net.forward(weights, tape.constant(images), {&keys}).value();
    return Tensor(found.shape(), found.values());
  };
  EXPECT_TRUE(identical(forward(1), forward(1)));
  EXPECT_FALSE(identical(forward(1), forward(2)));
  EXPECT_FALSE(identical(forward(1), logits_of(net, images)));
}

/// A model whose logits are weights of the first feature and a coin: what its mean is can be said.
class Coin final : public nn::Classifier {
 public:
  const Shape& input() const override { return shape_; }
  std::size_t classes() const override { return 3; }
  bool random() const override { return true; }
  Var logits(const Var& images) const override { return logits_for(images, {}); }
  Var logits_for(const Var& images, const nn::Query& how) const override {
    const real slope = how.draw % 2 == 0 ? real{3} : real{1};
    const Tensor weights({1, 3}, std::vector<real>{slope, -slope, 0});
    return linear(flatten(images), images.tape().constant(weights));
  }

 private:
  Shape shape_{1, 1, 1};
};

/// One gradient of the first logit, kept.
struct Probe {
  real* loss;
  real* gradient;
  real* logit;
  attacks::Task<attacks::Stop> search(attacks::GradientOracle& sample) const {
    const auto first = [](std::span<const real> logits, std::span<real> seed) {
      seed[0] = 1;
      return logits[0];
    };
    const attacks::Slope slope = co_await sample.slope(sample.image(), first);
    *loss = slope.loss;
    *gradient = slope.gradient[0];
    *logit = slope.logits[0];
    co_return attacks::Stop::finished;
  }
};

TEST(Eot, TellsTheMeanOfAllDraws) {
  const Coin model;
  const data::Samples samples{Tensor::full({1, 1, 1, 1}, 0.5F), {0}, {0}, {0, 1}};
  for (const unsigned draws : {1U, 2U, 20U}) {
    real loss = 0, gradient = 0, logit = 0;
    const Probe probe{&loss, &gradient, &logit};
    attacks::CraftOptions options;
    options.draws = draws;
    const Crafted made =
        attacks::drive(model, samples, away_from({0}), options, {attacks::Norm::linf, 1, {0, 1}},
                       attacks::Knowledge::gradients, [&](attacks::GradientOracle& one) { return probe.search(one); });
    const real mean = draws == 1 ? real{1} : real{2};  // draws 1, 2, 3, ...
    EXPECT_EQ(loss, mean / 2);
    EXPECT_EQ(logit, mean / 2);
    EXPECT_EQ(gradient, mean);
    EXPECT_EQ(made.forwards, draws);
    EXPECT_EQ(made.gradients, draws);
  }
}

TEST(Eot, StopsAtTheLimitOfASample) {
  const Setting given("gaussian_noise:sigma=0.05;");
  attacks::CraftOptions options;
  options.max_gradients = 70;
  options.to_the_end = true;
  const Crafted made = attack("eot:attack=[pgd:eps=0.01,steps=40]")(given.net, given.samples, given.goal, options);
  for (const attacks::Note& note : made.notes) {
    EXPECT_EQ(note.gradients, 60U);
    EXPECT_EQ(note.stop, attacks::Stop::budget);
  }
}

TEST(Eot, IsTheAttackItselfOnModelsThatAreNotRandom) {
  const Setting given("");
  const Crafted plain = attack("pgd:eps=0.1,steps=5")(given.net, given.samples, given.goal);
  const Crafted wrapped = attack("eot:attack=[pgd:eps=0.1,steps=5]")(given.net, given.samples, given.goal);
  EXPECT_TRUE(identical(plain.images, wrapped.images));
  EXPECT_EQ(plain.gradients, wrapped.gradients);
}

/// The class with the largest mean logit over draws that no attack sees.
std::vector<int> usual_classes(const nn::Classifier& model, const Tensor& images) {
  Tensor sum({images.shape()[0], model.classes()});
  for (std::uint32_t draw = 1000; draw < 1200; ++draw) {
    const Tensor one = logits_of(model, images, {draw});
    for (std::size_t i = 0; i < sum.size(); ++i) sum.mutable_data()[i] += one.data()[i];
  }
  return nn::predictions(sum);
}

TEST(Eot, FollowsTheSlopeThatNoiseHides) {
  const Setting given("gaussian_noise:sigma=1;");
  const data::Samples samples = random_samples(given.net.input(), 200, 4, 3);
  const std::vector<int> labels = usual_classes(given.net, samples.images);
  std::size_t fooled[2] = {0, 0};
  for (const bool wrapped : {false, true}) {
    const attacks::Attack made = attack(wrapped ? "eot:attack=[fgsm:eps=0.2],draws=100" : "fgsm:eps=0.2");
    const std::vector<int> after = usual_classes(given.net, made(given.net, samples, away_from(labels)).images);
    for (std::size_t i = 0; i < labels.size(); ++i) fooled[wrapped ? 1 : 0] += after[i] != labels[i] ? 1U : 0U;
  }
  EXPECT_GT(fooled[1], fooled[0] + 10);
}

TEST(Bpda, ReachesThroughRounding) {
  const Setting given("normalize:scale=4;round;");
  EXPECT_FALSE(given.net.differentiable());
  EXPECT_THROW(attack("pgd:eps=0.2")(given.net, given.samples, given.goal), Error);
  const Crafted made = attack("bpda:attack=[pgd:eps=0.2]")(given.net, given.samples, given.goal);
  const attacks::Attack inner = attack("pgd:eps=0.2");
  const attacks::Outcome outcome =
      judge(given.net, given.samples, made.images, given.goal, inner.budget(given.net.input(), given.samples.box));
  EXPECT_GE(outcome.successes(), 8U);
}

TEST(Bpda, ReachesTheAttacksOfAnEnsemble) {
  const Setting given("normalize:scale=4;round;");
  for (const std::string_view inner :
       {"composite:attacks=[pgd:eps=0.2,steps=5]/[square:eps=0.2,queries=20]", "autoattack:eps=0.2,version=rand"}) {
    const Crafted made = attack(text("bpda:attack=[", inner, "]"))(given.net, given.samples, given.goal);
    ASSERT_FALSE(made.stages.empty());
    EXPECT_TRUE(std::ranges::any_of(made.notes, [](const attacks::Note& note) { return note.withstood == 0; }));
    EXPECT_THROW(attack(inner)(given.net, given.samples, given.goal), Error);
  }
}

TEST(Bpda, KeepsTheLogitsAndPassesTheGradient) {
  const nn::Sequential net = network("normalize:scale=4;round;");
  const Tensor images = random_samples(net.input(), 3, 4, 2).images;
  EXPECT_TRUE(identical(logits_of(net, images), logits_of(net, images, {0, true})));
  EXPECT_EQ(text(attack("bpda:attack=[eot:attack=[pgd:eps=0.1],draws=3]").spec()),
            "bpda:attack=[eot:attack=[pgd:eps=0.1,norm=linf,steps=40,restarts=1,loss=ce,start=random],draws=3]");
}

TEST(Bpda, SaysWhereThereIsStillNoGradient) {
  const Setting given("");
  const FunctionModel classes_only({6, 6, 1}, 4, [](std::span<const real>) { return std::vector<real>{1, 0, 0, 0}; });
  class Blind final : public nn::Classifier {
   public:
    explicit Blind(const nn::Classifier& model) : model_(model) {}
    const Shape& input() const override { return model_.input(); }
    std::size_t classes() const override { return model_.classes(); }
    bool differentiable() const override { return false; }
    Var logits(const Var& images) const override { return images.tape().constant(model_.logits(images).value()); }

   private:
    const nn::Classifier& model_;
  };
  const Blind blind(given.net);
  try {
    attack("bpda:attack=[pgd:eps=0.2]")(blind, given.samples, given.goal);
    FAIL();
  } catch (const Error& error) {
    EXPECT_TRUE(contains(error.what(), "no gradient")) << error.what();
  }
}

TEST(Guarded, IsTheModelBehindTheStep) {
  const Setting given("");
  const defenses::Guarded guarded(
      [](const Tensor& images, std::uint32_t) {
        Tensor rounded(images.shape(), images.values());
        for (real& value : rounded.mutable_values()) value = std::round(value * 3) / 3;
        return rounded;
      },
      given.net);
  const Crafted made = attack("bpda:attack=[pgd:eps=0.25]")(guarded, given.samples, given.goal);
  const std::vector<int> before = nn::predict(guarded, given.samples.images);
  const std::vector<int> after = nn::predict(guarded, made.images);
  std::size_t moved = 0;
  for (std::size_t i = 0; i < before.size(); ++i) moved += before[i] != after[i] ? 1U : 0U;
  EXPECT_GE(moved, 6U);
  EXPECT_THROW(attack("pgd:eps=0.25")(guarded, given.samples, given.goal), Error);

  const defenses::Guarded wrong([](const Tensor&, std::uint32_t) { return Tensor({1, 2}); }, given.net);
  EXPECT_THROW(nn::predict(wrong, given.samples.images), Error);
  const defenses::Guarded random([](const Tensor& images, std::uint32_t) { return images; }, given.net, true);
  EXPECT_TRUE(random.random());
}

TEST(Composite, TakesTheFirstThatSucceedsInABall) {
  const Setting given("");
  const std::string_view parts[] = {"noise:eps=0.3", "pgd:eps=0.3,steps=20"};
  const Crafted both =
      attack(text("composite:attacks=[", parts[0], "]/[", parts[1], "]"))(given.net, given.samples, given.goal);
  ASSERT_EQ(both.stages.size(), 2U);
  EXPECT_TRUE(std::ranges::any_of(both.notes, [](const attacks::Note& note) { return note.withstood == 1; }));
  std::vector<bool> fallen(given.samples.size());
  for (const std::string_view part : parts) {
    const attacks::Attack one = attack(part);
    const Crafted alone = one(given.net, given.samples, given.goal);
    const attacks::Outcome outcome =
        judge(given.net, given.samples, alone.images, given.goal, one.budget(given.net.input(), given.samples.box));
    for (std::size_t i = 0; i < fallen.size(); ++i) {
      if (fallen[i] || !outcome.findings[i].success) continue;
      fallen[i] = true;
      EXPECT_TRUE(identical(both.images.rows(i, 1), alone.images.rows(i, 1)));
    }
  }
}

TEST(Composite, TakesTheNearestWithoutABall) {
  const Setting given("");
  const std::string_view parts[] = {"ddn:steps=5", "deepfool:steps=3", "cw:searches=2,steps=20"};
  const Crafted best = attack(text("composite:attacks=[", parts[0], "]/[", parts[1], "]/[", parts[2], "]"))(
      given.net, given.samples, given.goal);
  std::vector<double> nearest(given.samples.size(), static_cast<double>(infinity));
  std::size_t changes = 0;
  for (const std::string_view part : parts) {
    const attacks::Attack one = attack(part);
    const Crafted alone = one(given.net, given.samples, given.goal);
    const attacks::Outcome outcome =
        judge(given.net, given.samples, alone.images, given.goal, one.budget(given.net.input(), given.samples.box));
    for (std::size_t i = 0; i < nearest.size(); ++i) {
      if (!outcome.findings[i].success || outcome.findings[i].distance.l2 >= nearest[i]) continue;
      changes += std::isfinite(nearest[i]) ? 1U : 0U;
      nearest[i] = outcome.findings[i].distance.l2;
    }
  }
  EXPECT_GT(changes, 0U);  // else one attack is best everywhere and nothing is shown
  const std::size_t features = given.net.input().elements();
  for (std::size_t i = 0; i < nearest.size(); ++i) {
    const auto original = given.samples.images.values().subspan(i * features, features);
    if (!std::isfinite(nearest[i])) {
      EXPECT_TRUE(identical(best.images.rows(i, 1), given.samples.images.rows(i, 1)));
      continue;
    }
    EXPECT_EQ(attacks::distances(original, best.images.values().subspan(i * features, features)).l2, nearest[i]);
  }
}

TEST(Composite, RefusesAttacksThatDoNotCompare) {
  const Setting given("");
  for (const std::string_view spec :
       {"composite:attacks=[fgsm:eps=0.1]/[fgsm:eps=0.2]", "composite:attacks=[fgsm:eps=0.1]/[fgsm:eps=0.1,norm=l2]",
        "composite:attacks=[ddn]/[fgsm:eps=0.1]", "composite:attacks=[ddn]/[fmn:norm=l1]"}) {
    EXPECT_TRUE(contains(usage_error_of([&] { attack(spec)(given.net, given.samples, given.goal); }), "one norm"))
        << spec;
  }
  const Crafted none =
      attack("composite:attacks=[fgsm:eps=0.1]")(given.net, given.samples.rows(0, 0), given.goal.select({}));
  EXPECT_TRUE(none.notes.empty());
  EXPECT_EQ(text(attack("composite:attacks=[fgsm:eps=0.1]/[square:eps=0.1]").spec()),
            text("composite:attacks=[", attack("fgsm:eps=0.1").spec(), "]/[", attack("square:eps=0.1").spec(), "]"));
}

TEST(Composite, NeedsWhatItsPartsNeed) {
  EXPECT_EQ(attack("composite:attacks=[square:eps=0.1]").info().knowledge, attacks::Knowledge::scores);
  EXPECT_EQ(attack("composite:attacks=[square:eps=0.1]/[fgsm:eps=0.1]").info().knowledge,
            attacks::Knowledge::gradients);
  EXPECT_TRUE(attack("eot:attack=[jsma:gamma=0.1]").info().targets_by_default);
  EXPECT_FALSE(attack("bpda:attack=[autoattack:eps=0.1]").info().takes_targets);
  EXPECT_TRUE(contains(text(attack("bpda:attack=[fgsm:eps=0.1]").in_training().spec()), "label=model"));
  EXPECT_TRUE(contains(text(attack("composite:attacks=[fgsm:eps=0.1]").resolved({0, 1}).spec()), "clip_min=0"));
}

TEST(AutoAttackVersions, AreThoseOfTheAuthorsCode) {
  const auto stages = [](attacks::Norm norm, attacks::AutoVersion version) {
    std::string all;
    for (const attacks::Attack& one : attacks::AutoAttack{.eps = 0.5F, .norm = norm, .version = version}.stages()) {
      append(all, text(all.empty() ? "" : " ", one.spec()));
    }
    return all;
  };
  using attacks::AutoVersion;
  using attacks::Norm;
  const auto count = [](const std::string& all, std::string_view part) {
    std::size_t found = 0;
    for (std::size_t at = all.find(part); at != std::string::npos; at = all.find(part, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(count(stages(Norm::l1, AutoVersion::standard), "large_eps=true"), 2U);
  EXPECT_EQ(count(stages(Norm::l1, AutoVersion::plus), "large_eps=true"), 0U);
  EXPECT_EQ(count(stages(Norm::l1, AutoVersion::standard), "restarts=5"), 1U);
  EXPECT_EQ(count(stages(Norm::linf, AutoVersion::plus), "restarts=5"), 3U);
  EXPECT_EQ(count(stages(Norm::l1, AutoVersion::plus), "classes=9"), 2U);
  EXPECT_EQ(count(stages(Norm::linf, AutoVersion::rand), "draws=20"), 2U);
  EXPECT_EQ(count(stages(Norm::linf, AutoVersion::rand), "restarts=5"), 0U);
  EXPECT_EQ(count(stages(Norm::linf, AutoVersion::rand), "loss=dlr"), 1U);
}

}  // namespace
}  // namespace hans::wrappers_test
