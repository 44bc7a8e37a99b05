// The attacks as SPECs: read, written, listed and refused.
#include <hans/attacks/attack.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include <hans/attacks/fgsm.hpp>
#include <hans/attacks/jsma.hpp>
#include "attacks_testing.hpp"

namespace hans::attack_registry_test {
namespace {

using namespace testing_attacks;
using attacks::Attack;

struct Canonical {
  std::string_view written;
  std::string_view canonical;
  std::string_view resolved;  // for data from 0 to 1
};

constexpr std::array canonical{
    Canonical{"fgsm:eps=0.3", "fgsm:eps=0.3,norm=linf", "fgsm:eps=0.3,norm=linf,clip_min=0,clip_max=1,label=data"},
    Canonical{"fgsm@1:eps=0.3", "fgsm:eps=0.3,norm=linf", "fgsm:eps=0.3,norm=linf,clip_min=0,clip_max=1,label=data"},
    Canonical{"fgsm:norm=l2,eps=3e-1", "fgsm:eps=0.3,norm=l2", "fgsm:eps=0.3,norm=l2,clip_min=0,clip_max=1,label=data"},
    Canonical{"fgsm:eps=8/255", "fgsm:eps=0.03137255,norm=linf",
              "fgsm:eps=0.03137255,norm=linf,clip_min=0,clip_max=1,label=data"},
    Canonical{"fgsm:label=model,eps=0,clip_max=inf,clip_min=-inf",
              "fgsm:eps=0,norm=linf,clip_min=-inf,clip_max=inf,label=model",
              "fgsm:eps=0,norm=linf,clip_min=-inf,clip_max=inf,label=model"},
    Canonical{"fgsm:eps=-0", "fgsm:eps=0,norm=linf", "fgsm:eps=0,norm=linf,clip_min=0,clip_max=1,label=data"},
    Canonical{"fgsm@cleverhans-1.0.0:eps=0.3", "fgsm@cleverhans-1.0.0:eps=0.3", "fgsm@cleverhans-1.0.0:eps=0.3"},
    Canonical{"fgsm@cleverhans-1.0.0:clip_min=0,eps=0.3", "fgsm@cleverhans-1.0.0:eps=0.3,clip_min=0",
              "fgsm@cleverhans-1.0.0:eps=0.3,clip_min=0"},
    Canonical{"jsma:gamma=0.145", "jsma:gamma=0.145,theta=1,of=probabilities,select=pairs,retire=once",
              "jsma:gamma=0.145,theta=1,of=probabilities,select=pairs,retire=once,clip_min=0,clip_max=1"},
    Canonical{"jsma:retire=saturated,select=single,of=logits,theta=-0.5,max_features=9",
              "jsma:max_features=9,theta=-0.5,of=logits,select=single,retire=saturated",
              "jsma:max_features=9,theta=-0.5,of=logits,select=single,retire=saturated,clip_min=0,clip_max=1"},
    Canonical{"jsma@cleverhans-1.0.0:theta=1",
              "jsma@cleverhans-1.0.0:theta=1,gamma=inf,increase=true,of=probabilities,clip_min=0,clip_max=1",
              "jsma@cleverhans-1.0.0:theta=1,gamma=inf,increase=true,of=probabilities,clip_min=0,clip_max=1"},
};

TEST(AttackRegistry, WritesWhatItReads) {
  for (const Canonical& one : canonical) {
    const Attack made = attack(one.written);
    EXPECT_EQ(text(made.spec()), one.canonical);
    EXPECT_EQ(text(made.resolved({0, 1}).spec()), one.resolved);
    for (const std::string_view again : {one.canonical, one.resolved}) EXPECT_EQ(text(attack(again).spec()), again);
    EXPECT_EQ(text(attack(one.resolved).resolved({0.1F, 0.2F}).spec()), one.resolved);
  }
}

TEST(AttackRegistry, PinsSpecifications) {
  struct Row {
    std::string_view written, pinned;
  };
  for (const Row& row :
       {Row{"fgsm:eps=0.3", "fgsm@1:eps=0.3,norm=linf"}, Row{"fgsm@1:eps=0.3", "fgsm@1:eps=0.3,norm=linf"},
        Row{"fgsm@cleverhans-1.0.0:eps=0.3", "fgsm@cleverhans-1.0.0:eps=0.3"},
        Row{"eot:attack=[fgsm:eps=0.3]", "eot@1:attack=[fgsm@1:eps=0.3,norm=linf],draws=20"},
        Row{"composite:attacks=[bpda:attack=[fgsm:eps=0.3]]/[fgsm@cleverhans-1.0.0:eps=0.3]",
            "composite@1:attacks=[bpda@1:attack=[fgsm@1:eps=0.3,norm=linf]]/[fgsm@cleverhans-1.0.0:eps=0.3]"}}) {
    EXPECT_EQ(text(attack(row.written).pinned()), row.pinned);
  }
  for (const attacks::AttackInfo& info : attacks::list_attacks()) {
    const Attack made = attack(info.example);
    EXPECT_EQ(made.pinned().version, info.specification);
    EXPECT_EQ(attack(text(made.pinned())).spec(), made.spec()) << "what is pinned names the same";
  }
}

TEST(AttackRegistry, ReadsThePreciseNumber) {
  const attacks::Fgsm fgsm = from_spec<attacks::Fgsm>(Spec::parse("fgsm:eps=8/255"));
  EXPECT_EQ(fgsm.eps, static_cast<float>(8.0 / 255.0));
  const attacks::Budget budget = Attack(fgsm).budget({28, 28, 1}, {0, 1});
  EXPECT_EQ(budget.size, static_cast<double>(static_cast<float>(8.0 / 255.0)));
}

/// What some attacks can do; attacks.md, which a test compares, says it of all.
struct Known {
  std::string_view name, norms;
  attacks::Knowledge knowledge;
  bool takes_targets = true, targets_by_default = false;
};

constexpr std::array known{
    Known{"fgsm", "linf|l2|l1", attacks::Knowledge::gradients},
    Known{"fgsm@cleverhans-1.0.0", "linf", attacks::Knowledge::gradients, false},
    Known{"jsma", "l0", attacks::Knowledge::gradients, true, true},
    Known{"mi-fgsm", "linf|l2", attacks::Knowledge::gradients},
    Known{"fmn", "linf|l2|l1|l0", attacks::Knowledge::gradients},
    Known{"autoattack", "linf|l2|l1", attacks::Knowledge::gradients, false},
    Known{"square", "linf|l2|l1", attacks::Knowledge::scores},
    Known{"noise", "linf|l2|l1", attacks::Knowledge::labels},
    Known{"hopskipjump", "linf|l2", attacks::Knowledge::labels},
};

TEST(AttackRegistry, ListsEveryAttack) {
  std::vector<std::string> names;
  std::size_t found = 0;
  for (const attacks::AttackInfo& info : attacks::list_attacks()) {
    SCOPED_TRACE(info.name);
    names.push_back(text(info.name, info.version.empty() ? "" : "@", info.version));
    EXPECT_FALSE(info.meaning.empty());
    EXPECT_FALSE(info.paper.empty());
    EXPECT_FALSE(info.norms.empty()) << "give it a parameter norm, or a member norms";
    EXPECT_EQ(attack(info.example).info().name, info.name);
    EXPECT_EQ(attack(info.example).info().version, info.version);
    for (const FieldInfo& field : info.fields) EXPECT_FALSE(field.meaning.empty()) << field.name;
    const auto row = std::ranges::find(known, names.back(), &Known::name);
    if (row == known.end()) continue;
    ++found;
    EXPECT_EQ(info.norms, row->norms);
    EXPECT_EQ(info.knowledge, row->knowledge);
    EXPECT_EQ(info.takes_targets, row->takes_targets);
    EXPECT_EQ(info.targets_by_default, row->targets_by_default);
  }
  EXPECT_EQ(found, known.size());
  EXPECT_EQ(names[0], "fgsm");
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size()) << "no name twice";

