// Own defence: a loss for each training step, here with an attack in a ball that grows over the run.
#include <hans/hans.hpp>

#include <cstdio>

namespace {

using namespace hans;

struct GrowingBall {
  Required<float> eps;

  static constexpr std::string_view name = "growing-ball";
  static constexpr std::string_view meaning = "learn from fgsm in a ball that grows to eps over the run";
  static constexpr std::string_view paper = "an example";
  static constexpr auto fields() {
    return std::tuple(field("eps", &GrowingBall::eps, at_least(0), "radius at the end, in data units"));
  }

  // One loss per sample. step.progress() goes from 0 to 1 over the run.
  Var loss(const nn::TrainStep& step) const {
    const float now = eps * static_cast<float>(step.progress());
    const Tensor images = defenses::attacked(step, attacks::RFgsm{.eps = now}, name);
    return cross_entropy(step.logits(step.batch.images), step.batch.labels) +
           cross_entropy(step.logits(images), step.batch.labels);
  }
};

}  // namespace

int main() {
  const data::Dataset train = data::load("mnist-5k", data::Part::train);
  const data::Samples test = data::load("mnist-5k").first(200);
  const std::vector<attacks::Attack> pgd{attacks::Pgd{.eps = 0.1F}};
  const defenses::Defense defense = GrowingBall{.eps = 0.1F};
  for (const nn::Loss& loss : {nn::cross_entropy_loss(), nn::Loss(defense)}) {
    nn::Sequential net{train.image_shape(), Rng{1}, flatten, nn::Linear{.units = 64}, relu, nn::Linear{.units = 10}};
    nn::fit(net, train, {.epochs = 2, .loss = loss});
    const attacks::Evaluation evaluation = attacks::evaluate(net, test, pgd, {});
    std::printf("%-40s robust accuracy %.1f %%\n", loss.spec().c_str(),
                100 * evaluation.of_all(evaluation.robust).value());
  }
}
