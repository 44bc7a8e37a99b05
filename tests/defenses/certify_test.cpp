// Certificates against the exact truth about tiny networks, and against attacks.
#include <hans/defenses/certify.hpp>

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include <hans/attacks/judge.hpp>
#include <hans/core/parallel.hpp>
#include <hans/core/spec.hpp>
#include <hans/nn/evaluate.hpp>

#include "../data/data_testing.hpp"
#include "../nn/exact_testing.hpp"

namespace hans::certify_test {
namespace {

using defenses::Certainty;
using defenses::Certificate;
using defenses::CertifyMethod;
using defenses::CertifyOptions;
using defenses::Doubt;
using exact_testing::Case;
using testing_data::error_of;

data::Samples samples_of(const Case& question) {
  const std::size_t size = question.image.size();
  return {Tensor({1, 1, size, 1}, std::vector<real>(question.image.begin(), question.image.end())),
          {static_cast<int>(question.label)},
          {7},
          {0, 1}};
}

Certificate certified(const Case& question, CertifyMethod method, std::uint64_t nodes) {
  const CertifyOptions options{.eps = question.eps, .method = method, .nodes = nodes, .proofs = true};
  return defenses::certify(question.net, samples_of(question), options)[0];
}

// Verdicts against exact rational arithmetic: never certified wrongly, never attacked wrongly; only where the worst
// margin is 0 or below the rounding of float32 may an image stay unknown.
TEST(Certify, EqualsTheTruthAboutTinyNetworks) {
  std::size_t certain = 0, unknown = 0;
  for (std::uint64_t seed = 0; seed < 360; ++seed) {
    const Case question = exact_testing::random_case(seed);
    for (const CertifyMethod method :
         {CertifyMethod::ibp, CertifyMethod::crown, CertifyMethod::alpha, CertifyMethod::complete}) {
      const bool near_tie = std::abs(question.worst.nearby()) < 1e-3;
      const Certificate found = certified(question, method, near_tie ? 300 : 20000);
      const bool complete = method == CertifyMethod::complete;
      if (found.certainty == Certainty::wrong) {
        EXPECT_FALSE(question.certified()) << seed;
        continue;
      }
      EXPECT_LE(found.real, question.certified()) << seed << " " << question.kind;
      EXPECT_FALSE(found.certainty == Certainty::attacked && question.certified()) << seed << " " << question.kind;
      EXPECT_EQ(found.certainty == Certainty::certified, found.float32) << seed;
      EXPECT_LE(found.bound, question.worst.nearby() + 1e-9) << seed << " " << question.kind;
      if (!complete) continue;
      (found.certainty == Certainty::unknown ? unknown : certain)++;
      if (found.certainty == Certainty::unknown) {
        EXPECT_TRUE(near_tie) << seed << " " << question.kind << " " << found.bound;
      }
    }
  }
  EXPECT_GT(certain, 5 * unknown);
}

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
