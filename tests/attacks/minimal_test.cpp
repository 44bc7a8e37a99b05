// Attacks against exact answers: on linear models the nearest image of another class is known in every norm.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include <hans/attacks/judge.hpp>
#include <hans/attacks/losses.hpp>
#include <hans/attacks/planes.hpp>
#include <hans/attacks/steps.hpp>
#include <hans/nn/evaluate.hpp>

#include "attacks_testing.hpp"

namespace hans::minimal_test {
namespace {

using namespace testing_attacks;
using attacks::Norm;

constexpr std::size_t features = 36;

/// The length of the shortest change that raises w . x by `rise` within the room each feature has: the features (l1, by
/// |w|) or all together (l2, linf) go as far as needed. Computed by bisection, in double.
double exact_distance(const std::vector<double>& w, const std::vector<double>& room, double rise, Norm norm) {
  if (norm == Norm::l1) {
    std::vector<std::size_t> order(w.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::sort(order, [&](std::size_t a, std::size_t b) { return std::abs(w[a]) > std::abs(w[b]); });
    double length = 0;
    for (const std::size_t i : order) {
      const double go = std::min(room[i], rise / std::abs(w[i]));
      length += go;
      rise -= go * std::abs(w[i]);
      if (rise <= 0) return length;
    }
    return infinity;
  }
  const auto length_at = [&](double cut, bool raised) {
    double total = 0;
    double most = 0;
    for (std::size_t i = 0; i < w.size(); ++i) {
      const double go = std::min(room[i], norm == Norm::l2 ? cut * std::abs(w[i]) : cut);
      total += raised ? go * std::abs(w[i]) : go * go;
      most = std::max(most, go);
    }
    return raised ? total : norm == Norm::l2 ? std::sqrt(total) : most;
  };
  double low = 0;
  double high = 1e6;
  if (length_at(high, true) < rise) return infinity;
  for (int k = 0; k < 200; ++k) {
    const double middle = (low + high) / 2;
    (length_at(middle, true) < rise ? low : high) = middle;
  }
  return length_at(high, false);
}

/// A linear model, samples, and each sample's exact distance to the nearest other class in `norm`.
struct Exact {
  nn::Sequential net;
  data::Samples samples;
  std::vector<double> distance(Norm norm) const {
    const Tensor weights = net.weights()[0];
    const std::size_t classes = net.classes();
    std::vector<double> all;
    for (std::size_t s = 0; s < samples.size(); ++s) {
      const real* x = samples.images.data() + s * features;
      const auto label = static_cast<std::size_t>(samples.labels[s]);
      double least = infinity;
      for (std::size_t j = 0; j < classes; ++j) {
        if (j == label) continue;
        std::vector<double> w(features);
        std::vector<double> room(features);
        double missing = static_cast<double>(net.weights()[1].data()[label]) - net.weights()[1].data()[j];
        for (std::size_t i = 0; i < features; ++i) {
          w[i] = static_cast<double>(weights.data()[i * classes + j]) - weights.data()[i * classes + label];
          room[i] = w[i] > 0 ? samples.box.hi - static_cast<double>(x[i]) : static_cast<double>(x[i]) - samples.box.lo;
          missing -= w[i] * static_cast<double>(x[i]);
        }
        least = std::min(least, exact_distance(w, room, missing, norm));
      }
      all.push_back(least);
    }
    return all;
  }
};

/// Samples that the model gets right: labels are its own predictions.
Exact exact_case(data::Box box, unsigned classes) {
  Exact made{nn::Sequential(Shape{6, 6, 1}, Rng(4), flatten, nn::Linear{.units = classes}),
             random_samples({6, 6, 1}, 20, classes, 9)};
  made.samples.box = box;
  made.samples.labels = nn::predict(made.net, made.samples.images);
  return made;
}

// Cross entropy pulls towards all other classes at once: attacks that climb it are exact where there is but one.
struct Row {
  std::string_view spec;
  Norm norm;
  unsigned classes;
  double within;        // share of the exact distance
  double slack = 1e-6;  // and what it can resolve: the step of an optimizer, the last sphere
};

void expect_exact(data::Box box, std::span<const Row> rows) {
  for (const Row& row : rows) {
    SCOPED_TRACE(row.spec);
    const Exact known = exact_case(box, row.classes);
    const auto exact = known.distance(row.norm);
    const attacks::Attack one = attack(row.spec);
    const attacks::Goal goal = away_from(known.samples.labels);
    const attacks::Crafted made = one(known.net, known.samples, goal);
    const attacks::Outcome found =
        attacks::judge(known.net, known.samples, made.images, goal, one.budget({6, 6, 1}, known.samples.box));
    for (std::size_t s = 0; s < exact.size(); ++s) {
      EXPECT_TRUE(found.findings[s].success) << s;
      EXPECT_LE(found.findings[s].distance.of(row.norm), exact[s] * (1 + row.within) + row.slack) << s;
      EXPECT_GE(found.findings[s].distance.of(row.norm), exact[s] * (1 - 1e-4) - 1e-6) << s;
    }
  }
}

TEST(MinimalAttacks, ReachTheExactDistanceOfLinearModels) {
  constexpr std::array rows{
      Row{"deepfool:norm=l2", Norm::l2, 5, 1e-3},
      Row{"deepfool:norm=linf", Norm::linf, 5, 1e-3},
      Row{"deepfool:norm=l1", Norm::l1, 5, 1e-3},
      Row{"fab:norm=l2", Norm::l2, 5, 1e-3},
      Row{"fab:norm=linf", Norm::linf, 5, 1e-3},
      Row{"fab:norm=l1", Norm::l1, 5, 1e-3},
      Row{"ddn", Norm::l2, 2, 1e-3, 1e-4},
      Row{"fmn:norm=l2", Norm::l2, 2, 1e-3},
      Row{"fmn:norm=linf", Norm::linf, 2, 1e-3},
      Row{"cw:steps=1000,rate=0.002,refine=10", Norm::l2, 2, 1e-3, 2e-3},
      Row{"l-bfgs", Norm::l2, 2, 1e-3},
      Row{"cw-linf:rate=0.002", Norm::linf, 2, 1e-3, 1e-3},
      Row{"hopskipjump:norm=l2,steps=30,evals=200", Norm::l2, 2, 0.1},  // it guesses the normal
      Row{"boundary:steps=8000", Norm::l2, 2, 0.1},
  };
  expect_exact({-10, 10}, rows);
}

TEST(MinimalAttacks, ReachItWhereTheBoxBinds) {
  constexpr std::array rows{
      Row{"fab:norm=l2,classes=4", Norm::l2, 5, 1e-3},
      Row{"fab:norm=linf,classes=4", Norm::linf, 5, 1e-3},
      Row{"fab:norm=l1,classes=4", Norm::l1, 5, 1e-3},
      Row{"cw:steps=1000,rate=0.002,refine=10", Norm::l2, 2, 1e-3, 2e-3},
      Row{"l-bfgs", Norm::l2, 2, 1e-3},
      Row{"cw-linf:rate=0.002", Norm::linf, 2, 1e-3, 1e-3},
  };
  expect_exact({0, 1}, rows);
}

TEST(FixedBudgetAttacks, DecideRightBelowAndAboveTheExactDistance) {
  struct Case {
    std::string_view spec;
    Norm norm;
    unsigned classes;
    data::Box box;
  };
  constexpr data::Box wide{-10, 10};
  constexpr data::Box tight{0, 1};
  constexpr std::array cases{
      Case{"pgd:eps=0.5,steps=100", Norm::linf, 2, tight},
      Case{"pgd:eps=0.5,steps=100,loss=margin", Norm::linf, 2, wide},
      Case{"pgd:eps=0.5,steps=100,norm=l2", Norm::l2, 2, wide},
      Case{"apgd:eps=0.5", Norm::linf, 2, tight},
      Case{"apgd:eps=0.5,norm=l2", Norm::l2, 2, tight},
      Case{"apgd:eps=0.5,norm=l1", Norm::l1, 2, tight},
      Case{"apgd-t:eps=0.5", Norm::linf, 5, tight},
      Case{"apgd-t:eps=0.5,norm=l2", Norm::l2, 5, tight},
      Case{"fab:eps=0.5,classes=4", Norm::linf, 5, tight},
      Case{"fab:eps=0.5,norm=l2,classes=4", Norm::l2, 5, tight},
  };
  for (const Case& one : cases) {
    const Exact known = exact_case(one.box, one.classes);
    const std::vector<double> exact = known.distance(one.norm);
    const attacks::Goal goal = away_from(known.samples.labels);
    for (const double share : {0.98, 1.02}) {
      SCOPED_TRACE(text(one.spec, " at ", share));
      std::vector<float> eps;
      for (const double distance : exact) eps.push_back(static_cast<float>(distance * share));
      const attacks::Attack made = attack(one.spec);
      const attacks::Crafted crafted = made(known.net, known.samples, goal, {.eps = eps});
      const attacks::Outcome found = attacks::judge(known.net, known.samples, crafted.images, goal,
                                                    made.budget({6, 6, 1}, known.samples.box), eps);
      EXPECT_EQ(found.successes(), share > 1 ? known.samples.size() : 0);
    }
  }
}

TEST(Losses, HaveTheGradientsTheyClaim) {
  const std::vector<real> logits{0.3F, -1.2F, 2.5F, 1.1F, -0.4F};
  for (const attacks::Loss loss :
       {attacks::Loss::ce, attacks::Loss::margin, attacks::Loss::dlr, attacks::Loss::cw, attacks::Loss::kl}) {
    for (const int label : {0, 2, 4}) {
      for (const int target : {-1, 1, 3}) {
        attacks::Climb climb(loss, label, target);
        climb.targeted = target >= 0;
        climb.depart_from(std::vector<real>{0.5F, 0.2F, 1.5F, -0.7F, 0.9F});
        std::vector<real> gradient(5);
        const real value = climb(logits, gradient);
        for (std::size_t j = 0; j < 5; ++j) {
          constexpr real h = 1e-2F;
          std::vector<real> up = logits;
          std::vector<real> down = logits;
          std::vector<real> unused(5);
          up[j] += h;
          down[j] -= h;
          const real high = climb(up, unused);
          std::ranges::fill(unused, real{0});
          const real low = climb(down, unused);
          EXPECT_NEAR(gradient[j], (high - low) / (2 * h), 2e-3) << static_cast<int>(loss) << label << target << j;
        }
        if (loss == attacks::Loss::margin) {
          EXPECT_EQ(value > 0, target < 0 ? label != 2 : false);
        }
      }
    }
  }
}

/// The divergence is flat at the original, and its gradient does not drown where the model is sure.
TEST(Losses, DivergenceIsExactWhereItIsSmall) {
  attacks::Climb climb(attacks::Loss::kl, 0, 1);
  for (const real sure : {real{2}, real{20}, real{80}}) {
    const std::vector<real> original{0, sure, 1, -3};
    std::vector<real> gradient(4);
    climb.depart_from(original);
    EXPECT_EQ(climb(original, gradient), 0);
    EXPECT_EQ(gradient, std::vector<real>(4));
    std::vector<real> moved = original;
    moved[2] += 1;
    const real value = climb(moved, gradient);
    double rest = 0;  // d/dz_1 = q_1 - p_1 = the others' p - q
    for (const std::size_t j : {0U, 2U, 3U}) rest += static_cast<double>(gradient[j]);
    EXPECT_GT(gradient[2], 0);
    EXPECT_NEAR(gradient[1] / -rest, 1, 1e-5);
    double p = 0, q = 0;
    for (std::size_t j = 0; j < 4; ++j) p += std::exp(static_cast<double>(original[j] - sure));
    for (std::size_t j = 0; j < 4; ++j) q += std::exp(static_cast<double>(moved[j] - sure));
    const double exact = std::exp(2.0 - sure) / q - std::exp(1.0 - sure) / p;
    EXPECT_NEAR(gradient[2] / exact, 1, 1e-4) << sure;
    // log q - log p is 1 - s for the third class and -s for the others, s = log(Q / P).
    const double share = std::exp(1.0 - sure) / p;
    const double divergence = std::log1p(share * std::expm1(1.0)) - share;
    EXPECT_NEAR(value / divergence, 1, 1e-4) << sure;
  }
}

TEST(Losses, DivergenceIsFlatAtTheOriginal) {
  const nn::Sequential net = small_models()[1];
  const data::Samples samples = random_samples(net.input(), 5, 4, 7);
  for (const std::string_view start : {"original", "gaussian"}) {
    const attacks::Crafted made = attack(text("pgd:eps=0.3,steps=3,loss=kl,start=", start))(
        net, samples, away_from(samples.labels), {.to_the_end = true});
    for (const attacks::Note& note : made.notes) {
      EXPECT_EQ(note.stop, start == "original" ? attacks::Stop::zero_gradient : attacks::Stop::finished);
      EXPECT_EQ(note.forwards, 5U);
    }
    EXPECT_EQ(identical(made.images, samples.images), start == "original");
  }
}

TEST(L1Projection, IsTheNearestPointOfBallAndBox) {
  Stream stream(3, "points");
  for (int round = 0; round < 50; ++round) {
    const std::size_t n = 1 + stream.below(40);
    std::vector<real> original(n), low(n), high(n), image(n);
    for (std::size_t i = 0; i < n; ++i) {
      original[i] = stream.uniform();
      low[i] = 0;
      high[i] = 1;
      image[i] = 3 * stream.uniform() - 1;
    }
    const double eps = 0.1 + 2 * static_cast<double>(stream.uniform());
    const std::vector<real> before = image;
    attacks::project_l1(original, low, high, eps, image);
    // Nearest: inside, and no feasible point a little towards any other feasible one is nearer.
    double length = 0;
    for (std::size_t i = 0; i < n; ++i) {
      EXPECT_GE(image[i], 0);
      EXPECT_LE(image[i], 1);
      length += std::abs(static_cast<double>(image[i]) - static_cast<double>(original[i]));
    }
    EXPECT_LE(length, eps * (1 + 1e-6));
    for (int other = 0; other < 20; ++other) {
      std::vector<real> point(n);
      double far = 0;
      for (std::size_t i = 0; i < n; ++i) {
        point[i] = stream.uniform();
        far += std::abs(static_cast<double>(point[i]) - static_cast<double>(original[i]));
      }
      const double shrink = std::min(1.0, eps / far);
      double slope = 0;  // of the squared distance to `before`, from the image towards that point
      for (std::size_t i = 0; i < n; ++i) {
        const double to = original[i] + shrink * (static_cast<double>(point[i]) - static_cast<double>(original[i]));
        slope +=
            (static_cast<double>(image[i]) - static_cast<double>(before[i])) * (to - static_cast<double>(image[i]));
      }
      EXPECT_GE(slope, -1e-4);
    }
  }
}

}  // namespace
}  // namespace hans::minimal_test
