// What holds for every attack, and the registry they are looked up in.
#include <hans/attacks/attack.hpp>

#include <gtest/gtest.h>

#include <algorithm>

#include <hans/attacks/fgsm.hpp>
#include <hans/attacks/jsma.hpp>
#include <hans/attacks/judge.hpp>
#include <hans/autodiff/grad.hpp>
#include <hans/core/kernels.hpp>
#include <hans/core/parallel.hpp>
#include <hans/nn/evaluate.hpp>
#include "attack_table.hpp"
#include "attacks_testing.hpp"

namespace hans::attacks_test {
namespace {

using namespace testing_attacks;
using attacks::Attack;
using attacks::Crafted;
using attacks::Goal;

/// Thousands of passes: for a few samples only.
bool is_heavy(std::string_view spec) { return spec.starts_with("autoattack"); }

/// Calls `body(attack, net, samples, goal)` for every attack and every model.
template <class Body>
void for_all(std::size_t count, const Body& body) {
  const std::vector<nn::Sequential> models = small_models();
  const data::Samples samples = random_samples(models[0].input(), count, models[0].classes(), 11);
  for (const std::string_view spec : specs) {
    if (is_heavy(spec) && count > 5) continue;
    const Attack made = attack(spec);
    for (const nn::Sequential& net : models) {
      SCOPED_TRACE(text(spec, " on ", net.architecture()));
      body(made, net, samples, goal_for(made, samples.labels, net.classes()));
    }
  }
}

bool same_notes(const attacks::Note& a, const attacks::Note& b) {
  return a.stop == b.stop && a.steps == b.steps && a.loss == b.loss && a.gradient_norm == b.gradient_norm;
}

/// Sample i of `part` got what sample `which[i]` of `whole` got.
void expect_same(const Crafted& part, std::span<const std::size_t> which, const Crafted& whole) {
  for (std::size_t i = 0; i < which.size(); ++i) {
    ASSERT_TRUE(identical(part.images.rows(i, 1), whole.images.rows(which[i], 1))) << which[i];
    ASSERT_TRUE(same_notes(part.notes[i], whole.notes[which[i]])) << which[i];
  }
}

TEST(EveryAttack, IsInTheTable) {
  for (const attacks::AttackInfo& info : attacks::list_attacks()) {
    const std::string name = text(info.name, info.version.empty() ? "" : "@", info.version, ':');
    EXPECT_TRUE(std::ranges::any_of(specs, [&](std::string_view spec) { return spec.starts_with(name); }))
        << "add a row " << name << "... to tests/attacks/attack_table.hpp";
    for (const FieldInfo& field : info.fields) {
      const std::string key = text(field.name, '=');
      EXPECT_TRUE(std::ranges::any_of(
          specs, [&](std::string_view spec) { return spec.starts_with(name) && contains(spec, key); }))
          << "give a row " << name << "... of tests/attacks/attack_table.hpp the parameter " << key;
    }
  }
}

TEST(EveryAttack, StaysInsideBallAndBoxAndDoesSomething) {
  for_all(24, [](const Attack& made, const nn::Sequential& net, const data::Samples& samples, const Goal& goal) {
    const attacks::Budget budget = made.budget(net.input(), samples.box);
    const Crafted crafted = made(net, samples, goal);
    ASSERT_EQ(crafted.images.shape(), samples.images.shape());
    ASSERT_EQ(crafted.notes.size(), samples.size());
    EXPECT_FALSE(identical(crafted.images, samples.images));
    EXPECT_EQ(budget.prediction_only, made.info().version == "cleverhans-1.0.0");
    const attacks::Outcome found = attacks::judge(net, samples, crafted.images, goal, budget);
    for (const attacks::Finding& finding : found.findings) {
      EXPECT_TRUE(finding.allowed) << finding.distance.linf << ' ' << finding.distance.l2 << ' ' << finding.distance.l0;
    }
  });
}

TEST(EveryAttack, ReturnsAnEqualCopyForABudgetOfNothing) {
  const std::vector<nn::Sequential> models = small_models();
  data::Samples samples = random_samples(models[0].input(), 5, models[0].classes(), 12);
  samples.images.mutable_data()[0] = -0.0F;  // equal means the same bits
  for (const std::string_view spec :
       {"fgsm:eps=0", "fgsm:eps=0,norm=l2", "fgsm:eps=0,norm=l1", "jsma:gamma=0", "jsma:max_features=0",
        "jsma:max_features=1", "jsma:gamma=0,select=single", "jsma@cleverhans-1.0.0:theta=1,gamma=0"}) {
    const Attack made = attack(spec);
    for (const nn::Sequential& net : models) {
      SCOPED_TRACE(text(spec, " on ", net.architecture()));
      const Tensor before(samples.images.shape(), samples.images.values());
      Crafted crafted = made(net, samples, goal_for(made, samples.labels, net.classes()));
      EXPECT_TRUE(identical(crafted.images, samples.images));
      EXPECT_NE(crafted.images.data(), samples.images.data());
      crafted.images.mutable_data()[0] = 9;
      EXPECT_TRUE(identical(samples.images, before));
    }
  }
}

TEST(EveryAttack, GivesASampleTheSameWhateverItsNeighbours) {
  for_all(9, [](const Attack& made, const nn::Sequential& net, const data::Samples& samples, const Goal& goal) {
    const Crafted whole = made(net, samples, goal);
    std::uint64_t forwards = 0;
    std::uint64_t gradients = 0;
    for (std::size_t i = 0; i < samples.size(); ++i) {  // one by one
      const std::array<std::size_t, 1> only{i};
      const Crafted one = made(net, samples.select(only), goal.select(only));
      expect_same(one, only, whole);
      forwards += one.forwards;
      gradients += one.gradients;
    }
    EXPECT_EQ(forwards, whole.forwards);
    EXPECT_EQ(gradients, whole.gradients);
    const std::array<std::size_t, 10> shuffled{7, 2, 8, 0, 2, 5, 1, 3, 6, 4};  // one of them twice
    expect_same(made(net, samples.select(shuffled), goal.select(shuffled)), shuffled, whole);
  });
}

TEST(EveryAttack, GivesTheSameOverTheEndOfAnInnerBatch) {
  for_all(131, [](const Attack& made, const nn::Sequential& net, const data::Samples& samples, const Goal& goal) {
    std::vector<std::size_t> done;
    const Crafted whole = made(net, samples, goal, {0, [&](std::size_t count) { done.push_back(count); }, nullptr});
    ASSERT_FALSE(done.empty());
    EXPECT_EQ(done.back(), samples.size());
    EXPECT_TRUE(std::ranges::is_sorted(done));
    const std::array<std::size_t, 5> some{130, 126, 127, 128, 129};
    expect_same(made(net, samples.select(some), goal.select(some)), some, whole);
  });
}

TEST(EveryAttack, UsesAGivenTapeLikeItsOwn) {
  Tape tape;  // one for all attacks and models
  for_all(4, [&](const Attack& made, const nn::Sequential& net, const data::Samples& samples, const Goal& goal) {
    const Crafted own = made(net, samples, goal);
    EXPECT_TRUE(identical(made(net, samples, goal, {0, {}, &tape}).images, own.images));
    EXPECT_EQ(tape.operations(), 0U);
  });
}

TEST(DeterminismOfEveryAttack, SameBitsForAllThreadsAndKernels) {
  const std::size_t threads_before = thread_count();
  const std::string kernels_before(kernels::selected());
  for_all(9, [](const Attack& made, const nn::Sequential& net, const data::Samples& samples, const Goal& goal) {
    set_thread_count(1);
    kernels::select("portable");
    const Crafted first = made(net, samples, goal);
    for (const std::string& name : kernels::available()) {
      kernels::select(name);
      for (const std::size_t threads : {1U, 2U, 3U}) {
        set_thread_count(threads);
        EXPECT_TRUE(identical(made(net, samples, goal).images, first.images)) << name << ' ' << threads;
      }
    }
  });
  kernels::select(kernels_before);
  set_thread_count(threads_before);
}

TEST(EveryAttack, LeavesTheModelAndTheSamplesAlone) {
  for_all(5, [](const Attack& made, const nn::Sequential& net, const data::Samples& samples, const Goal& goal) {
    std::vector<Tensor> before;
    for (const Tensor& weight : net.weights()) before.emplace_back(weight.shape(), weight.values());
    const Tensor images(samples.images.shape(), samples.images.values());
    made(net, samples, goal);
    for (std::size_t w = 0; w < before.size(); ++w) EXPECT_TRUE(identical(before[w], net.weights()[w]));
    EXPECT_TRUE(identical(images, samples.images));
  });
}

TEST(EveryAttack, WorksTheSameInsideATrainingStep) {
  for_all(5, [](const Attack& made, const nn::Sequential& net, const data::Samples& samples, const Goal& goal) {
    const Crafted outside = made(net, samples, goal);
    const auto gradients_of = [&](bool attacked) {
      Tape tape;
      std::vector<Tensor> gradients(net.weights().size());
      value_and_grads(
          tape,
          [&](std::span<const Var> weights) {
            const Var logits = net.forward(weights, tape.constant(samples.images));
            if (attacked) {
              EXPECT_TRUE(identical(made(net, samples, goal).images, outside.images));
            }
            return cross_entropy(logits, samples.labels);
          },
          net.weights(), Tensor::full({samples.size()}, 1), gradients);
      return gradients;
    };
    const std::vector<Tensor> with = gradients_of(true);
    const std::vector<Tensor> without = gradients_of(false);
    for (std::size_t w = 0; w < with.size(); ++w) EXPECT_TRUE(identical(with[w], without[w]));
  });
}

TEST(EveryAttack, LowersTheLossOfItsTarget) {
  for_all(12, [](const Attack& made, const nn::Sequential& net, const data::Samples& samples, const Goal&) {
    if (!made.info().takes_targets || parameter(made, "loss") == "kl") {
      EXPECT_TRUE(contains(usage_error_of([&] { made(net, samples, towards(1)); }), "takes no target"));
      return;
    }
    if (made.info().knowledge == attacks::Knowledge::labels) return;  // it cannot know
    const std::vector<int> targets = next_classes(samples.labels, net.classes());
    const auto loss = [&](const Tensor& images) {
      Tape tape;
      double total = 0;
      for (const real one : cross_entropy(net.logits(tape.constant(images)), targets).value().values()) total += one;
      return total;
    };
    EXPECT_LT(loss(made(net, samples, towards(targets)).images), loss(samples.images));
  });
}

TEST(EveryAttack, CountsWhatItPutsThroughTheModel) {
  for_all(3, [](const Attack& made, const nn::Sequential& net, const data::Samples& samples, const Goal& goal) {
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const std::array<std::size_t, 1> only{i};
      const CountingModel counting(net);
      const Crafted crafted = made(counting, samples.select(only), goal.select(only));
      EXPECT_EQ(crafted.forwards, counting.forwards());
      EXPECT_EQ(crafted.gradients, counting.gradients());
      EXPECT_GE(crafted.forwards, 1U) << "an attack asks the model at least once";
    }
  });
}

TEST(EveryAttack, TakesNoSamplesToo) {
  for_all(3, [](const Attack& made, const nn::Sequential& net, const data::Samples& samples, const Goal& goal) {
    const Crafted none = made(net, samples.rows(0, 0), goal.select({}));
    EXPECT_EQ(none.images.shape(), net.input().with_front(0));
    EXPECT_TRUE(none.notes.empty());
    EXPECT_EQ(none.forwards + none.gradients, 0U);
  });
}

TEST(EveryAttack, TellsHowFarItIsAndNothingTwice) {
  for_all(300, [](const Attack& made, const nn::Sequential& net, const data::Samples& samples, const Goal& goal) {
    std::vector<std::size_t> told;
    (void)made(net, samples, goal, {0, [&](std::size_t done) { told.push_back(done); }});
    ASSERT_FALSE(told.empty());
    EXPECT_EQ(told.back(), samples.size());
    EXPECT_TRUE(std::ranges::is_sorted(told));
    EXPECT_EQ(std::ranges::count(told, samples.size()), 1);
  });
}

TEST(Composite, TellsOnceThatTheLastOneFooledAll) {
  const nn::Sequential net = small_models()[1];
  data::Samples samples = random_samples(net.input(), 30, net.classes(), 11);
  samples.labels = nn::predict(net, samples.images);
  for (const std::string_view spec : {"composite:attacks=[noise:eps=1]/[pgd:eps=1]", "composite:attacks=[pgd:eps=1]"}) {
    std::vector<std::size_t> told;
    (void)attack(spec)(net, samples, away_from(samples.labels), {0, [&](std::size_t done) { told.push_back(done); }});
    EXPECT_EQ(std::ranges::count(told, samples.size()), 1) << spec;
    EXPECT_EQ(told.back(), samples.size());
  }
}

TEST(EveryAttack, TakesOneGoalForAllAndRefusesOthers) {
  for_all(3, [](const Attack& made, const nn::Sequential& net, const data::Samples& samples, const Goal& goal) {
    const Goal one{goal.targeted, {2}};
    const Goal three{goal.targeted, {2, 2, 2}};
    EXPECT_TRUE(identical(made(net, samples, one).images, made(net, samples, three).images));
    EXPECT_THROW(made(net, samples, Goal{goal.targeted, {0, 1}}), Error);
    EXPECT_THROW(made(net, samples, Goal{goal.targeted, {}}), Error);
    EXPECT_THROW(made(net, samples, Goal{goal.targeted, {4}}), Error);
    EXPECT_THROW(made(net, samples, Goal{goal.targeted, {-1}}), Error);
    data::Samples other = samples;
    other.images = samples.images.reshaped({3, 36, 1, 1});
    EXPECT_THROW(made(net, other, goal), Error);
  });
}

TEST(EveryAttack, TakesTheBoxFromTheSamples) {
  for_all(6, [](const Attack& made, const nn::Sequential& net, const data::Samples& samples, const Goal& goal) {
    const bool own_box = !(parameter(made, "clip_min") + parameter(made, "clip_max")).empty();
    if (own_box || made.info().version == "cleverhans-1.0.0") return;
    data::Samples inner = samples;
    inner.box = {0.25F, 0.625F};
    for (real& pixel : inner.images.mutable_values()) pixel = real{0.25F} + pixel * real{0.375F};
    if (parameter(made, "eps") == "3") return;  // wider than the box
    const Crafted crafted = made(net, inner, goal);
    const attacks::Budget budget = made.budget(net.input(), inner.box);
    EXPECT_EQ(budget.box.lo, 0.25F);
    EXPECT_EQ(budget.box.hi, 0.625F);
    for (const attacks::Finding& finding : attacks::judge(net, inner, crafted.images, goal, budget).findings) {
      EXPECT_TRUE(finding.allowed);
    }
    const Attack resolved = made.resolved(inner.box);
    const std::vector<FieldInfo> fields = made.info().fields;
    const std::string name = made.info().name;
    const bool left_open = name == "pgd" || name == "apgd" || name == "square";  // whose SPECs are older than these
    if (std::ranges::any_of(fields, [](const FieldInfo& field) { return field.name == "clip_min"; })) {
      EXPECT_EQ(parameter(resolved, "clip_min"), left_open ? "" : "0.25");
      EXPECT_EQ(parameter(resolved, "clip_max"), left_open ? "" : "0.625");
    }
    EXPECT_TRUE(identical(resolved(net, inner, goal).images, crafted.images));
    resolved(net, samples, goal);  // outside its box: as good as it can, and no slower
  });
}

}  // namespace
}  // namespace hans::attacks_test
