// The fast gradient sign method against closed forms, and its steps at the edge of ball and box.
#include <hans/attacks/fgsm.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include <hans/attacks/ball.hpp>
#include <hans/attacks/judge.hpp>
#include <hans/autodiff/ops.hpp>
#include "attacks_testing.hpp"

namespace hans::fgsm_test {
namespace {

using namespace testing_attacks;
using attacks::Attack;
using attacks::Crafted;
using attacks::Fgsm;
using attacks::Norm;
using attacks::Stop;

/// Samples of the given features, one label each.
data::Samples samples_of(const Shape& image, const std::vector<real>& features, const std::vector<int>& labels) {
  data::Samples samples{Tensor(image.with_front(labels.size()), features), labels, {}, {}};
  for (std::size_t i = 0; i < labels.size(); ++i) samples.index.push_back(static_cast<std::uint32_t>(i));
  return samples;
}

std::vector<real> values(const Tensor& images) { return {images.values().begin(), images.values().end()}; }

// Two classes: the gradient of label 0's loss is p_1 * (w_1 - w_0), whose signs are those of the difference.
const Shape line{1, 4, 1};
const std::vector<real> two_classes{1, -1, 0.5, 2, 0.25, 0.25, -3, 3};  // w_1 - w_0 = -2, 1.5, 0, 6

TEST(Fgsm, TakesTheSignOfTheDifferenceOfTwoWeights) {
  const nn::Sequential net = linear_model(line, 2, two_classes, {0, 0});
  const std::vector<real> x{0.5, 0.5, 0.5, 0.5};
  const data::Samples first = samples_of(line, x, {0});
  const data::Samples second = samples_of(line, x, {1});
  const Attack quarter = Fgsm{.eps = 0.25F};
  EXPECT_EQ(values(quarter(net, first, away_from({0})).images), (std::vector<real>{0.25, 0.75, 0.5, 0.75}));
  EXPECT_EQ(values(quarter(net, second, away_from({1})).images), (std::vector<real>{0.75, 0.25, 0.5, 0.25}));
  EXPECT_EQ(values(quarter(net, first, towards(0)).images), (std::vector<real>{0.75, 0.25, 0.5, 0.25}));
  EXPECT_EQ(values(quarter(net, first, towards(1)).images), (std::vector<real>{0.25, 0.75, 0.5, 0.75}));
}

TEST(Fgsm, TakesNormedStepsInTheOtherNorms) {
  const nn::Sequential net = linear_model(line, 2, two_classes, {0, 0});
  const data::Samples one = samples_of(line, {0.5, 0.5, 0.5, 0.5}, {0});
  // |(-2, 1.5, 0, 6)| = 6.5
  const Tensor l2 = Attack(Fgsm{.eps = 0.325F, .norm = Norm::l2})(net, one, away_from({0})).images;
  const std::array<double, 4> expected{0.5 - 0.1, 0.5 + 0.075, 0.5, 0.5 + 0.3};
  for (std::size_t k = 0; k < 4; ++k) EXPECT_NEAR(l2.data()[k], expected[k], 1e-6);
  EXPECT_EQ(l2.data()[2], 0.5F);
  EXPECT_EQ(values(Attack(Fgsm{.eps = 0.25F, .norm = Norm::l1})(net, one, away_from({0})).images),
            (std::vector<real>{0.5, 0.5, 0.5, 0.75}));
  EXPECT_EQ(values(Attack(Fgsm{.eps = 0.25F, .norm = Norm::l1})(net, one, towards(0)).images),
            (std::vector<real>{0.5, 0.5, 0.5, 0.25}));
  EXPECT_EQ(values(Attack(Fgsm{.eps = 3.0F, .norm = Norm::l1})(net, one, away_from({0})).images),
            (std::vector<real>{0.5, 0.5, 0.5, 1}));  // ends at the box
}

TEST(Fgsm, L1TakesTheFirstOfEqualGradients) {
  const nn::Sequential net = linear_model(line, 2, {0, 1, 3, 0, 0, 3, 3, 0}, {0, 0});  // differences 1, -3, 3, -3
  const data::Samples one = samples_of(line, {0.5, 0.5, 0.5, 0.5}, {0});
  EXPECT_EQ(values(Attack(Fgsm{.eps = 0.25F, .norm = Norm::l1})(net, one, away_from({0})).images),
            (std::vector<real>{0.5, 0.25, 0.5, 0.5}));
}

TEST(Fgsm, FollowsTheGradientOfManyClasses) {
  Stream stream(3, "weights");
  std::vector<real> weights(90);
  stream.normals(weights);
  const nn::Sequential model = linear_model({3, 3, 2}, 5, weights, {0.5, 0, -0.5, 0, 0.25});
  const data::Samples samples = random_samples(model.input(), 20, 5, 4);
  const Tensor made = Attack(Fgsm{.eps = 0.125F, .clip_min = -infinity, .clip_max = infinity})(
                          model, samples, away_from(samples.labels))
                          .images;
  Tape tape;
  const Tensor logits = model.logits(tape.constant(samples.images)).value();
  std::size_t compared = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    std::array<double, 5> p{};
    double total = 0;
    for (std::size_t j = 0; j < 5; ++j) total += p[j] = std::exp(static_cast<double>(logits.data()[i * 5 + j]));
    for (std::size_t k = 0; k < 18; ++k) {
      double gradient = 0;
      for (std::size_t j = 0; j < 5; ++j) {
        const double wanted = samples.labels[i] == static_cast<int>(j) ? 1 : 0;
        gradient += (p[j] / total - wanted) * static_cast<double>(weights[k * 5 + j]);
      }
      if (std::abs(gradient) < 1e-5) continue;
      ++compared;
      const real change = made.data()[i * 18 + k] - samples.images.data()[i * 18 + k];
      EXPECT_NEAR(change, gradient > 0 ? 0.125 : -0.125, 1e-6);
    }
  }
  EXPECT_GT(compared, 300U);
}

TEST(Fgsm, NeedsExactlyTheMarginOverTheL1NormOfTheDifference) {
  // Logits 0 and -1 at the original, w_1 - w_0 has l1 norm 8: eps > 1/8 flips the prediction and eps < 1/8 cannot.
  const nn::Sequential net = linear_model({1, 2, 1}, 2, {0, 5, 0, -3}, {0, -2});
  const data::Samples one = samples_of({1, 2, 1}, {0.5, 0.5}, {0});
  for (const float eps : {0.12F, 0.13F}) {
    const Attack fgsm = Fgsm{.eps = eps};
    const Tensor made = fgsm(net, one, away_from({0})).images;
    const auto outcome = attacks::judge(net, one, made, away_from({0}), fgsm.budget(net.input(), one.box));
    EXPECT_EQ(outcome.findings[0].success, eps > 0.125F);
  }
}

TEST(Fgsm, SeesTheGradientOfAnExtremelyConfidentModel) {
  // Logits 40 and 0: p_0 rounds to 1 and the usual p - 1 to 0, but exp(-40) is a number.
  const nn::Sequential net = linear_model({1, 2, 1}, 2, {1, 0, -2, 0}, {40, 0});
  const data::Samples one = samples_of({1, 2, 1}, {0.5, 0.25}, {0});
  Tape tape;
  const Tensor p = softmax(net.logits(tape.constant(one.images))).value();
  ASSERT_EQ(p.data()[0] - 1, 0);
  const Crafted made = Attack(Fgsm{.eps = 0.125F})(net, one, away_from({0}));
  EXPECT_EQ(values(made.images), (std::vector<real>{0.375, 0.375}));
  EXPECT_GT(made.notes[0].gradient_norm, 0);
  EXPECT_EQ(made.notes[0].stop, Stop::finished);
}

TEST(Fgsm, NotesAZeroGradient) {
  const FunctionModel flat({1, 2, 1}, 2, [](std::span<const real>) { return std::vector<real>{1, 0}; });
  const data::Samples one = samples_of({1, 2, 1}, {0.5, -0.0F}, {0});
  for (const Norm norm : {Norm::linf, Norm::l2, Norm::l1}) {
    const Crafted made = Attack(Fgsm{.eps = 0.125F, .norm = norm})(flat, one, away_from({0}));
    EXPECT_TRUE(identical(made.images, one.images));
    EXPECT_EQ(made.notes[0].stop, Stop::zero_gradient);
    EXPECT_EQ(made.notes[0].gradient_norm, 0);
    EXPECT_NEAR(made.notes[0].loss, std::log(1 + std::exp(-1.0)), 1e-6);
  }
}

TEST(Fgsm, NotesLossAndGradient) {
  const nn::Sequential net = linear_model(line, 2, two_classes, {0, 0});
  const data::Samples one = samples_of(line, {0.5, 0.5, 0.5, 0.5}, {0});
  const attacks::Note note = Attack(Fgsm{.eps = 0.25F})(net, one, away_from({0})).notes[0];
  const double margin = (-2 + 1.5 + 6) / 2;  // logit 1 minus logit 0
  EXPECT_NEAR(note.loss, std::log(1 + std::exp(margin)), 1e-5);
  EXPECT_NEAR(note.gradient_norm, 6 / (1 + std::exp(-margin)), 1e-5);
  EXPECT_EQ(note.steps, 1U);
}

TEST(Fgsm, MovesAwayFromTheLabelOrFromTheModelsOwnPrediction) {
  const nn::Sequential net = linear_model(line, 2, two_classes, {0, 0});
  const data::Samples wrong = samples_of(line, {0.5, 0.5, 0.5, 0.5}, {0});  // the model says 1
  const std::vector<real> away_from_0{0.25, 0.75, 0.5, 0.75};
  const std::vector<real> away_from_1{0.75, 0.25, 0.5, 0.25};
  const auto made = [&](std::optional<attacks::Label> label, const attacks::Goal& goal) {
    return values(Attack(Fgsm{.eps = 0.25F, .label = label})(net, wrong, goal).images);
  };
  EXPECT_EQ(made({}, away_from({0})), away_from_0);
  EXPECT_EQ(made(attacks::Label::data, away_from({0})), away_from_0);
  EXPECT_EQ(made(attacks::Label::model, away_from({0})), away_from_1);
  EXPECT_EQ(made(attacks::Label::model, towards(0)), away_from_1);  // a target is a target
  EXPECT_EQ(made(attacks::Label::model, towards(1)), away_from_0);
}

TEST(Fgsm, ClipsAtOneEndAlone) {
  const nn::Sequential net = linear_model(line, 2, two_classes, {0, 0});
  const data::Samples one = samples_of(line, {0.125, 0.875, 0, 0.5}, {0});
  const auto made = [&](std::optional<float> low, std::optional<float> high) {
    return values(Attack(Fgsm{.eps = 0.25F, .clip_min = low, .clip_max = high})(net, one, away_from({0})).images);
  };
  EXPECT_EQ(made({}, {}), (std::vector<real>{0, 1, 0, 0.75}));
  EXPECT_EQ(made({}, infinity), (std::vector<real>{0, 1.125, 0, 0.75}));
  EXPECT_EQ(made(-infinity, {}), (std::vector<real>{-0.125, 1, 0, 0.75}));
  EXPECT_EQ(made(-infinity, 0.75F), (std::vector<real>{-0.125, 0.75, 0, 0.75}));
  EXPECT_EQ(made(-infinity, infinity), (std::vector<real>{-0.125, 1.125, 0, 0.75}));
}

TEST(Fgsm, RefusesWhatIsNotANumber) {
  const FunctionModel broken({1, 2, 1}, 2, [](std::span<const real>) { return std::vector<real>{not_a_number, 0}; });
  const data::Samples one = samples_of({1, 2, 1}, {0.5, 0.5}, {0});
  for (const attacks::Label label : {attacks::Label::data, attacks::Label::model}) {
    EXPECT_THROW((Attack(Fgsm{.eps = 0.125F, .label = label})(broken, one, away_from({0}))), Error);
  }
}

// --- steps ------------------------------------------------------------------------------------------------

TEST(StepInBall, StaysInsideExactlyAndUsesWhatItMay) {
  const std::size_t n = 784;
  Stream stream(8, "gradients");
  std::vector<real> gradient(n);
  std::vector<real> image(n);
  std::vector<real> original(n);
  for (std::uint32_t round = 0; round < 6; ++round) {
    stream.normals(gradient);
    if (round > 2) {
      for (real& g : gradient) g *= g * g * g * g * 1e-6F;  // of very different sizes
    }
    for (std::size_t k = 0; k < n; ++k) {
      const std::uint32_t kind = stream.below(4);
      original[k] = kind == 0 ? 0 : kind == 1 ? 1 : static_cast<real>(stream.below(256)) / real{255};
    }
    for (const real eps : {0.3F, 0.1F, 8 / 255.0F, 1.0F, 1e-3F, 1e-4F, 1e-6F, 3e-8F, 0.0F}) {
      for (const Norm norm : {Norm::linf, Norm::l2, Norm::l1}) {
        for (const float end : {1.0F, infinity}) {
          const data::Box clip{1 - end, end};
          attacks::step_in_ball(original, gradient, norm, eps, clip, image);
          const attacks::Distances found = attacks::distances(original, image);
          ASSERT_LE(found.of(norm), static_cast<double>(eps)) << eps << ' ' << static_cast<int>(norm);
          ASSERT_TRUE(std::ranges::all_of(image, [&](real x) { return x >= clip.lo && x <= clip.hi; }));
          if (end == infinity && eps >= 1e-4F) {
            ASSERT_GE(found.of(norm), 0.99 * static_cast<double>(eps)) << static_cast<int>(norm);
          }
          if (eps == 0) {
            ASSERT_EQ(found.l0, 0U);
          }
        }
      }
    }
  }
}

TEST(StepInBall, GoesTheOtherWayForTheOtherGradient) {
  const std::vector<real> original{0.5, 0.5, 0.5};
  const std::vector<real> gradient{1, -2, 0};
  const std::vector<real> other{-1, 2, 0};
  std::vector<real> up(3);
  std::vector<real> down(3);
  for (const Norm norm : {Norm::linf, Norm::l2, Norm::l1}) {
    attacks::step_in_ball(original, gradient, norm, 0.25F, {0, 1}, up);
    attacks::step_in_ball(original, other, norm, 0.25F, {0, 1}, down);
    for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(up[k] - original[k], original[k] - down[k], 1e-7);
  }
  EXPECT_THROW(attacks::step_in_ball(original, gradient, Norm::l0, 0.25F, {0, 1}, up), Error);
}

TEST(StepInBall, RefusesAnInfiniteGradientWhereItHasNoDirection) {
  const std::vector<real> original{0.5, 0.5};
  const std::vector<real> gradient{infinity, 1};
  std::vector<real> image(2);
  attacks::step_in_ball(original, gradient, Norm::linf, 0.25F, {0, 1}, image);
  EXPECT_EQ(image, (std::vector<real>{0.75, 0.75}));
  EXPECT_THROW(attacks::step_in_ball(original, gradient, Norm::l2, 0.25F, {0, 1}, image), Error);
}

TEST(Within, IsTheLastNumberOfTheBall) {
  Stream stream(9, "numbers");
  for (int round = 0; round < 20000; ++round) {
    const real original = round % 3 == 0 ? static_cast<real>(stream.below(256)) / 255 : stream.uniform() * 2 - 1;
    const real eps = stream.uniform() * (round % 2 == 0 ? 0.5F : 1e-6F);
    const real wanted = original + (round % 5 < 2 ? -1 : 1) * stream.uniform();
    const auto far = [&](real value) {
      return std::abs(static_cast<double>(value) - static_cast<double>(original)) > static_cast<double>(eps);
    };
    const real found = attacks::within(original, wanted, static_cast<double>(eps));
    ASSERT_FALSE(far(found));
    if (far(wanted)) {
      ASSERT_TRUE(far(std::nextafter(found, wanted))) << original << ' ' << wanted << ' ' << eps;
    } else {
      ASSERT_EQ(found, wanted);
    }
  }
  EXPECT_EQ(attacks::within(0, 1e30F, 0.3F), 0.3F);  // in one go, not number by number
  EXPECT_TRUE(std::signbit(attacks::within(-0.0F, 0.0F, 0.3F)));
}

}  // namespace
}  // namespace hans::fgsm_test
