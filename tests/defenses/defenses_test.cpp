// Adversarial training: its loss by hand, what its examples are crafted from, and its SPEC.
#include <hans/defenses/adversarial.hpp>

#include <gtest/gtest.h>

#include <algorithm>

#include <hans/attacks/fgsm.hpp>
#include <hans/attacks/jsma.hpp>
#include <hans/autodiff/grad.hpp>
#include <hans/nn/fit.hpp>
#include "../attacks/attacks_testing.hpp"

namespace sample {

using namespace hans;

/// What a recording attack saw and made.
struct Record {
  std::vector<Tensor> images;
  std::vector<attacks::Goal> goals;
  std::vector<std::optional<attacks::Label>> labels;
};

/// FGSM that writes down what it is asked for.
struct Recorder {
  Required<float> eps;
  std::optional<attacks::Label> label = {};
  std::shared_ptr<Record> record = nullptr;

  static constexpr std::string_view name = "recorder";
  static constexpr std::string_view meaning = "records";
  static constexpr std::string_view paper = "none";
  static constexpr auto fields() {
    return std::tuple(field("eps", &Recorder::eps, "size"), field("label", &Recorder::label, "which label"));
  }
  attacks::Crafted operator()(const nn::Classifier& model, const data::Samples& samples, const attacks::Goal& goal,
                              const attacks::CraftOptions& options = {}) const {
    attacks::Crafted made = attacks::Attack(attacks::Fgsm{.eps = eps, .label = label})(model, samples, goal, options);
    record->images.push_back(made.images);
    record->goals.push_back(goal);
    record->labels.push_back(label);
    return made;
  }
  attacks::Budget budget(const Shape&, data::Box box) const { return {attacks::Norm::linf, eps, box, false}; }
  Recorder resolved(data::Box) const { return *this; }
};

}  // namespace sample

