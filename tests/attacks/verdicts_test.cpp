// Verdicts: the rules, on evaluations made by hand, and the probes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include <hans/autodiff/functions.hpp>
#include <hans/nn/evaluate.hpp>

#include "verdict_testing.hpp"

namespace hans::verdicts_test {
namespace {

using namespace testing_verdicts;
using attacks::Norm;

// ---- rules, on networks that need no training ----------------------------------------------------------

/// Says class c of images whose first feature is in the c-th tenth.
Defended tenths() {
  static const nn::Sequential net = nn::make_model("linear", Rng(1));
  return {net, [](const nn::Classifier& inner, const Var& x) {
            const std::size_t features = x.shape().row_elements();
            Tensor logits(Shape{x.shape()[0], 10});
            for (std::size_t i = 0; i < x.shape()[0]; ++i) {
              const auto tenth = static_cast<std::size_t>(x.value().values()[i * features] * 10);
              logits.mutable_data()[i * 10 + std::min<std::size_t>(tenth, 9)] = 1;
            }
            return inner.logits(x) * real{0} + x.tape().constant(std::move(logits));
          }};
}

TEST(Verdicts, NothingMeasuredIsUnchecked) {
  Tensor images(Shape{25, 28, 28, 1});
  Rng(3).stream("images").normals(images.mutable_values());
  for (real& value : images.mutable_values()) value = std::min(std::abs(value) / 4, real{1});
  data::Samples samples{images, {}, {}, {}};
  nn::Sequential net = nn::make_model("linear", Rng(1));
  for (std::size_t i = 0; i < 25; ++i) {
    samples.labels.push_back(nn::predict(net, images)[i]);
    samples.index.push_back(static_cast<std::uint32_t>(i));
  }
  const auto with_right = [&](std::size_t right) {
    data::Samples some = samples;
    for (std::size_t i = right; i < 25; ++i) some.labels[i] = (some.labels[i] + 1) % 10;
    return judged(net, some, {attack_of("fgsm:eps=1e-6")});
  };
  for (const std::size_t right : {0U, 1U, 3U, 19U}) {
    const Judged few = with_right(right);
    EXPECT_EQ(few.judgement.verdict, Verdict::unchecked) << said(few.number());
    EXPECT_TRUE(few.number().why_unchecked.starts_with(text(right, right == 1 ? " image is right" : " images are")))
        << few.number().why_unchecked;
  }
  EXPECT_NE(with_right(20).judgement.verdict, Verdict::unchecked);
  EXPECT_EQ(with_right(0).number().robust, attacks::Share(0, 25));
  EXPECT_EQ(judged(net, samples.rows(0, 5), {attack_of("fgsm:eps=0.1")}).judgement.verdict, Verdict::unchecked);
  // A network whose logits are all NaN: that is said.
  const Defended broken(
      net, [](const nn::Classifier& inner, const Var& x) { return inner.logits(x) * real{std::nanf("")}; });
  const Judged nan = judged(broken, samples, {attack_of("fgsm:eps=0.1")});
  EXPECT_EQ(nan.judgement.verdict, Verdict::unchecked);
  EXPECT_EQ(of(nan.number(), "no_prediction"), Verdict::unreliable);
  EXPECT_TRUE(indicator(nan.number(), "no_prediction").reason.find("NaN") != std::string::npos);
  EXPECT_NE(of(nan.number(), "clean_accuracy"), Verdict::reliable);
  // No attack at all is no number.
  EXPECT_EQ(judged(net, samples, {}).judgement.verdict, Verdict::unchecked);
}

/// An evaluation made by hand: of each attack the distance at which it fools each sample, or none.
struct ByHand {
  Attack attack;
  std::vector<double> distances;  ///< infinite: not fooled
};

Judgement judged_by_hand(const std::vector<ByHand>& all, std::vector<float> radii = {}, attacks::Targets targets = {}) {
  const std::size_t count = all.front().distances.size();
  Evaluation evaluation;
  evaluation.samples.images = Tensor(Shape{0, 28, 28, 1});
  evaluation.samples.labels.assign(count, 0);
  evaluation.predictions.assign(count, 0);
  for (std::size_t i = 0; i < count; ++i) evaluation.samples.index.push_back(static_cast<std::uint32_t>(i));
  evaluation.classes = 10;
  evaluation.targets = targets;
  for (const ByHand& one : all) {
    attacks::AttackResult result;
    result.attack = one.attack;
    result.budget = one.attack.budget(Shape{28, 28, 1}, {});
    for (std::size_t i = 0; i < count; ++i) {
      attacks::Attempt attempt{.sample = i};
      const bool fooled = std::isfinite(one.distances[i]);
      attempt.finding.evades = attempt.finding.success = attempt.finding.allowed = fooled;
      attempt.finding.reason = fooled ? attacks::Reason::success : attacks::Reason::unchanged_prediction;
      const double d = fooled ? one.distances[i] : 0;
      attempt.finding.distance = {.linf = d, .l2 = d, .l1 = d};
      result.attempts.push_back(attempt);
    }
    evaluation.attacks.push_back(std::move(result));
  }
  sum_up(evaluation);
  return attacks::judge_numbers(evaluation, radii, {});
}

/// So many of 40 samples at this distance.
std::vector<double> fooled(std::size_t count, double distance = 0.05) {
  std::vector<double> all(40, HUGE_VAL);
  std::fill_n(all.begin(), count, distance);
  return all;
}

TEST(Verdicts, HoldAttacksOfOneCommandAgainstEachOther) {
  const Attack pgd = attack_of("pgd:eps=0.1"), fgsm = attack_of("fgsm:eps=0.1"), fab = attack_of("fab:norm=linf");
  const auto first = [](const Judgement& judgement) { return judgement.attacks[0][0]; };
  // Nobody else, and nothing probed.
  EXPECT_EQ(first(judged_by_hand({{fgsm, fooled(9)}})).verdict, Verdict::unchecked);
  EXPECT_FALSE(first(judged_by_hand({{fgsm, fooled(9)}})).why_unchecked.empty());
  EXPECT_EQ(first(judged_by_hand({{fgsm, fooled(40)}})).verdict, Verdict::reliable);  // nothing is left to be found
  EXPECT_EQ(first(judged_by_hand({{fgsm, fooled(9)}, {fgsm, fooled(9)}})).verdict, Verdict::unchecked);  // itself
  EXPECT_EQ(first(judged_by_hand({{fgsm, fooled(9)}, {pgd, fooled(9)}})).verdict,
            Verdict::unchecked);  // how hard it tried, nobody knows
  EXPECT_EQ(first(judged_by_hand({{fgsm, fooled(9)}, {pgd, fooled(3)}})).verdict, Verdict::unchecked);
  EXPECT_EQ(first(judged_by_hand({{fgsm, fooled(9)}, {fab, fooled(9)}})).verdict, Verdict::unchecked);
  // One image more, and more than half of what survived.
  for (const auto& [more, trust] :
       {std::pair{10U, Verdict::suspect}, std::pair{24U, Verdict::suspect}, std::pair{25U, Verdict::unreliable}}) {
    const Reliability one = first(judged_by_hand({{fgsm, fooled(9)}, {pgd, fooled(more)}}));
    EXPECT_EQ(one.verdict, trust) << said(one);
    EXPECT_EQ(of(one, "other_attack_wins"), trust);
    EXPECT_TRUE(indicator(one, "other_attack_wins").reason.starts_with("pgd fools")) << said(one);
  }
  EXPECT_EQ(first(judged_by_hand({{fgsm, fooled(38)}, {pgd, fooled(40)}})).verdict, Verdict::suspect);  // two are few
  // The worst case of the two is neither's.
  const Judgement both = judged_by_hand({{fgsm, fooled(9)}, {pgd, fooled(25)}});
  ASSERT_EQ(both.together.size(), 1U);
  EXPECT_EQ(both.together[0].robust, attacks::Share(15, 40));
  EXPECT_EQ(both.verdict, Verdict::unchecked);
  EXPECT_EQ(both.of_attack(0), Verdict::unreliable);
  // Evidence: an image within the radius counts whatever the attack's own ball and norm are.
  const Attack wide = attack_of("pgd:eps=0.3"), l2 = attack_of("pgd:eps=2,norm=l2");
  EXPECT_EQ(first(judged_by_hand({{fgsm, fooled(9)}, {wide, fooled(20, 0.2)}})).verdict, Verdict::unchecked);
  EXPECT_EQ(first(judged_by_hand({{fgsm, fooled(9)}, {wide, fooled(20, 0.1F)}})).verdict, Verdict::suspect);
  EXPECT_EQ(first(judged_by_hand({{fgsm, fooled(9)}, {l2, fooled(20, 0.1F)}})).verdict, Verdict::suspect);
  // Another box allows other images; a smaller one does not.
  const Attack outside = attack_of("pgd:eps=0.1,clip_min=-1,clip_max=1"),
               within = attack_of("pgd:eps=0.1,clip_max=0.9");
  EXPECT_EQ(first(judged_by_hand({{fgsm, fooled(9)}, {outside, fooled(20)}})).verdict, Verdict::unchecked);
  EXPECT_EQ(first(judged_by_hand({{outside, fooled(9)}, {fgsm, fooled(20)}})).verdict, Verdict::suspect);
  EXPECT_EQ(first(judged_by_hand({{fgsm, fooled(9)}, {within, fooled(20)}})).verdict, Verdict::suspect);
  EXPECT_EQ(first(judged_by_hand({{fgsm, fooled(9)}, {within, fooled(9)}})).verdict, Verdict::unchecked);
  // What is judged by the prediction alone is another question.
  const Attack old = attack_of("fgsm@cleverhans-1.0.0:eps=0.1");
  EXPECT_EQ(first(judged_by_hand({{fgsm, fooled(9)}, {old, fooled(20)}})).verdict, Verdict::unchecked);
  EXPECT_EQ(first(judged_by_hand({{old, fooled(9)}, {fgsm, fooled(20)}})).verdict, Verdict::unchecked);
  EXPECT_TRUE(first(judged_by_hand({{old, fooled(9)}, {fgsm, fooled(20)}})).next.empty());
  // Targeted runs and untargeted ones too; jsma aims by itself.
  const Attack jsma = attack_of("jsma:gamma=0.1"), other = attack_of("jsma:gamma=0.1,theta=0.5");
  EXPECT_EQ(first(judged_by_hand({{jsma, fooled(9)}, {pgd, fooled(20)}})).verdict, Verdict::unchecked);
  EXPECT_EQ(first(judged_by_hand({{jsma, fooled(9)}, {other, fooled(9)}})).verdict, Verdict::unchecked);
  const Judgement targeted = judged_by_hand({{fgsm, fooled(9)}, {pgd, fooled(20)}}, {}, {attacks::Targets::Kind::next});
  EXPECT_EQ(first(targeted).verdict, Verdict::suspect);
}

TEST(Verdicts, EveryRadiusIsANumber) {
  const Attack fmn = attack_of("fmn:norm=linf"), fab = attack_of("fab:norm=linf"), pgd = attack_of("pgd:eps=0.2");
  std::vector<double> near(40, 0.15), far(40, 0.15);
  for (std::size_t i = 0; i < 30; ++i) far[i] = 0.25;
  const Judgement judgement = judged_by_hand({{fmn, far}, {fab, near}, {pgd, fooled(5)}}, {0.1F, 0.2F, 0.3F});
  ASSERT_EQ(judgement.attacks[0].size(), 3U);
  EXPECT_EQ(judgement.attacks[0][0].robust.part(), 40U);
  EXPECT_EQ(judgement.attacks[0][0].verdict, Verdict::suspect);  // pgd's five are within 0.1
  EXPECT_EQ(judgement.attacks[0][1].robust.part(), 30U);
  EXPECT_EQ(judgement.attacks[0][1].verdict, Verdict::unreliable);
  EXPECT_EQ(judgement.attacks[0][2].robust.part(), 0U);
  EXPECT_EQ(judgement.attacks[0][2].verdict, Verdict::reliable);
  EXPECT_EQ(judgement.of_attack(0), Verdict::unreliable);
  ASSERT_EQ(judgement.attacks[2].size(), 1U);
  EXPECT_EQ(judgement.attacks[2][0].verdict, Verdict::unreliable);  // fab leaves 0 at 0.2
  ASSERT_EQ(judgement.together.size(), 3U);
  EXPECT_EQ(judgement.together[1].number.attacks, (std::vector<std::size_t>{0, 1, 2}));
  EXPECT_EQ(judgement.together[0].verdict, Verdict::suspect);  // of fmn and fab at 0.1
}

TEST(Verdicts, DistancesAreHeldAgainstOtherDistances) {
  const Attack fmn = attack_of("fmn:norm=linf"), fab = attack_of("fab:norm=linf"), l2 = attack_of("fab:norm=l2");
  const auto first = [](const Judgement& judgement) { return judgement.attacks[0][0]; };
  const auto nearer = [](std::size_t count, double share) {
    std::vector<double> all(40, 0.2);
    std::fill_n(all.begin(), count, 0.2 * share);
    return all;
  };
  EXPECT_EQ(first(judged_by_hand({{fmn, nearer(0, 1)}, {fab, nearer(40, 0.95)}})).verdict, Verdict::reliable);
  EXPECT_EQ(first(judged_by_hand({{fmn, nearer(0, 1)}, {fab, nearer(2, 0.5)}})).verdict, Verdict::reliable);
  EXPECT_EQ(first(judged_by_hand({{fmn, nearer(0, 1)}, {fab, nearer(3, 0.89)}})).verdict, Verdict::suspect);
  EXPECT_EQ(first(judged_by_hand({{fmn, nearer(0, 1)}, {fab, nearer(20, 0.89)}})).verdict, Verdict::suspect);
  EXPECT_EQ(first(judged_by_hand({{fmn, nearer(0, 1)}, {fab, nearer(21, 0.89)}})).verdict, Verdict::unreliable);
  EXPECT_EQ(first(judged_by_hand({{fmn, fooled(0)}, {fab, fooled(40)}})).verdict, Verdict::unreliable);  // none found
  EXPECT_EQ(first(judged_by_hand({{fmn, fooled(9)}, {l2, fooled(40)}})).verdict, Verdict::unchecked);
  const Judgement both = judged_by_hand({{fmn, nearer(0, 1)}, {fab, nearer(30, 0.5)}});
  EXPECT_EQ(both.together.at(0).verdict, Verdict::reliable);
  EXPECT_EQ(both.verdict, Verdict::reliable);
}

TEST(Verdicts, AdviceIsInTheNumbersThreatModel) {
  const data::Box data{0, 1}, own{0, 1.5F};
  const auto put = [](std::string in, std::string_view name, std::string_view value) {
    for (std::size_t at = in.find(name); at != std::string::npos; at = in.find(name))
      in.replace(at, name.size(), value);
    return in;
  };
  for (const attacks::IndicatorInfo& info : attacks::list_indicators()) {
    SCOPED_TRACE(info.name);
    EXPECT_EQ(info.next.empty(), info.advise == nullptr);
    if (info.advise == nullptr) continue;
    const Shape image{28, 28, 1};
    for (const Norm norm : {Norm::linf, Norm::l2, Norm::l1}) {
      const attacks::Budget ball{norm, 0.25, data, false}, wide{norm, 0.25, own, false};
      const attacks::Budget nearest{norm, HUGE_VAL, data, false};
      const Attack advised = info.advise(ball, data);
      const std::string spec = put(put(std::string(info.next), "EPS", "0.25"), "NORM", enum_name(norm));
      EXPECT_EQ(advised.budget(image, data), info.speaks == attacks::Speaks::nearest ? ball : ball);
      if (info.speaks != attacks::Speaks::nearest) {
        EXPECT_EQ(text(advised.spec()), text(attack_of(spec).spec()));
      }
      EXPECT_EQ(text(advised.spec()).find("clip"), std::string::npos);
      EXPECT_EQ(info.advise(wide, data).budget(image, data), wide);
      EXPECT_EQ(info.advise(nearest, data).budget(image, data), nearest);
      // What was advised can be written, read and resolved, and has the budget still.
      const Attack again = attack_of(text(info.advise(wide, data).resolved(data).spec()));
      EXPECT_EQ(again.budget(image, data), wide);
    }
    EXPECT_EQ(info.advise({Norm::l0, HUGE_VAL, data, false}, data).budget(image, data).norm, Norm::l0);
    EXPECT_FALSE(info.advise({Norm::l0, 10, data, false}, data).present());
  }
}

TEST(Verdicts, RandomnessIsExpectedByWhatAveragesIt) {
  const auto expects = [](std::string_view spec) { return attack_of(spec).info().for_random_models; };
  EXPECT_TRUE(expects("eot:attack=[pgd:eps=0.1]"));
  EXPECT_TRUE(expects("autoattack:eps=0.1,version=rand"));
  EXPECT_TRUE(expects("bpda:attack=[eot:attack=[pgd:eps=0.1]]"));
  EXPECT_TRUE(expects("composite:attacks=[fgsm:eps=0.1]/[autoattack:eps=0.1,version=rand]"));
  EXPECT_FALSE(expects("autoattack:eps=0.1"));
  EXPECT_FALSE(expects("bpda:attack=[pgd:eps=0.1]"));
}

// ---- probes --------------------------------------------------------------------------------------------

data::Samples tenths_samples(std::size_t count) {
  Tensor images(Shape{count, 28, 28, 1});
  data::Samples samples{images, {}, {}, {}};
  for (std::size_t i = 0; i < count; ++i) {
    images.mutable_data()[i * 784] = (static_cast<real>(i % 10) + 0.5F) / 10;
    samples.labels.push_back(static_cast<int>(i % 10));
    samples.index.push_back(static_cast<std::uint32_t>(i));
  }
  samples.images = images;
  return samples;
}

TEST(Probes, AreOfEveryBallOnce) {
  const Defended model = tenths();
  const data::Samples samples = tenths_samples(20);
  const auto balls = [&](const std::vector<Attack>& attacks, const std::vector<float>& radii,
                         attacks::Targets targets = {}) {
    std::vector<attacks::ProbedBall> all =
        attacks::balls_of(attacks::evaluate(model, samples, attacks, {.targets = targets}), radii);
    std::string said;
    for (const attacks::ProbedBall& ball : all) {
      append(said, text(enum_name(ball.ball.norm), " ", ball.ball.size));
      if (ball.attack) append(said, text(" of ", *ball.attack));
      append(said, "; ");
    }
    return said;
  };
  const Attack noise = attack_of("noise:eps=0.25"), fgsm = attack_of("fgsm:eps=0.25,clip_min=0,clip_max=1");
  const Attack boundary = attack_of("boundary:steps=1"), jump = attack_of("hopskipjump:norm=l2,steps=1");
  EXPECT_EQ(balls({noise, fgsm}, {}), "linf 0.25; ");
  EXPECT_EQ(balls({noise, attack_of("fgsm:eps=0.25,clip_max=2")}, {}), "linf 0.25; linf 0.25; ");
  EXPECT_EQ(balls({boundary, jump}, {}), "l2 inf of 0; l2 inf of 1; ");
  EXPECT_EQ(balls({boundary, noise, jump}, {0.5F, 2}), "l2 0.5; l2 2; linf 0.25; ");
  EXPECT_EQ(balls({noise}, {}, {attacks::Targets::Kind::next}), "");
  EXPECT_EQ(balls({attack_of("fgsm@cleverhans-1.0.0:eps=0.1")}, {}), "");
}

TEST(Probes, OfPartsMakeThoseOfTheWhole) {
  const nn::Sequential net = nn::make_model("linear", Rng(1));
  data::Samples samples = data::load("mnist-5k").first(30);
  samples.labels = nn::predict(net, samples.images);
  samples.labels[4] = (samples.labels[4] + 1) % 10;
  const attacks::ProbeOptions options{5, 2, samples};
  const std::vector<Attack> attacks{attack_of("deepfool:norm=linf"), attack_of("pgd:eps=0.02,steps=2")};
  const auto probed = [&](const data::Samples& some) {
    return attacks::probe(net, some, attacks::evaluate(net, some, attacks, {}), {}, options);
  };
  const attacks::Probes whole = probed(samples);
  EXPECT_EQ(whole.samples.size(), 14U);  // the even ones but the wrong one
  EXPECT_EQ(whole.balls.size(), 2U);
  for (const std::size_t first : {0U, 1U, 13U, 30U}) {
    attacks::Probes joined;
    extend(joined, probed(samples.rows(0, first)), 0);
    extend(joined, probed(samples.rows(first, 30 - first)), first);
    EXPECT_EQ(joined.samples, whole.samples);
    EXPECT_EQ(joined.model, whole.model);
    ASSERT_EQ(joined.balls.size(), 2U);
    for (std::size_t b = 0; b < 2; ++b) EXPECT_EQ(joined.balls[b].probes, whole.balls[b].probes) << b;
  }
  Evaluation all = attacks::evaluate(net, samples, attacks, {});
  EXPECT_NO_THROW(attacks::judge_numbers(all, {}, whole));
  attacks::Probes fewer = whole;
  fewer.balls.pop_back();
  EXPECT_THROW(attacks::judge_numbers(all, {}, fewer), Error);
  EXPECT_THROW(attacks::judge_numbers(all, std::vector<float>{0.1F}, whole), Error);
  EXPECT_THROW(attacks::probe(net, samples.rows(0, 3), all, {}, options), Error);
  attacks::ProbeOptions wrong = options;
  wrong.reference.labels[0] = 10;
  EXPECT_THROW(attacks::probe(net, samples, all, {}, wrong), Error);
}

TEST(Probes, WorkInBallsOfNoSizeAndOfAny) {
  const nn::Sequential net = nn::make_model("linear", Rng(1));
  data::Samples samples = data::load("mnist-5k").first(20);
  samples.labels = nn::predict(net, samples.images);
  for (const std::string_view norm : {"linf", "l2", "l1"}) {
    SCOPED_TRACE(norm);
    const Judged none = judged(net, samples, {attack_of(text("noise:eps=0,norm=", norm))});
    for (const attacks::BallProbe& probe : none.judgement.probes.balls.at(0).probes) EXPECT_FALSE(probe.any());
    EXPECT_EQ(none.judgement.verdict, Verdict::reliable) << said(none.number());
    // Beyond the box: the probes go as far as there is anything.
    const Judged all = judged(net, samples, {attack_of(text("fab:norm=", norm))}, {1e6F});
    for (const attacks::BallProbe& probe : all.judgement.probes.balls.at(0).probes) EXPECT_TRUE(probe.iterative);
    const Judged open =
        judged(net, samples, {attack_of(text("fgsm:eps=3,norm=", norm, ",clip_min=-inf,clip_max=inf"))});
    EXPECT_EQ(open.judgement.probes.balls.at(0).probes.size(), 20U);
  }
  const Judged pixels = judged(net, samples, {attack_of("fmn:norm=l0,steps=2")}, {0, 784});
  for (const attacks::BallProbe& probe : pixels.judgement.probes.balls.at(0).probes) EXPECT_FALSE(probe.any());
  for (const attacks::BallProbe& probe : pixels.judgement.probes.balls.at(1).probes) EXPECT_TRUE(probe.iterative);
}

TEST(Probes, SearchInTheBoxOfTheAttack) {
  // Dark images: what is right at 0 is fooled only by features below it.
  const nn::Sequential net = nn::make_model("linear", Rng(1));
  const Defended model(net, [](const nn::Classifier& inner, const Var& x) {
    return inner.logits(clamp(x, -1, 0));  // of [0, 1] all that is nothing
  });
  data::Samples samples = data::load("mnist-5k").first(20);
  samples.labels.assign(20, nn::predict(model, samples.images)[0]);
  const Judged within = judged(model, samples, {attack_of("noise:eps=0.25")});
  EXPECT_FALSE(within.judgement.probes.balls.at(0).probes[0].any());
  const Judged below = judged(model, samples, {attack_of("fgsm:eps=0.25,clip_min=-1")});
  EXPECT_TRUE(below.judgement.probes.balls.at(0).probes[0].any());
}

}  // namespace
}  // namespace hans::verdicts_test
