// Certificates against the exact truth about tiny networks, and against attacks.
#include <hans/defenses/certify.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

#include <hans/attacks/judge.hpp>
#include <hans/core/parallel.hpp>
#include <hans/core/spec.hpp>
#include <hans/nn/evaluate.hpp>

#include "../../defenses/certify/detail/certify.hpp"
#include "../data/data_testing.hpp"
#include "exact_verdicts_testing.hpp"

namespace hans::certify_test {
namespace {

using defenses::Certainty;
using defenses::Certificate;
using defenses::CertifyMethod;
using defenses::CertifyOptions;
using defenses::Doubt;
using testing_data::error_of;

TEST(Certify, EqualsTheTruthAboutTinyNetworks) { exact_testing::expect_true_verdicts(360); }

nn::Sequential network(std::uint64_t seed, const char* architecture) {
  nn::Sequential net = nn::Sequential::parse(architecture, Rng(seed));
  for (Tensor& tensor : net.mutable_weights()) {
    for (real& value : tensor.mutable_values()) value *= 2;
  }
  return net;
}

data::Samples images_for(const nn::Sequential& net, std::size_t count) {
  Tensor images(net.input().with_front(count));
  Stream stream = Rng(5).stream("images");
  for (real& value : images.mutable_values()) value = stream.uniform();
  data::Samples samples{images, std::vector<int>(count), std::vector<std::uint32_t>(count), {0, 1}};
  const std::vector<int> labels = nn::predict(net, images);
  for (std::size_t k = 0; k < count; ++k) {
    samples.labels[k] = k % 7 == 0 ? 0 : labels[k];
    samples.index[k] = static_cast<std::uint32_t>(3 * k);
  }
  return samples;
}

constexpr const char* small_conv =
    "6x6x1;conv2d:filters=4,kernel=3,stride=2;relu;flatten;linear:units=12;relu;linear:units=3";

// Counterexamples are inside ball and box and fool the model; certified images withstand attacks; counts are whole.
TEST(Certify, AgreesWithTheJudge) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const nn::Sequential net = network(seed, small_conv);
    const data::Samples samples = images_for(net, 24);
    for (const float eps : {0.01F, 0.05F, 0.2F}) {
      CertifyOptions options{.eps = eps, .nodes = 500};
      if (seed % 2 == 0) options.first = attacks::Attack::from_spec(Spec::parse(text("pgd:steps=5,eps=", eps)));
      const std::vector<Certificate> all = defenses::certify(net, samples, options);
      const attacks::Attack apgd = attacks::Attack::from_spec(Spec::parse(text("apgd:steps=30,eps=", eps)));
      const attacks::Goal goal = away_from(samples.labels);
      const attacks::Budget budget = apgd.budget(net.input(), samples.box);
      const attacks::Outcome attacked = attacks::judge(net, samples, apgd(net, samples, goal).images, goal, budget);
      const std::vector<int> predictions = nn::predict(net, samples.images);
      for (std::size_t k = 0; k < all.size(); ++k) {
        const Certificate& each = all[k];
        EXPECT_EQ(each.index, samples.index[k]);
        EXPECT_EQ(each.prediction, predictions[k]);
        EXPECT_EQ(each.certainty == Certainty::wrong, predictions[k] != samples.labels[k]);
        EXPECT_EQ(each.certainty == Certainty::unknown, each.doubt.has_value());
        EXPECT_EQ(each.certainty == Certainty::wrong, !each.step.has_value());
        EXPECT_LE(each.nodes, 500U);
        EXPECT_FALSE(each.certainty == Certainty::certified && attacked.findings[k].evades) << seed << " " << eps;
        if (each.certainty != Certainty::attacked) continue;
        const attacks::Outcome found = attacks::judge(net, samples.rows(k, 1), each.counterexample,
                                                      away_from(std::vector<int>{samples.labels[k]}), budget);
        EXPECT_TRUE(found.findings[0].evades);
      }
    }
  }
}

