// Optimizers against their formulas in double precision, clipping.
#include <hans/nn/optim.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <hans/core/error.hpp>
#include <hans/core/hash.hpp>

namespace hans::optim_test {
namespace {

using nn::Optimizer;

constexpr std::size_t steps = 3;

/// Two tensors of different shapes, and three gradients for each.
std::vector<Tensor> start() {
  return {Tensor(Shape{2, 2}, std::vector<float>{1, -0.5F, 0.25F, 2}),
          Tensor(Shape{3}, std::vector<float>{0.1F, 0, -3})};
}
std::vector<Tensor> gradients(std::size_t step) {
  static const std::array<std::array<float, 7>, steps> all{
      {{0.5F, -1, 0.125F, 0, 3, -0.01F, 1}, {-0.25F, -1, 2, 1e-3F, -3, 0.02F, 1}, {4, 0.5F, 0, 1e-4F, 0.1F, 1, -2}}};
  const std::span<const float> values(all[step]);
  return {Tensor(Shape{2, 2}, values.first(4)), Tensor(Shape{3}, values.last(3))};
}

std::vector<Tensor> run(Optimizer optimizer, std::size_t count = steps, real factor = 1) {
  std::vector<Tensor> weights = start();
  for (std::size_t t = 0; t < count; ++t) optimizer.step(weights, gradients(t), factor);
  return weights;
}

std::string hash(std::span<const Tensor> tensors) {
  Sha256 all;
  for (const Tensor& tensor : tensors) all.add(tensor.values());
  return all.hex();
}

/// One weight's history in double precision: `a` and `b` are its running averages.
struct Weight {
  double w, a = 0, b = 0;
};
using Formula = std::function<void(Weight&, double g, int t)>;

/// Compares with the formula applied to each number by itself. `slack` is the float rounding of one step.
void expect_formula(const Optimizer& optimizer, const Formula& formula, double slack) {
  const std::vector<Tensor> found = run(optimizer);
  for (std::size_t k = 0; k < found.size(); ++k) {
    for (std::size_t i = 0; i < found[k].size(); ++i) {
      Weight weight{static_cast<double>(start()[k].data()[i])};
      for (std::size_t t = 0; t < steps; ++t) {
        formula(weight, static_cast<double>(gradients(t)[k].data()[i]), static_cast<int>(t) + 1);
      }
      EXPECT_NEAR(static_cast<double>(found[k].data()[i]), weight.w, slack + 4e-7 * std::abs(weight.w))
          << text(optimizer.spec()) << " weight " << k << " number " << i;
    }
  }
}

constexpr double wide(float value) { return static_cast<double>(value); }

Formula adam_formula(double rate, double beta1, double beta2, double eps, double decay) {
  return [=](Weight& x, double g, int t) {
    x.w -= rate * decay * x.w;
    x.a = beta1 * x.a + (1 - beta1) * g;
    x.b = beta2 * x.b + (1 - beta2) * g * g;
    x.w -= rate * (x.a / (1 - std::pow(beta1, t))) / (std::sqrt(x.b / (1 - std::pow(beta2, t))) + eps);
  };
}

TEST(Optimizers, Sgd) {
  for (const float momentum : {0.0F, 0.9F}) {
    expect_formula(
        nn::Sgd{.rate = 0.1F, .momentum = momentum},
        [momentum](Weight& x, double g, int) {
          x.a = wide(momentum) * x.a + g;
          x.w -= wide(0.1F) * x.a;
        },
        1e-7);
  }
}

TEST(Optimizers, Adadelta) {
  for (const float eps : {1e-8F, 1e-2F}) {
    expect_formula(
        nn::Adadelta{.rate = 1, .rho = 0.95F, .eps = eps},
        [eps](Weight& x, double g, int) {
          x.a = wide(0.95F) * x.a + (1 - wide(0.95F)) * g * g;
          const double u = std::sqrt(x.b + wide(eps)) / std::sqrt(x.a + wide(eps)) * g;
          x.b = wide(0.95F) * x.b + (1 - wide(0.95F)) * u * u;
          x.w -= u;
        },
        1e-6);
  }
}

TEST(Optimizers, Adam) {
  // The powers are products in float, so 1 - beta2^t is good to 2^-24 / 0.003.
  expect_formula(nn::Adam{.rate = 0.1F}, adam_formula(wide(0.1F), wide(0.9F), wide(0.999F), wide(1e-8F), 0), 4e-6);
  expect_formula(nn::Adam{.rate = 0.1F, .beta1 = 0, .beta2 = 0.5F, .eps = 0.5F},
                 adam_formula(wide(0.1F), 0, 0.5, 0.5, 0), 1e-7);
}

TEST(Optimizers, AdamW) {
  expect_formula(nn::AdamW{.rate = 0.1F, .decay = 0.5F},
                 adam_formula(wide(0.1F), wide(0.9F), wide(0.999F), wide(1e-8F), 0.5), 4e-6);
  EXPECT_EQ(hash(run(nn::AdamW{.rate = 0.1F, .decay = 0})), hash(run(nn::Adam{.rate = 0.1F})));
}

/// The bits of three steps. A change here is a change of every trained model: see the rule on versions.
TEST(Optimizers, Golden) {
  EXPECT_EQ(hash(run(nn::Sgd{.rate = 0.1F, .momentum = 0.9F})),
            "1bef406590e211adbbdfc9ae021b88e346b44d486395df054471cd9efd2890e2");
  EXPECT_EQ(hash(run(nn::Adadelta{})), "9c8e77a92979091ebb0d03d8716caa25f962d720613c0fd36bc027efd345d648");
  EXPECT_EQ(hash(run(nn::Adam{})), "12dd83fd093ca7703338e70d1d603220819f29fb8049312e9d3394716e9e2e01");
  EXPECT_EQ(hash(run(nn::AdamW{})), "fdfb298d9f5644e5568bfe83f7cd991be21344b6ddd95e6dce6e56909d6d9a37");
}

const std::vector<Optimizer>& every() {
  static const std::vector<Optimizer> all{nn::Sgd{.momentum = 0.5F}, nn::Adadelta{}, nn::Adam{}, nn::AdamW{}};
  return all;
}

TEST(Optimizers, StepsAreCountedNotTensors) {
  for (Optimizer optimizer : every()) {
    // The same tensor three times must go the same way as the tensor alone.
    std::vector<Tensor> three(3, Tensor::full({2}, 1));
    std::vector<Tensor> one(1, Tensor::full({2}, 1));
    Optimizer alone = optimizer;
    for (int t = 1; t <= 4; ++t) {
      const Tensor g = Tensor::full({2}, 0.5F * static_cast<float>(t));
      optimizer.step(three, std::vector<Tensor>(3, g));
      alone.step(one, {&g, 1});
      EXPECT_EQ(optimizer.steps(), static_cast<std::uint64_t>(t));
    }
    for (const Tensor& weight : three) EXPECT_TRUE(identical(weight, one[0])) << text(optimizer.spec());
  }
}

TEST(Optimizers, TheFactorScalesTheRate) {
  EXPECT_EQ(hash(run(nn::Adam{.rate = 0.5F}, steps, 0.5F)), hash(run(nn::Adam{.rate = 0.25F})));
  for (const Optimizer& optimizer : every()) EXPECT_EQ(hash(run(optimizer, steps, 0)), hash(start()));
}

TEST(Optimizers, RestoredStateGoesOnTheSame) {
  for (const Optimizer& fresh : every()) {
    const std::string whole = hash(run(fresh));
    Optimizer first = fresh;
    std::vector<Tensor> weights = start();
    first.step(weights, gradients(0));
    first.step(weights, gradients(1));
    Optimizer second = fresh;
    second.restore(first.steps(), {first.state().begin(), first.state().end()});
    Optimizer copy = first;
    std::vector<Tensor> other = weights;
    copy.step(other, gradients(2));  // must not touch what `first` and `second` know
    second.step(weights, gradients(2));
    EXPECT_EQ(hash(weights), whole) << text(fresh.spec());
    EXPECT_EQ(hash(other), whole) << text(fresh.spec());
    EXPECT_EQ(first.steps(), 2U);
  }
}

TEST(Optimizers, WeightsAreChangedInPlaceAndCopiesStay) {
  for (Optimizer optimizer : every()) {
    std::vector<Tensor> weights = start();
    const std::vector<Tensor> kept = weights;
    optimizer.step(weights, gradients(0));
    const float* const place = weights[0].data();
    optimizer.step(weights, gradients(1));
    EXPECT_EQ(weights[0].data(), place);
    EXPECT_EQ(hash(kept), hash(start()));
  }
}

TEST(Optimizers, RefuseWhatDoesNotFit) {
  Optimizer optimizer = nn::Adam{};
  std::vector<Tensor> weights = start();
  EXPECT_THROW(optimizer.step(weights, std::span<const Tensor>()), Error);
  std::vector<Tensor> turned = gradients(0);
  std::swap(turned[0], turned[1]);
  EXPECT_THROW(optimizer.step(weights, turned), Error);
  optimizer = nn::Adam{};
  optimizer.step(weights, gradients(0));
  std::vector<Tensor> fewer(1, weights[0]);
  EXPECT_THROW(optimizer.step(fewer, {&turned[1], 1}), Error);
}

TEST(Optimizers, SettingsMadeInCodeAreChecked) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW((void)Optimizer(nn::Sgd{.rate = -1}), UsageError);
  EXPECT_THROW((void)Optimizer(nn::Sgd{.rate = 1, .momentum = nan}), UsageError);
  EXPECT_THROW((void)Optimizer(nn::Adadelta{.rho = 1}), UsageError);
  EXPECT_THROW((void)Optimizer(nn::Adam{.eps = 0}), UsageError);
  EXPECT_THROW((void)Optimizer(nn::AdamW{.decay = -0.5F}), UsageError);
}

TEST(Optimizers, AsText) {
  for (const nn::OptimizerInfo& info : nn::list_optimizers()) {
    const Optimizer plain = Optimizer::from_spec(Spec::parse(info.name));
    const std::string canonical = text(plain.spec());
    EXPECT_EQ(text(Optimizer::from_spec(Spec::parse(canonical)).spec()), canonical);
    for (const FieldInfo& field : info.fields) EXPECT_NE(canonical.find(field.name), std::string::npos);
    EXPECT_THROW((void)Optimizer::from_spec(Spec::parse(info.name + ":rate=-1")), UsageError);
    EXPECT_THROW((void)Optimizer::from_spec(Spec::parse(info.name + ":speed=1")), UsageError);
    EXPECT_THROW((void)Optimizer::from_spec(Spec::parse(info.name + "@2")), UsageError);
  }
  EXPECT_EQ(nn::list_optimizers().size(), 4U);
  EXPECT_THROW((void)Optimizer::from_spec(Spec::parse("lion")), UsageError);
}

// --- clipping --------------------------------------------------------------------------------------

TEST(Clipping, ScalesAllTensorsTogether) {
  const std::vector<Tensor> both{Tensor::full({1}, 3), Tensor::full({1, 1}, -4)};
  std::vector<Tensor> clipped = both;
  EXPECT_EQ(nn::clip_gradients(clipped, 1), 5);
  EXPECT_EQ(clipped[0].data()[0], 3 * 0.2F);
  EXPECT_EQ(clipped[1].data()[0], -4 * 0.2F);
  EXPECT_EQ(both[0].data()[0], 3);
  clipped = both;
  EXPECT_EQ(nn::clip_gradients(clipped, 5), 5);
  EXPECT_TRUE(identical(clipped[0], both[0]) && identical(clipped[1], both[1]));
  std::vector<Tensor> zeros{Tensor(Shape{3})};
  EXPECT_EQ(nn::clip_gradients(zeros, 1), 0);
  EXPECT_TRUE(identical(zeros[0], Tensor(Shape{3})));
  // Large gradients do not overflow: the squares are summed in double.
  std::vector<Tensor> large{Tensor::full({4}, 1e30F)};
  EXPECT_NEAR(nn::clip_gradients(large, 1) / 2e30, 1, 1e-6);
  EXPECT_NEAR(large[0].data()[2], 0.5, 1e-6);
}

TEST(Clipping, RefusesWhatIsNotFinite) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::vector<Tensor> gradients{Tensor::full({2}, 1), Tensor::full({2}, bad)};
    EXPECT_THROW(nn::clip_gradients(gradients, 1), Error);
  }
  std::vector<Tensor> fine{Tensor::full({2}, 1)};
  for (const double limit : {0.0, -1.0, std::nan("")}) EXPECT_THROW(nn::clip_gradients(fine, limit), Error);
}

}  // namespace
}  // namespace hans::optim_test
