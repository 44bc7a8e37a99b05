// MTL-IBP: its ends are interval training and adversarial training; between them lies their mixture.
#include <hans/defenses/mtl_ibp.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include <hans/attacks/pgd.hpp>
#include <hans/defenses/ibp.hpp>

#include "../attacks/attacks_testing.hpp"
#include "../nn/fit_testing.hpp"

namespace hans::mtl_ibp_test {
namespace {

using namespace testing_attacks;
using defenses::Defense;

Defense read(std::string_view spec) { return Defense::from_spec(Spec::parse(spec)); }

/// Losses of a batch at a step of 100, and the images of the attack that the method is to use.
struct Step {
  nn::Sequential net = nn::Sequential::parse(
      "5x5x1;conv2d:filters=3,kernel=3,bias=false;batch_norm;relu;flatten;linear:units=4", Rng(2));
  data::Samples batch = random_samples({5, 5, 1}, 6, 4, 51);
  Rng rng{9};
  std::uint32_t number = 60;

  template <class Compute>
  Tensor with(Compute compute) const {
    Tape tape, aside;
    nn::Kept kept;
    const DropoutKeys keys{rng, number, batch.index};
    std::vector<nn::BatchStatistics> statistics;
    const nn::RunStep at{net, batch, aside, rng, number, 100, kept};
    const nn::Mode mode{&keys, &statistics};
    return compute(nn::TrainStep{at, tape.watch(net.weights()), mode, tape});
  }
  Tensor losses(std::string_view spec) const {
    return with([&](const nn::TrainStep& step) { return nn::Loss(read(spec))(step).value(); });
  }
  Tensor attacked(const attacks::Pgd& pgd) const {
    return with([&](const nn::TrainStep& step) { return defenses::attacked(step, pgd, "mtl-ibp"); });
  }
};

TEST(MtlIbp, WithIntervalsAloneIsIbp) {
  const Step step;
  EXPECT_TRUE(identical(step.losses("mtl-ibp:eps=0.1,alpha=1"), step.losses("ibp:eps=0.1")));
  EXPECT_TRUE(identical(step.losses("mtl-ibp:eps=0.1,alpha=1,clean_start=1,ramp=0.8,warmup=0.1"),
                        step.losses("ibp:eps=0.1,clean_start=1,ramp=0.8,warmup=0.1")));
  Step early = step;
  early.number = 5;
  EXPECT_TRUE(identical(early.losses("mtl-ibp:eps=0.1,alpha=0.1,warmup=0.1"), early.losses("ibp:eps=0,ramp=0")));
}

TEST(MtlIbp, MixesBothLosses) {
  const Step step;
  const auto value = [](const Tensor& losses, std::size_t n) { return static_cast<double>(losses.data()[n]); };
  const Tensor clean = step.losses("ibp:eps=0,ramp=0"), proved = step.losses("ibp:eps=0.1,clean_weight=0");
  struct Case {
    std::string_view spec;
    unsigned steps;
    float size;
    double alpha, weight;
  };
  for (const Case& one : {Case{"mtl-ibp:eps=0.1,alpha=0.25", 1, 1, 0.25, double{0.3F}},
                          Case{"mtl-ibp:eps=0.1,alpha=0,clean_weight=0", 1, 1, 0, 0},
                          Case{"mtl-ibp:eps=0.1,alpha=0.5,steps=4,clean_weight=0.5", 4, 0.05F, 0.5, 0.5},
                          Case{"mtl-ibp:eps=0.1,alpha=0.5,steps=20,clean_weight=0", 20, 0.025F, 0.5, 0}}) {
    const Tensor images = step.attacked({.eps = 0.1F, .steps = one.steps, .alpha = one.size});
    const Tensor found = step.losses(one.spec);
    // Normalised by the clean batch, so both go through the network together, and the half behind counts.
    Step both = step;
    const Tensor other = both.with([&](const nn::TrainStep& at) {
      Tape tape;
      const Tensor x = both.batch.images;
      const nn::Sequential& net = both.net;
      const Var w = tape.constant(net.weights()[0]);
      const Var plain = conv2d(tape.constant(x), w, {}, {}), fooled = conv2d(tape.constant(images), w, {}, {});
      const std::size_t rows = plain.value().size() / 3;
      std::vector<double> mean(3), variance(3);
      for (std::size_t i = 0; i < plain.value().size(); ++i)
        mean[i % 3] += double{plain.value().data()[i]} / double(rows);
      for (std::size_t i = 0; i < plain.value().size(); ++i) {
        const double off = double{plain.value().data()[i]} - mean[i % 3];
        variance[i % 3] += off * off / double(rows);
      }
      Tensor y = fooled.value();
      for (std::size_t i = 0; i < y.size(); ++i) {
        const double z = (double{y.data()[i]} - mean[i % 3]) / std::sqrt(variance[i % 3] + 1e-5);  // scale 1, bias 0
        y.mutable_data()[i] = static_cast<real>(std::max(z, 0.0));
      }
      const Var logits =
          linear(flatten(tape.constant(y)), tape.constant(net.weights()[3]), tape.constant(net.weights()[4]));
      return cross_entropy(logits, at.batch.labels, 0).value();
    });
    for (std::size_t n = 0; n < found.size(); ++n) {
      const double robust = one.alpha * value(proved, n) + (1 - one.alpha) * value(other, n);
      EXPECT_NEAR(value(found, n), one.weight * value(clean, n) + (1 - one.weight) * robust, 2e-5) << one.spec;
    }
  }
}

TEST(MtlIbp, RefusesWhatMakesNoSense) {
  struct Case {
    std::string_view spec, says;
  };
  for (const Case& one : {Case{"mtl-ibp", "eps"}, Case{"mtl-ibp:eps=0.1", "alpha is missing"},
                          Case{"mtl-ibp:eps=0.1,alpha=2", "<= 1"}, Case{"mtl-ibp:eps=0.1,alpha=0.1,steps=0", "steps"},
                          Case{"mtl-ibp:eps=0.1,alpha=0.1,warmup=0.9", "mtl-ibp: a warmup of 0.9 and a ramp of 0.3"}}) {
    EXPECT_TRUE(contains(usage_error_of([&] { (void)read(one.spec); }), one.says)) << one.spec;
  }
  EXPECT_EQ(
      text(read("mtl-ibp:eps=0.1,alpha=0.05").spec()),
      "mtl-ibp:eps=0.1,alpha=0.05,steps=1,clean_weight=0.3,clean_start=0.3,warmup=0,ramp=0.3,l1=0,regularize=0,smoothing=0");
}

}  // namespace
}  // namespace hans::mtl_ibp_test