// Neither the batch, nor its order, nor the threads, nor proofs change a verdict.
TEST(Certify, GivesTheSameVerdictsAloneAndTogether) {
  const nn::Sequential net = network(3, small_conv);
  const data::Samples samples = images_for(net, 40);
  const auto run = [&](const data::Samples& some, bool proofs) {
    return defenses::certify(net, some, {.eps = 0.08F, .nodes = 300, .proofs = proofs});
  };
  const auto same = [](const Certificate& a, const Certificate& b) {
    return a.index == b.index && a.certainty == b.certainty && a.doubt == b.doubt && a.step == b.step &&
           std::bit_cast<std::uint64_t>(a.bound) == std::bit_cast<std::uint64_t>(b.bound) &&
           a.runner_up == b.runner_up && a.nodes == b.nodes && a.real == b.real && a.float32 == b.float32;
  };
  const std::vector<Certificate> all = run(samples, false);
  std::vector<std::size_t> turned;
  for (std::size_t k = 40; k-- > 0;) turned.push_back(k);
  const std::vector<Certificate> other = run(samples.select(turned), true);
  const std::size_t threads = thread_count();
  set_thread_count(3);
  const std::vector<Certificate> on_three = run(samples, true);
  set_thread_count(threads);
  std::size_t proofs = 0;
  for (std::size_t k = 0; k < 40; ++k) {
    EXPECT_TRUE(same(all[k], other[39 - k])) << k;
    EXPECT_TRUE(same(all[k], on_three[k])) << k;
    EXPECT_TRUE(same(all[k], run(samples.rows(k, 1), false)[0])) << k;
    EXPECT_EQ(on_three[k].proof.has_value(), all[k].certainty == Certainty::certified) << k;
    proofs += on_three[k].proof.has_value() ? 1U : 0U;
  }
  EXPECT_GT(proofs, 5U);
}

// More nodes never lose a verdict, and no more are bounded than were given.
TEST(Certify, KeepsWithinTheNodes) {
  const nn::Sequential net = network(5, small_conv);
  const data::Samples samples = images_for(net, 30);
  std::vector<Certificate> before;
  for (const std::uint64_t nodes : {1U, 2U, 3U, 7U, 32U, 100U, 1000U}) {
    const std::vector<Certificate> all = defenses::certify(net, samples, {.eps = 0.1F, .nodes = nodes});
    for (std::size_t k = 0; k < all.size(); ++k) {
      EXPECT_LE(all[k].nodes, nodes);
      if (!before.empty() && before[k].certainty != Certainty::unknown) {
        EXPECT_EQ(all[k].certainty, before[k].certainty);
      }
    }
    before = all;
  }
}

// A certificate that another pass contradicts is an error, not a verdict; one that it confirms gets its proof.
TEST(Certify, NamesAnImageThatIsCertifiedAndAttacked) {
  const auto with = [](Certainty certainty) {
    Certificate one{7, 1, 1, certainty};
    one.nodes = 5;
    one.proof = defenses::Proof{};
    return one;
  };
  constexpr Certainty all[]{Certainty::certified, Certainty::attacked, Certainty::unknown};
  for (const Certainty found : all) {
    Certificate open{7, 1, 1};
    take_over(open, with(found));
    EXPECT_EQ(open.certainty, found);
    EXPECT_EQ(open.nodes, 5U);
    Certificate certified{7, 1, 1, Certainty::certified};
    const std::string error = error_of([&] { take_over(certified, with(found)); });
    if (found == Certainty::attacked) {
      EXPECT_TRUE(error.starts_with("image 7 is certified, but an adversarial image was found")) << error;
      continue;
    }
    EXPECT_EQ(error, "no error");
    EXPECT_EQ(certified.certainty, Certainty::certified);
    EXPECT_EQ(certified.nodes, 0U);
    EXPECT_TRUE(certified.proof.has_value());
  }
}

