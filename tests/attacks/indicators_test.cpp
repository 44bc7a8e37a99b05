// Verdicts: broken defences that report a good number must not get away with it, honest models must.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include <hans/attacks/autoattack.hpp>
#include <hans/attacks/composite.hpp>
#include <hans/attacks/eot.hpp>
#include <hans/attacks/fab.hpp>
#include <hans/attacks/fgsm.hpp>
#include <hans/attacks/hopskipjump.hpp>
#include <hans/attacks/pgd.hpp>
#include <hans/attacks/square.hpp>
#include <hans/autodiff/functions.hpp>
#include <hans/nn/evaluate.hpp>

#include "verdict_testing.hpp"

namespace hans::indicators_test {
namespace {

using namespace testing_verdicts;
using attacks::Fgsm;
using attacks::Norm;
using attacks::Pgd;

constexpr float eps = 0.1F;

/// Random numbers that no seed rules, from 0 to 1: what makes a model answer differently every time.
real drawn() {
  static std::atomic<std::uint32_t> calls{0};
  return Rng(7).stream("defence", calls++).uniform();
}

/// Does to every image what `change` does, without a gradient.
Var without_gradient(const Var& images, const std::function<void(std::span<const real> in, real* out)>& change) {
  const std::size_t features = images.shape().row_elements();
  Tensor made(images.shape());
  for (std::size_t i = 0; i < images.shape()[0]; ++i) {
    change(images.value().values().subspan(i * features, features), made.mutable_data() + i * features);
  }
  return images * real{0} + images.tape().constant(std::move(made));  // which no attack can refuse as cut off
}

/// Of 28 x 28: each pixel from `dx` to the right and `dy` below.
void shift(std::span<const real> in, real* out, int dx, int dy) {
  for (int y = 0; y < 28; ++y) {
    for (int x = 0; x < 28; ++x) {
      const int from_y = y + dy, from_x = x + dx;
      const bool inside = from_y >= 0 && from_y < 28 && from_x >= 0 && from_x < 28;
      *out++ = inside ? in[static_cast<std::size_t>(28 * from_y + from_x)] : 0;
    }
  }
}

/// Blocks of 4 x 4 as their mean, and what differs from it in coarse steps.
void blocks(std::span<const real> in, real* out) {
  for (std::size_t block = 0; block < 49; ++block) {
    const std::size_t corner = block / 7 * 4 * 28 + block % 7 * 4;
    real mean = 0;
    for (std::size_t k = 0; k < 16; ++k) mean += in[corner + k / 4 * 28 + k % 4] / 16;
    for (std::size_t k = 0; k < 16; ++k) {
      const std::size_t at = corner + k / 4 * 28 + k % 4;
      out[at] = std::round(mean * 8) / 8 + std::round((in[at] - mean) * 4) / 4;
    }
  }
}

/// Whether much of an image is nearly dark: what an attack leaves.
bool odd(std::span<const real> image) {
  return std::ranges::count_if(image, [](real x) { return x > 0.02F && x < 0.2F; }) > 200;
}

struct Defence {
  std::string_view name;
  Defended::Logits logits;
  std::string_view unmasked_by;  ///< an indicator that must speak
  bool refuses_pgd = false;      ///< which meets what is no number
  float size = eps;              ///< in which something is left to claim
};

TEST(SlowIndicators, EveryBrokenDefenceIsUnmasked) {
  const std::vector<Defence> defences{
      {"softmax at a temperature so low that its gradient is 0",
       [](const nn::Classifier& net, const Var& x) { return net.logits(x) * real{1000}; }, "zero_gradient"},
      {"distillation: logits as large as its temperature makes them",
       [](const nn::Classifier& net, const Var& x) { return net.logits(x) * real{40}; }, "zero_gradient"},
      {"input in 8 levels",
       [](const nn::Classifier& net, const Var& x) {
         return net.logits(without_gradient(x, [](auto in, real* out) {
           for (const real value : in) *out++ = std::round(value * 7) / 7;
         }));
       },
       "zero_gradient"},
      {"blocks and coarse steps, as JPEG has them",
       [](const nn::Classifier& net, const Var& x) { return net.logits(without_gradient(x, blocks)); },
       "zero_gradient"},
      {"a layer without gradient behind the network",
       [](const nn::Classifier& net, const Var& x) { return net.logits(x) * real{0} + round(net.logits(x) * real{4}); },
       "zero_gradient"},
      {"dropout left on",
       [](const nn::Classifier& net, const Var& x) {
         Tensor mask(x.shape());
         const real seed = drawn();
         Stream random = Rng(static_cast<std::uint64_t>(seed * 1e7F)).stream("mask");
         for (real& value : mask.mutable_values()) value = random.uniform() < 0.3F ? 0 : 1 / 0.7F;
         return net.logits(x * x.tape().constant(std::move(mask)));
       },
       "varies"},
      {"images moved at random",
       [](const nn::Classifier& net, const Var& x) {
         const int dx = static_cast<int>(drawn() * 5) - 2, dy = static_cast<int>(drawn() * 5) - 2;
         return net.logits(without_gradient(x, [&](auto in, real* out) { shift(in, out, dx, dy); }));
       },
       "varies"},
      {"noise without end",
       [](const nn::Classifier& net, const Var& x) {
         Tensor noise(x.shape());
         Rng(static_cast<std::uint64_t>(drawn() * 1e7F)).stream("noise").normals(noise.mutable_values());
         return net.logits(x + x.tape().constant(std::move(noise)) * 0.1F);
       },
       "varies"},
      {"probabilities called logits", [](const nn::Classifier& net, const Var& x) { return softmax(net.logits(x)); },
       "probabilities"},
      {"statistics of the batch: training mode",
       [](const nn::Classifier& net, const Var& x) {
         real sum = 0;
         for (const real value : x.value().values()) sum += value;
         return net.logits(x * (0.13F * static_cast<real>(x.value().size()) / sum));
       },
       "depends_on_others"},
      {"features clipped on one side",
       [](const nn::Classifier& net, const Var& x) { return net.logits(clamp(x, 0.08F, 1)); }, "start_matters"},
      {"a detector that abstains",
       [](const nn::Classifier& net, const Var& x) {
         const std::size_t features = x.shape().row_elements();
         Tensor verdict(Shape{x.shape()[0], 1});
         for (std::size_t i = 0; i < x.shape()[0]; ++i) {
           verdict.mutable_data()[i] =
               odd(x.value().values().subspan(i * features, features)) ? std::nanf("") : real{0};
         }
         return net.logits(x) + x.tape().constant(std::move(verdict));
       },
       "no_prediction", true},
      {"a detector that cleans what it finds odd",
       [](const nn::Classifier& net, const Var& x) {
         return net.logits(without_gradient(x, [](auto in, real* out) {
           const bool clean = odd(in);
           for (const real value : in) *out++ = clean && value < 0.3F ? 0 : value;
         }));
       },
       "zero_gradient"},
      {"a ripple in front of the network",
       [](const nn::Classifier& net, const Var& x) {
         Tensor ripple(x.shape());
         std::ranges::transform(x.value().values(), ripple.mutable_data(),
                                [](real value) { return 0.3F * std::sin(400 * value); });
         return net.logits(x + x.tape().constant(std::move(ripple)));
       },
       "rough_loss", false, 0.002F},
  };
  for (const Defence& defence : defences) {
    SCOPED_TRACE(defence.name);
    const Defended model(plain(), defence.logits);
    const Judged fgsm = judged(model, {Fgsm{.eps = defence.size}}, {}, 100, 3);
    EXPECT_GT(fgsm.judgement.verdict, Verdict::unchecked) << said(fgsm.number());
    EXPECT_NE(of(fgsm.number(), defence.unmasked_by), Verdict::reliable) << said(fgsm.number());
    if (defence.refuses_pgd) continue;
    const Pgd attack{.eps = defence.size};
    const bool random = defence.unmasked_by == "varies";  // other images are right each time
    const Judged pgd = random ? judged(model, {attack}, {}, 100, 3) : judged_as_well(fgsm, model, attack);
    EXPECT_GT(pgd.judgement.verdict, Verdict::unchecked) << said(pgd.number());
  }
}

TEST(SlowIndicators, TrainingOnOneStepIsUnmasked) {
  // With the label (which leaks into the image), and with the model's own prediction.
  for (const attacks::Label label : {attacks::Label::data, attacks::Label::model}) {
    const nn::Sequential net = trained(Fgsm{.eps = 0.3F, .label = label});
    const Judged fgsm = judged(net, {Fgsm{.eps = 0.3F}});
    EXPECT_NE(of(fgsm.number(), "incomplete"), Verdict::reliable) << said(fgsm.number());
    // PGD breaks these. Its number may be called RELIABLE where it is one: AutoAttack's, up to two of 100 images.
    const Judged pgd = judged_as_well(fgsm, net, Pgd{.eps = 0.3F});
    if (pgd.judgement.verdict != Verdict::reliable) continue;
    const std::vector<Attack> strongest{attacks::AutoAttack{.eps = 0.3F}};
    const data::Samples samples = data::load("mnist-5k").first(100);
    EXPECT_LE(pgd.evaluation.robust, attacks::evaluate(net, samples, strongest, {}).robust + 2);
  }
}

TEST(SlowIndicators, OnlyAttacksThatNeedGradientsAreBlamedForTheirLack) {
  const Defended rounded(plain(), [](const nn::Classifier& net, const Var& x) { return net.logits(round(x)); });
  const Judged square = judged(rounded, {attacks::Square{.eps = eps, .queries = 10}}, {}, 100, 3);
  EXPECT_EQ(of(square.number(), "zero_gradient"), Verdict::reliable);
  // Classes alone, as a service would give them: HopSkipJump breaks that, and is believed.
  const Defended argmax(plain(), [](const nn::Classifier& net, const Var& x) {
    const Tensor logits = net.logits(x).value();
    const std::vector<int> classes = nn::predictions(logits);
    Tensor made(logits.shape());
    for (std::size_t i = 0; i < classes.size(); ++i) {
      made.mutable_data()[i * net.classes() + static_cast<std::size_t>(classes[i])] = 1;
    }
    return x.tape().constant(std::move(made));
  });
  const attacks::HopSkipJump attack{.steps = 20};
  for (const std::vector<float>& radii : {std::vector<float>{}, std::vector<float>{20}}) {
    const Judged jump = judged(argmax, {attack}, radii, 30);
    EXPECT_EQ(jump.number().robust.part(), 0U);
    for (const std::string_view name : {"zero_gradient", "probabilities", "unconstrained_fails", "rough_loss"}) {
      EXPECT_EQ(of(jump.number(), name), Verdict::reliable) << name;
    }
    EXPECT_LT(jump.judgement.verdict, Verdict::unreliable) << said(jump.number());
  }
}

TEST(SlowIndicators, AnEpsOfAnotherScaleIsNoticed) {
  EXPECT_EQ(of(judged(plain(), {Fgsm{.eps = 0.3F / 255}}, {}, 100, 3).number(), "eps_range"), Verdict::suspect);
  EXPECT_EQ(of(judged(plain(), {Pgd{.eps = 1.0F}}, {}, 100, 3).number(), "eps_range"), Verdict::unreliable);
}

TEST(SlowIndicators, HonestModelsAreReliable) {
  for (const Attack& attack : {Attack(attacks::AutoAttack{.eps = eps}), Attack(Pgd{.eps = 0.25F, .norm = Norm::l2}),
                               Attack(attacks::Fab{.norm = Norm::l2, .eps = 1.0F})}) {
    SCOPED_TRACE(text(attack.spec()));
    const Judged made = judged(plain(), {attack});
    EXPECT_EQ(made.judgement.verdict, Verdict::reliable) << said(made.number());
    EXPECT_TRUE(made.number().opposed);
    EXPECT_GT(made.number().probed, 80U);
    EXPECT_TRUE(made.number().next.empty());
  }
}

}  // namespace
}  // namespace hans::indicators_test
