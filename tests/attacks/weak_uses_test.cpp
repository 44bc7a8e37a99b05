// Weak uses of every attack must not be believed, honest ones must not be doubted.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include <hans/autodiff/functions.hpp>

#include "verdict_testing.hpp"

namespace hans::weak_uses_test {
namespace {

using namespace testing_verdicts;

constexpr std::size_t images = 40;

const nn::Classifier& model_of(std::string_view name) {
  // Dark features have no gradient where the search begins.
  static const Defended flat(plain(),
                             [](const nn::Classifier& net, const Var& x) { return net.logits(clamp(x, 0.08F, 1)); });
  static const nn::Sequential robust = trained(attack_of("pgd:eps=0.1,steps=5"));
  if (name == "flat") return flat;
  if (name == "robust") return robust;
  return plain();
}

struct Use {
  std::string_view model, attack;
  float radius = 0;  ///< of an attack that looks for the nearest image; 0: the attack has its own ball, or none
  std::string_view targets = {};
};

const data::Samples& samples() {
  static const data::Samples all = data::load("mnist-5k").first(images);
  return all;
}

/// Judges a use with probes that all uses of one ball share.
Judged judged_use(const Use& use) {
  static std::map<std::string, attacks::Probes> known;
  const std::vector<float> radii = use.radius > 0 ? std::vector{use.radius} : std::vector<float>{};
  attacks::Targets targets;
  if (!use.targets.empty()) targets = attacks::read_targets(use.targets);
  const nn::Classifier& model = model_of(use.model);
  Judged made{attacks::evaluate(model, samples(), std::vector{attack_of(use.attack)}, {.targets = targets}), {}};
  std::string key(use.model);
  for (const attacks::ProbedBall& one : attacks::balls_of(made.evaluation, radii)) {
    const attacks::Budget& ball = one.ball;
    append(key, text(" ", enum_name(ball.norm), " ", ball.size, " ", ball.box.lo, " ", ball.box.hi));
    if (one.attack) append(key, text(" of ", use.attack));
  }
  if (!known.contains(key)) {
    const attacks::ProbeOptions options{0, 1, data::load("mnist-5k", data::Part::train).first(500)};
    known[key] = attacks::probe(model, samples(), made.evaluation, radii, options);
  }
  made.judgement = attacks::judge_numbers(made.evaluation, radii, known[key]);
  return made;
}

/// How many images the strongest attack leaves in a ball: fab towards each class, in l0 sigma-zero, in another box
/// apgd, of flat starts pgd that begins elsewhere.
std::size_t strongest(std::string_view model, const attacks::Budget& ball) {
  static std::map<std::string, Evaluation> known;
  const std::string_view norm = enum_name(ball.norm);
  const bool usual = ball.box == data::Box{0, 1};
  const std::string spec = model == "flat"
                               ? text("pgd:eps=", static_cast<float>(ball.size), ",loss=margin,start=bright")
                           : ball.norm == attacks::Norm::l0 ? std::string("sigma-zero")
                           : usual                          ? text("fab:norm=", norm, ",classes=9,refine=0")
                                   : text("apgd:eps=", static_cast<float>(ball.size), ",norm=", norm,
                                          ",clip_min=", ball.box.lo, ",clip_max=", ball.box.hi);
  Evaluation& found = known[text(model, " ", spec)];
  if (found.attacks.empty()) found = attacks::evaluate(model_of(model), samples(), std::vector{attack_of(spec)}, {});
  return attacks::robust_within(found, found.attacks[0], ball.size).part();
}

/// None is called RELIABLE that the strongest lowers by more than 3 points; `weak` of them are such.
void check_uses(const std::vector<Use>& uses, std::size_t weak) {
  std::size_t lowered = 0;
  for (const Use& use : uses) {
    const Reliability number = judged_use(use).number();
    const std::size_t least = strongest(use.model, number.number.ball);
    const bool lower = 100 * number.robust.part() > 100 * least + 3 * images;
    lowered += lower ? 1U : 0U;
    EXPECT_FALSE(lower && number.verdict == Verdict::reliable)
        << use.model << " " << use.attack << " " << use.radius << ": " << said(number) << ", not " << least;
  }
  EXPECT_GE(lowered, weak);
}

const std::vector<Use> plain_uses{Use{"plain", "fgsm:eps=0.05"},
                                  Use{"robust", "fgsm:eps=0.2"},
                                  Use{"plain", "fgsm:eps=1,norm=l2"},
                                  Use{"plain", "r-fgsm:eps=0.05,alpha=0.045"},
                                  Use{"plain", "pgd:eps=0.05,steps=1,alpha=0.01"},
                                  Use{"robust", "pgd:eps=0.2,steps=2"},
                                  Use{"plain", "pgd:eps=10,norm=l1,steps=2"},
                                  Use{"plain", "mi-fgsm:eps=0.05,steps=1,alpha=0.01"},
                                  Use{"plain", "apgd:eps=0.05,steps=1"},
                                  Use{"plain", "apgd-t:eps=0.05,steps=1,classes=1"},
                                  Use{"plain", "fab:steps=1", 0.05F},
                                  Use{"plain", "square:eps=0.05,queries=5"},
                                  Use{"plain", "spsa:eps=0.05,steps=1,pairs=1"},
                                  Use{"plain", "noise:eps=0.05"},
                                  Use{"plain", "noise:eps=0.05,kind=contrast"},
                                  Use{"plain", "composite:attacks=[noise:eps=0.05]/[square:eps=0.05,queries=5]"},
                                  Use{"plain", "eot:attack=[noise:eps=0.05]"},
                                  Use{"plain", "bpda:attack=[pgd:eps=0.05,steps=1,alpha=0.01]"},
                                  Use{"plain", "fgsm:eps=0.05,clip_min=0.4,clip_max=0.6"},
                                  Use{"plain", "fgsm:eps=0.1,clip_min=-1,clip_max=2"},
                                  Use{"plain", "square:eps=0.05,queries=5,clip_max=1.5"}};

const std::vector<Use> nearest_uses{Use{"robust", "fmn:norm=linf,steps=3", 0.15F},
                                    Use{"robust", "fmn:steps=3", 1},
                                    Use{"robust", "deepfool:norm=linf,steps=1", 0.15F},
                                    Use{"robust", "deepfool:steps=1", 1},
                                    Use{"robust", "ddn:steps=3", 1},
                                    Use{"robust", "cw:searches=1,steps=3", 1},
                                    Use{"robust", "cw-linf:steps=3", 0.15F},
                                    Use{"plain", "l-bfgs:searches=1,steps=1", 0.8F},
                                    Use{"plain", "ead:searches=1,steps=3", 8},
                                    Use{"plain", "boundary:steps=10", 1},
                                    Use{"plain", "hopskipjump:steps=1,evals=10", 1},
                                    Use{"plain", "hopskipjump:norm=linf,steps=1,evals=10", 0.05F},
                                    Use{"plain", "fmn:norm=l0,steps=2", 10},
                                    Use{"plain", "sigma-zero:steps=2", 10}};

const std::vector<Use> flat_uses{Use{"flat", "pgd:eps=0.1,steps=10"}, Use{"flat", "fgsm:eps=0.1"},
                                 Use{"flat", "apgd:eps=0.1,steps=10"}, Use{"flat", "fmn:norm=linf", 0.1F},
                                 Use{"flat", "deepfool:norm=linf", 0.1F}};

const std::vector<Use> targeted_uses{Use{"plain", "pgd:eps=0.05", 0, "next"},
                                     Use{"plain", "fgsm:eps=0.05", 0, "3"},
                                     Use{"plain", "jsma:gamma=0.02"},
                                     Use{"plain", "m-jsma:gamma=0.02"},
                                     Use{"plain", "cw:searches=1,steps=20", 0.5F, "next"},
                                     Use{"plain", "one-pixel:pixels=3,rounds=5"}};

TEST(SlowWeakUses, OfAttacksInABall) { check_uses(plain_uses, 14); }

TEST(SlowWeakUses, OfAttacksForTheNearest) { check_uses(nearest_uses, 11); }

TEST(SlowWeakUses, OfStartsWithoutGradient) { check_uses(flat_uses, 4); }

TEST(SlowWeakUses, OfOtherGoals) { check_uses(targeted_uses, 5); }

TEST(SlowWeakUse, OfTooFewImagesIsUnchecked) {
  for (const std::string_view spec : {"autoattack:eps=0.05", "fgsm:eps=0.05", "fab:norm=linf", "jsma:gamma=0.1"}) {
    const Judged few = judged(plain(), {attack_of(spec)}, {}, 15);
    EXPECT_EQ(few.judgement.verdict, Verdict::unchecked) << spec << said(few.number());
  }
}

/// Distances without a radius: those that are far too large.
TEST(SlowWeakUse, FindsDistancesThatAreTooLarge) {
  for (const std::string_view spec :
       {"deepfool:norm=linf,steps=1,overshoot=1,refine=0", "boundary:steps=10", "fmn:norm=l0,steps=2",
        "hopskipjump:steps=1,evals=10", "cw:searches=1,steps=5,refine=0"}) {
    const Judged made = judged(plain(), {attack_of(spec)}, {}, 30);
    EXPECT_GT(of(made.number(), "nearer_exists"), Verdict::unchecked) << spec << " " << said(made.number());
  }
}

TEST(SlowHonestUse, IsNotDoubted) {
  for (const Use& use : {Use{"plain", "autoattack:eps=0.05"}, Use{"plain", "pgd:eps=0.05,steps=100"},
                         Use{"plain", "pgd:eps=1,norm=l2,steps=100"}, Use{"plain", "apgd:eps=0.05"},
                         Use{"plain", "fab:norm=linf", 0.05F}, Use{"plain", "fab:norm=l2", 0.7F},
                         Use{"plain", "fmn:norm=l2,steps=200", 0.7F}, Use{"plain", "ddn:steps=200", 0.7F},
                         Use{"plain", "cw:searches=5,steps=200", 0.7F}, Use{"plain", "hopskipjump:steps=15", 4},
                         Use{"plain", "jsma:gamma=0.1"}, Use{"plain", "fab:norm=linf,classes=9"}, Use{"plain", "ddn"},
                         Use{"plain", "sigma-zero", 40}}) {
    SCOPED_TRACE(use.attack);
    const Judged made = judged_use(use);
    EXPECT_LE(made.number().verdict, Verdict::unchecked) << use.model << " " << said(made.number());
  }
}

TEST(WeakUses, AreThereForEveryAttack) {
  std::set<std::string> used{"autoattack"};  // of which nothing can be left out
  for (const std::vector<Use>* uses : {&plain_uses, &nearest_uses, &flat_uses, &targeted_uses}) {
    for (const Use& use : *uses) used.insert(Spec::parse(use.attack).name);
  }
  for (const attacks::AttackInfo& info : attacks::list_attacks()) {
    EXPECT_TRUE(used.contains(info.name)) << "add a weak use of " << info.name << " to a list in this file";
  }
}

}  // namespace
}  // namespace hans::weak_uses_test