  for (const std::string_view unknown :
       {"fgm:eps=0.3", "FGSM:eps=0.3", "fgsm@2:eps=0.3", "jsma@cleverhans-1.0.1:theta=1"}) {
    const std::string message = usage_error_of([&] { attack(unknown); });
    EXPECT_TRUE(contains(message, unknown.substr(0, unknown.find(':')))) << message;
    for (const std::string& name : names) EXPECT_TRUE(contains(message, name)) << message;
  }
}

TEST(AttackRegistry, HasNoDefaultBudget) {
  std::size_t nearest = 0;
  for (const attacks::AttackInfo& info : attacks::list_attacks()) {
    try {
      const Attack bare = Attack::from_spec({info.name, info.version, {}});
      EXPECT_EQ(bare.budget({4, 4, 1}, {0, 1}).size, infinity) << info.name << ": make eps a Required";
      ++nearest;                   // it looks for the nearest, however far
    } catch (const UsageError&) {  // it has to be told how far
    }
  }
  EXPECT_GT(nearest, 9U);
  for (const std::string_view name : {"fgsm", "pgd", "noise", "jsma"}) usage_error_of([&] { attack(name); });
  EXPECT_EQ(attack("fab").budget({4, 4, 1}, {0, 1}).size, infinity);
}

struct Refused {
  std::string_view spec;
  std::string_view says;
};

TEST(AttackRegistry, RefusesInOneLineThatSaysWhatIsAllowed) {
  constexpr std::array table{
      Refused{"fgsm", "eps is missing"},
      Refused{"fgsm:eps=-0.1", ">= 0"},
      Refused{"fgsm:eps=-1/255", ">= 0"},
      Refused{"fgsm:eps=nan", "eps"},
      Refused{"fgsm:eps=inf", ">= 0"},
      Refused{"fgsm:eps=8/0", "8/255"},
      Refused{"fgsm:eps=8/", "8/255"},
      Refused{"fgsm:eps=/255", "8/255"},
      Refused{"fgsm:eps=1e99", "eps"},
      Refused{"fgsm:eps=0.3x", "not a number"},
      Refused{"fgsm:eps=", "eps is missing"},
      Refused{"fgsm:eps", "eps has no"},
      Refused{"fgsm:", "missing"},
      Refused{"fgsm:eps=0.3,", "missing"},
      Refused{"fgsm:eps=0.3,eps=0.3", "twice"},
      Refused{"fgsm:eps=0.3,step=1", "clip_min"},
      Refused{"fgsm:Eps=0.3", "allowed"},
      Refused{"fgsm:eps=0.3,norm=l3", "none of linf|l2|l1"},
      Refused{"fgsm:eps=0.3,norm=l0", "none of linf|l2|l1"},
      Refused{"fgsm:eps=0.3,label=none", "data|model"},
      Refused{"fgsm:eps=0.3,clip_min=nan", "clip_min"},
      Refused{"fgsm:eps=[fgsm:eps=0.3]", "bracket"},
      Refused{"fgsm: eps=0.3", "space"},
      Refused{" fgsm:eps=0.3", "space"},
      Refused{"fgsm@cleverhans-1.0.0", "eps is missing"},
      Refused{"fgsm@cleverhans-1.0.0:eps=0.3,norm=l2", "allowed"},
      Refused{"jsma", "gamma"},
      Refused{"jsma:gamma=0.1,max_features=3", "not both"},
      Refused{"jsma:gamma=1.1", "<= 1"},
      Refused{"jsma:gamma=-0.1", ">= 0"},
      Refused{"jsma:gamma=nan", "gamma"},
      Refused{"jsma:gamma=inf", "<= 1"},
      Refused{"jsma:max_features=-1", "max_features"},
      Refused{"jsma:max_features=2.5", "integer"},
      Refused{"jsma:max_features=4294967296", "4294967295"},
      Refused{"jsma:gamma=0.1,theta=0", "theta=1"},
      Refused{"jsma:gamma=0.1,theta=inf", "theta"},
      Refused{"jsma:gamma=0.1,of=softmax", "probabilities|logits"},
      Refused{"jsma:gamma=0.1,select=triples", "pairs|single"},
      Refused{"jsma:gamma=0.1,retire=never", "once|saturated"},
      Refused{"jsma@cleverhans-1.0.0", "theta is missing"},
      Refused{"jsma@cleverhans-1.0.0:theta=-1", ">= 0"},
      Refused{"jsma@cleverhans-1.0.0:theta=1,increase=yes", "true"},
      Refused{"jsma@cleverhans-1.0.0:theta=1,gamma=-1", ">= 0"},
      Refused{"", "name"},
  };
  for (const Refused& one : table) {
    SCOPED_TRACE(one.spec);
    const std::string message = usage_error_of([&] { attack(one.spec); });
    EXPECT_TRUE(contains(message, one.says)) << message;
  }
}

// --- the same for attacks made in code, which no parser has seen -------------------------------------------

/// Both the attack itself and its budget refuse, before anything is computed.
std::string refusal(const attacks::Attack& made, bool targeted) {
  const nn::Sequential net = small_models()[0];
  const data::Samples samples = random_samples(net.input(), 2, net.classes(), 1);
  const attacks::Goal goal{targeted, {0}};
  const std::string message = usage_error_of([&] { made(net, samples, goal); });
  usage_error_of([&] { made.budget(net.input(), samples.box); });
  return message;
}

TEST(AttackMadeInCode, IsCheckedWhenItIsCalled) {
  for (const float bad : {not_a_number, -0.1F, infinity, -infinity}) {
    SCOPED_TRACE(bad);
    EXPECT_TRUE(contains(refusal(attacks::Fgsm{.eps = bad}, false), "eps"));
    EXPECT_TRUE(contains(refusal(attacks::FgsmCleverhans100{.eps = bad}, false), "eps"));
    EXPECT_TRUE(contains(refusal(attacks::Jsma{.gamma = bad}, true), "gamma"));
    EXPECT_TRUE(contains(refusal(attacks::JsmaCleverhans100{.theta = bad}, true), "theta"));
  }
  for (const float bad : {not_a_number, infinity, -infinity}) {
    EXPECT_TRUE(contains(refusal(attacks::Jsma{.gamma = 0.1F, .theta = bad}, true), "theta"));
    EXPECT_TRUE(contains(refusal(attacks::JsmaCleverhans100{.theta = 1.0F, .clip_min = bad}, true), "clip_min"));
  }
  EXPECT_TRUE(contains(refusal(attacks::JsmaCleverhans100{.theta = 1.0F, .gamma = not_a_number}, true), "gamma"));
  EXPECT_TRUE(contains(refusal(attacks::Fgsm{.eps = 0.1F, .clip_min = not_a_number}, false), "clip_min"));
  EXPECT_TRUE(contains(refusal(attacks::Fgsm{.eps = 0.1F, .norm = attacks::Norm::l0}, false), "none of linf|l2|l1"));
  EXPECT_TRUE(contains(refusal(attacks::Jsma{.theta = 1}, true), "gamma"));
  EXPECT_TRUE(contains(refusal(attacks::Jsma{.gamma = 0.1F, .theta = 0}, true), "theta"));
  EXPECT_TRUE(contains(refusal(attacks::Fgsm{.eps = 0.1F, .clip_min = 0.6F, .clip_max = 0.5F}, false), "0.6"));
  EXPECT_TRUE(contains(refusal(attacks::Jsma{.gamma = 0.1F, .clip_min = 1.5F}, true), "clip_min"));
  const nn::Sequential net = small_models()[0];
  const data::Samples samples = random_samples(net.input(), 1, net.classes(), 1);
  for (const std::string_view spec : {"jsma:gamma=0.1", "jsma@cleverhans-1.0.0:theta=1"}) {
    EXPECT_TRUE(contains(usage_error_of([&] { attack(spec)(net, samples, away_from(samples.labels)); }), "target"));
  }
}

TEST(AttackMadeInCode, RefusesAnEpsThatTheRangeOfTheDataCannotHold) {
  const data::Box box{0, 1};
  const Shape image{4, 4, 1};
  struct Row {
    std::string_view spec;
    bool good;
  };
  constexpr std::array table{
      Row{"fgsm:eps=1", true},
      Row{"fgsm:eps=1.0000001", false},
      Row{"fgsm:eps=8", false},
      Row{"fgsm:eps=4,norm=l2", true},
      Row{"fgsm:eps=4.001,norm=l2", false},
      Row{"fgsm:eps=16,norm=l1", true},
      Row{"fgsm:eps=17,norm=l1", false},
      Row{"fgsm:eps=0.5,clip_min=0.25,clip_max=0.75", true},
      Row{"fgsm:eps=0.6,clip_min=0.25,clip_max=0.75", false},
      Row{"fgsm:eps=2,clip_min=-1", true},
      Row{"fgsm:eps=8,clip_max=inf", true},
      Row{"fgsm:eps=8,clip_min=-inf", true},
      Row{"fgsm@cleverhans-1.0.0:eps=8", true},
  };
  for (const Row& row : table) {
    SCOPED_TRACE(row.spec);
    if (row.good) {
      EXPECT_NO_THROW(attack(row.spec).budget(image, box));
    } else {
      const std::string message = usage_error_of([&] { attack(row.spec).budget(image, box); });
      EXPECT_TRUE(contains(message, parameter(attack(row.spec), "eps"))) << message;
    }
  }
  const std::string message = usage_error_of([&] { attack("fgsm:eps=8").budget(image, {0.5F, 2}); });
  EXPECT_TRUE(contains(message, "from 0.5 to 2")) << message;
  refusal(attacks::Fgsm{.eps = 8.0F}, false);
}

TEST(Goals, AreSelectedLikeSamples) {
  const std::array<std::size_t, 3> which{2, 0, 2};
  EXPECT_EQ(towards(std::vector<int>{4, 5, 6}).select(which).classes, (std::vector<int>{6, 4, 6}));
  EXPECT_EQ(towards(7).select(which).classes, (std::vector<int>{7, 7, 7}));
  EXPECT_TRUE(towards(7).select(which).targeted);
  EXPECT_FALSE(away_from({1, 2, 3}).select(which).targeted);
}

}  // namespace
}  // namespace hans::attack_registry_test