namespace hans::defenses_test {
namespace {

using namespace testing_attacks;
using attacks::Attack;
using attacks::Fgsm;
using attacks::Label;
using defenses::Adversarial;
using defenses::Defense;
using sample::Record;
using sample::Recorder;

const Shape image{3, 3, 1};

nn::Sequential network() {
  return nn::Sequential::parse("3x3x1;flatten;linear:units=6;relu;dropout:rate=0.5;linear:units=3", Rng(2));
}

/// The losses, and the gradients of their sum with respect to the weights, of one step under dropout.
struct Step {
  Tensor losses;
  std::vector<Tensor> gradients;
};
Step step(const nn::Sequential& net, const data::Samples& batch, const nn::Loss& loss, std::uint32_t number = 4) {
  Tape tape, aside;
  nn::Kept kept;
  const Rng rng(9);
  const DropoutKeys keys{rng, number, batch.index};
  const nn::Mode mode{&keys};
  Step made;
  made.gradients.resize(net.weights().size());
  made.losses = value_and_grads(
      tape,
      [&](std::span<const Var> weights) {
        return loss({{net, batch, aside, rng, number, 20, kept}, weights, mode, tape});
      },
      net.weights(), Tensor::full({batch.size()}, 1), made.gradients);
  return made;
}

TEST(AdversarialTraining, AveragesCleanAndAttackedLoss) {
  const nn::Sequential net = network();
  const data::Samples batch = random_samples(image, 7, 3, 51);
  const Tensor attacked = Attack(Fgsm{.eps = 0.3F, .label = Label::model})(net, batch, away_from(batch.labels)).images;
  for (const float smoothing : {0.0F, 0.1F}) {
    const Step clean = step(net, batch, nn::cross_entropy_loss(smoothing));
    const Step other = step(net, batch, nn::Loss("by hand", [&](const nn::TrainStep& now) {
                              return cross_entropy(now.logits(attacked), batch.labels, smoothing);
                            }));
    EXPECT_FALSE(identical(clean.losses, other.losses));
    for (const float weight : {0.0F, 0.25F, 0.5F, 1.0F}) {
      const Step found = step(net, batch, defenses::adversarial_training(Fgsm{.eps = 0.3F}, {weight, smoothing}));
      for (std::size_t i = 0; i < batch.size(); ++i) {
        const real expected = clean.losses.data()[i] * weight + other.losses.data()[i] * (1 - weight);
        EXPECT_EQ(found.losses.data()[i], expected) << weight;
      }
      // The attack itself is not differentiated: the attacked images are constants.
      for (std::size_t w = 0; w < net.weights().size(); ++w) {
        for (std::size_t k = 0; k < net.weights()[w].size(); ++k) {
          const real expected = clean.gradients[w].data()[k] * weight + other.gradients[w].data()[k] * (1 - weight);
          EXPECT_NEAR(found.gradients[w].data()[k], expected, 2e-6);
        }
      }
    }
  }
}

TEST(AdversarialTraining, IsHalfAndHalfUnlessToldOtherwise) {
  const nn::Sequential net = network();
  const data::Samples batch = random_samples(image, 4, 3, 52);
  const auto losses = [&](const nn::Loss& loss) { return step(net, batch, loss).losses; };
  const Tensor half = losses(defenses::adversarial_training(Fgsm{.eps = 0.3F}, {0.5F, 0.1F}));
  EXPECT_TRUE(identical(losses(defenses::adversarial_training(Fgsm{.eps = 0.3F})), half));
  EXPECT_TRUE(identical(losses(Defense(Adversarial{Fgsm{.eps = 0.3F}})), half));
  EXPECT_TRUE(identical(losses(Defense::from_spec(Spec::parse("adversarial:attack=[fgsm:eps=0.3]"))), half));
}

TEST(AdversarialTraining, CraftsInEvaluationFromTheWeightsAsTheyStand) {
  nn::Sequential net = network();
  const data::Samples batch = random_samples(image, 5, 3, 53);
  const auto record = std::make_shared<Record>();
  const nn::Loss loss = defenses::adversarial_training(Recorder{.eps = 0.3F, .record = record});
  const auto expect_last = [&] {
    const Attack fgsm = Fgsm{.eps = 0.3F, .label = Label::model};
    EXPECT_TRUE(identical(record->images.back(), fgsm(net, batch, away_from(batch.labels)).images));
  };
  const Step first = step(net, batch, loss, 0);
  expect_last();
  const Step second = step(net, batch, loss, 1);  // other features are dropped, the same images are made
  expect_last();
  EXPECT_FALSE(identical(first.losses, second.losses));
  EXPECT_TRUE(identical(record->images[0], record->images[1]));
  for (Tensor& weight : net.mutable_weights()) {
    for (real& w : weight.mutable_values()) w = -w;
  }
  step(net, batch, loss, 2);
  expect_last();
  EXPECT_FALSE(identical(record->images[1], record->images[2]));
}

TEST(AdversarialTraining, DoesNotLeakTheLabel) {
  const nn::Sequential net = network();
  const data::Samples batch = random_samples(image, 12, 3, 54);
  const auto made = [&](std::optional<Label> label) {
    const auto record = std::make_shared<Record>();
    step(net, batch, defenses::adversarial_training(Recorder{.eps = 0.3F, .label = label, .record = record}));
    EXPECT_EQ(record->labels.back(), label.value_or(Label::model));
    EXPECT_EQ(record->goals.back().classes, batch.labels);
    EXPECT_FALSE(record->goals.back().targeted);
    return record->images.back();
  };
  EXPECT_TRUE(identical(made({}), made(Label::model)));
  EXPECT_FALSE(identical(made({}), made(Label::data)));
  // Called directly the same attack goes by the data's label.
  EXPECT_TRUE(identical(made(Label::data), Attack(Fgsm{.eps = 0.3F})(net, batch, away_from(batch.labels)).images));
  EXPECT_EQ(text(Attack(Fgsm{.eps = 0.3F}).in_training().spec()), "fgsm:eps=0.3,norm=linf,label=model");
  EXPECT_EQ(text(Attack(Fgsm{.eps = 0.3F, .label = Label::data}).in_training().spec()),
            "fgsm:eps=0.3,norm=linf,label=data");
  EXPECT_EQ(Attack(attacks::Jsma{.gamma = 0.1F}).in_training().spec(), Attack(attacks::Jsma{.gamma = 0.1F}).spec());
}

TEST(AdversarialTraining, AimsAtTheNextClassWhereATargetIsNeeded) {
  const nn::Sequential net = network();
  const data::Samples batch = random_samples(image, 6, 3, 55);
  const Attack jsma = attacks::Jsma{.max_features = 2};
  const Tensor attacked = jsma(net, batch, towards(next_classes(batch.labels, 3))).images;
  const Step found = step(net, batch, defenses::adversarial_training(jsma, {0, 0}));
  const Step expected = step(net, batch, nn::Loss("by hand", [&](const nn::TrainStep& now) {
                               return cross_entropy(now.logits(attacked), batch.labels);
                             }));
  EXPECT_TRUE(identical(found.losses, expected.losses));
}

TEST(AdversarialTraining, TrainsToTheSameBitsTwice) {
  std::vector<float> pixels;
  std::vector<int> labels;
  const data::Samples samples = random_samples(image, 40, 3, 56);
  for (const real pixel : samples.images.values()) pixels.push_back(pixel);
  const data::Dataset data("random", image, pixels, samples.labels, 3);
  const auto trained = [&](const nn::Loss& loss) {
    nn::Sequential net = network();
    nn::fit(net, data, {.epochs = 2, .batch = 16, .loss = loss});
    return net;
  };
  const nn::Loss loss = defenses::adversarial_training(Fgsm{.eps = 0.2F});
  const nn::Sequential once = trained(loss);
  const nn::Sequential again = trained(loss);  // with the loss's memory used before
  const nn::Sequential plain = trained(nn::cross_entropy_loss());
  for (std::size_t w = 0; w < once.weights().size(); ++w) {
    EXPECT_TRUE(identical(once.weights()[w], again.weights()[w]));
    EXPECT_FALSE(identical(once.weights()[w], plain.weights()[w]));
  }
}

// --- SPECs ------------------------------------------------------------------------------------------------

TEST(Defenses, WriteWhatTheyRead) {
  struct Row {
    std::string_view written, canonical;
  };
  for (const Row& row :
       {Row{"adversarial:attack=[fgsm:eps=0.3]",
            "adversarial:attack=[fgsm:eps=0.3,norm=linf],clean_weight=0.5,smoothing=0.1"},
        Row{"adversarial:smoothing=0,clean_weight=0,attack=[fgsm:norm=l2,eps=3/2,label=data]",
            "adversarial:attack=[fgsm:eps=1.5,norm=l2,label=data],clean_weight=0,smoothing=0"},
        Row{"adversarial:attack=[fgsm@cleverhans-1.0.0:eps=0.3],clean_weight=1",
            "adversarial:attack=[fgsm@cleverhans-1.0.0:eps=0.3],clean_weight=1,smoothing=0.1"},
        Row{"adversarial:attack=[jsma:gamma=0.1]",
            "adversarial:attack=[jsma:gamma=0.1,theta=1,of=probabilities,select=pairs,retire=once],clean_weight=0."
            "5,smoothing=0.1"}}) {
    const auto read = [](std::string_view spec) { return hans::from_spec<Adversarial>(Spec::parse(spec)); };
    EXPECT_EQ(text(to_spec(read(row.written))), row.canonical);
    EXPECT_EQ(text(to_spec(read(row.canonical))), row.canonical);
  }
}

TEST(Defenses, RecordWhatTheyTrainWith) {
  const auto recorded = [](std::string_view spec, std::optional<float> smoothing = {}) {
    return nn::Loss(Defense::from_spec(Spec::parse(spec), smoothing)).spec();
  };
  for (const std::string_view spec :
       {"adversarial:attack=[fgsm:eps=0.3],smoothing=0", "adversarial:smoothing=0,attack=[fgsm:eps=0.3]"}) {
    EXPECT_EQ(recorded(spec), recorded("adversarial:attack=[fgsm:eps=0.3]", 0.0F));
  }
  EXPECT_EQ(recorded("adversarial:attack=[fgsm:eps=0.3]"),
            "adversarial:attack=[fgsm:eps=0.3,norm=linf,label=model],clean_weight=0.5 smoothing=0.1");
  EXPECT_EQ(recorded("adversarial:attack=[fgsm:eps=0.3,label=data]"),
            "adversarial:attack=[fgsm:eps=0.3,norm=linf,label=data],clean_weight=0.5 smoothing=0.1");
}

TEST(Defenses, AreListedAndRefuseTheRest) {
  const std::vector<defenses::DefenseInfo> all = defenses::list_defenses();
  ASSERT_FALSE(all.empty());
  EXPECT_EQ(all[0].name, "adversarial");
  EXPECT_EQ(std::ranges::count(all, "trades", &defenses::DefenseInfo::name), 1);
  ASSERT_EQ(all[0].fields.size(), 3U);
  EXPECT_TRUE(all[0].fields[0].required);
  EXPECT_EQ(all[0].fields[1].default_text, "0.5");
  struct Row {
    std::string_view spec, says;
  };
  for (const Row& row :
       {Row{"adversary:attack=[fgsm:eps=0.3]", "adversarial"},
        Row{"adversarial@2:attack=[fgsm:eps=0.3]", "adversarial"}, Row{"adversarial", "attack is missing"},
        Row{"adversarial:attack=[fgsm]", "eps is missing"}, Row{"adversarial:attack=[fgsm:eps=-1]", ">= 0"},
        Row{"adversarial:attack=[fgms:eps=0.3]", "fgsm, fgsm@cleverhans-1.0.0, r-fgsm, pgd"},
        Row{"adversarial:attack=[adversarial:attack=[fgsm:eps=0.3]]", "no attack"},
        Row{"adversarial:attack=fgsm", "eps is missing"}, Row{"adversarial:attack=[fgsm:eps=0.3", "bracket"},
        Row{"adversarial:attack=[fgsm:eps=0.3],clean_weight=1.1", "<= 1"},
        Row{"adversarial:attack=[fgsm:eps=0.3],clean_weight=nan", "clean_weight"},
        Row{"adversarial:attack=[fgsm:eps=0.3],weight=1", "clean_weight"}}) {
    SCOPED_TRACE(row.spec);
    const std::string message = usage_error_of([&] { (void)Defense::from_spec(Spec::parse(row.spec)); });
    EXPECT_TRUE(contains(message, row.says)) << message;
  }
}

TEST(Defenses, MadeInCodeAreCheckedToo) {
  for (const float bad : {not_a_number, -0.1F, 1.1F}) {
    EXPECT_TRUE(contains(usage_error_of([&] {
                           defenses::adversarial_training(Fgsm{.eps = 0.3F}, {bad, 0});
                         }),
                         "clean_weight"));
  }
  EXPECT_TRUE(contains(usage_error_of([&] { defenses::adversarial_training(Attack()); }), "attack"));
  for (const float bad : {not_a_number, -0.1F, 1.0F}) {
    EXPECT_TRUE(contains(usage_error_of([&] {
                           defenses::adversarial_training(Fgsm{.eps = 0.3F}, {0.5F, bad});
                         }),
                         "smoothing"));
  }
}

}  // namespace
}  // namespace hans::defenses_test