// A clock that strikes between two rounds of branching: the image is unknown, for that reason and no other.
TEST(Certify, StopsBetweenRoundsWhenTheTimeIsOver) {
  const nn::Sequential net = network(5, "6x6x1;flatten;linear:units=40;relu;linear:units=40;relu;linear:units=3");
  const data::Samples samples = images_for(net, 12);
  CertifyOptions options{.eps = 0.06F, .nodes = 1000};
  const std::vector<Certificate> all = defenses::certify(net, samples, options);
  const auto most = std::ranges::max_element(all, {}, &Certificate::nodes);
  const auto place = static_cast<std::size_t>(most - all.begin());
  ASSERT_GT(most->nodes, 200U);
  bool between = false;
  for (options.seconds = 16; options.seconds > 1e-6 && !between; options.seconds /= 2) {
    const Certificate late = defenses::certify(net, samples.rows(place, 1), options)[0];
    if (late.doubt != Doubt::time) {
      EXPECT_EQ(late.certainty, most->certainty);
      EXPECT_EQ(late.nodes, most->nodes);
      continue;
    }
    EXPECT_EQ(late.certainty, Certainty::unknown);
    EXPECT_EQ(late.step, defenses::Step::branching);
    EXPECT_LE(late.nodes, most->nodes);
    EXPECT_FALSE(late.float32);
    between = late.nodes > 0;
  }
  EXPECT_TRUE(between);
  options.seconds = 1e-9;
  EXPECT_EQ(defenses::certify(net, samples.rows(place, 1), options)[0].nodes, 0U);
}

TEST(Certify, SaysWhatItDoesNotTake) {
  const nn::Sequential net = network(1, small_conv);
  const data::Samples samples = images_for(net, 2);
  const auto refused = [&](const nn::Sequential& model, const CertifyOptions& options) {
    return error_of([&] { (void)defenses::certify(model, samples, options); });
  };
  EXPECT_EQ(refused(net, {.norm = Norm::l2, .eps = 0.1F}), "complete is for linf; in l2 use alpha");
  EXPECT_EQ(refused(net, {.norm = Norm::l2, .eps = 0.1F, .method = CertifyMethod::alpha, .proofs = true}),
            "proofs are for linf");
  const nn::Sequential noisy = network(1, "6x6x1;gaussian_noise:sigma=0.1;flatten;linear:units=3");
  EXPECT_TRUE(refused(noisy, {.eps = 0.1F}).starts_with("the model is random")) << refused(noisy, {.eps = 0.1F});
  const nn::Sequential smooth = network(1, "6x6x1;flatten;linear:units=3;tanh;linear:units=3");
  EXPECT_EQ(refused(smooth, {.eps = 0.1F}), "no error");
  EXPECT_TRUE(refused(smooth, {.eps = 0.1F, .proofs = true}).starts_with("layer 2 (tanh): no proof"));
  const nn::Sequential square = network(1, "6x6x1;flatten;linear:units=3;multiply:of=1/1;linear:units=3");
  EXPECT_TRUE(refused(square, {.eps = 0.1F, .proofs = true}).starts_with("layer 2 (multiply) multiplies two values"));
  EXPECT_EQ(refused(square, {.eps = 0.1F}), "no error");
  const nn::Sequential broadcast = network(
      1, "6x6x1;constant:shape=6x6x1;add:of=input/0;constant:shape=6x1x1;add:of=1/2;relu;flatten;linear:units=3");
  EXPECT_EQ(refused(broadcast, {.eps = 0.1F}), "no error");
  EXPECT_EQ(refused(broadcast, {.eps = 0.1F, .proofs = true}),
            "layer 3 (add) combines 6x1x1 and 6x6x1: no proof can be written, only a verdict");
  const nn::Sequential one = network(1, "6x6x1;flatten;linear:units=1");
  EXPECT_TRUE(refused(one, {.eps = 0.1F}).starts_with("the model has one class")) << refused(one, {.eps = 0.1F});
  EXPECT_TRUE(refused(net, {.eps = -1.0F}).starts_with("certify: eps = -1")) << refused(net, {.eps = -1.0F});
  EXPECT_TRUE(refused(net, {.eps = 2.0F}).starts_with("certify: eps = 2"));
}

}  // namespace
}  // namespace hans::certify_test
