// The black-box tutorial of cleverhans: attack a model of which nothing but its answers can be seen, through a
// substitute of one's own.
#include <hans/attacks/fgsm.hpp>
#include <hans/attacks/judge.hpp>
#include <hans/attacks/substitute.hpp>
#include <hans/nn/evaluate.hpp>
#include "../commands.hpp"
#include "../run/figures.hpp"
#include "tutorial.hpp"

using namespace hans;

namespace {

struct Options : apps::TutorialOptions {
  unsigned holdout = 150;
  unsigned data_aug = 6;
  unsigned nb_epochs_s = 10;
  float lmbda = 0.1F;

  static constexpr std::string_view command = "tutorial_mnist_blackbox";
  static constexpr std::string_view meaning = "an attack on a model of which only the answers are seen";
  static constexpr auto fields() {
    return apps::with_tutorial_fields(
        field("holdout", &Options::holdout, at_least(1), "test images that the attacker begins with"),
        field("data_aug", &Options::data_aug, between(1, 16), "rounds of training the substitute"),
        field("nb_epochs_s", &Options::nb_epochs_s, between(1, 1000000), "epochs in each of them"),
        field("lmbda", &Options::lmbda, at_least(0), "step by which new images are made"));
  }
};

constexpr float eps = 0.3F;

std::string accuracy(std::span<const int> predictions, std::span<const int> labels) {
  return text(apps::percent_of({nn::count_right(predictions, labels), labels.size()}), " %");
}

void run(const Options& options) {
  const data::Split mnist = apps::tutorial_data(options);
  check_usage(options.holdout < mnist.test.size(), "--holdout ", options.holdout, " leaves none of the ",
              mnist.test.size(), " test images");

  apps::print("\nTraining the model that is attacked\n");
  nn::Sequential black_box = apps::report_network(64, 28, 28, 10, Rng(options.seed));
  nn::fit(black_box, mnist.train, apps::report_recipe(options, nn::cross_entropy_loss(0.1F)));
  const data::Samples test = mnist.test.samples(options.holdout, mnist.test.size() - options.holdout);
  apps::print(
      text("Test accuracy of the black box: ", accuracy(nn::predict(black_box, test.images), test.labels), "\n"));

  apps::print(text("\nTraining a substitute on ", options.holdout, " images and the answers of the black box\n"));
  nn::Sequential substitute(Shape{28, 28, 1}, Rng(options.seed + 1), flatten, nn::Linear{.units = 200U}, relu,
                            nn::Linear{.units = 200U}, relu, nn::Linear{.units = 10U});
  attacks::SubstituteOptions how{.rounds = options.data_aug, .lambda = options.lmbda};
  how.fit.epochs = options.nb_epochs_s;
  how.fit.batch = options.batch_size;
  how.fit.seed = options.seed;
  how.progress = [&](unsigned round, std::size_t images) {
    apps::print(text("  round ", round + 1, " of ", options.data_aug, ": ", images, " questions asked\n"));
  };
  substitute = attacks::train_substitute(black_box, std::move(substitute), mnist.test.first(options.holdout), how);
  apps::print(
      text("Test accuracy of the substitute: ", accuracy(nn::predict(substitute, test.images), test.labels), "\n"));

  const attacks::Attack fgsm = attacks::Fgsm{.eps = eps};
  const attacks::Goal goal = away_from(test.labels);
  const attacks::Budget budget = fgsm.budget(black_box.input(), test.box);
  const auto robust = [&](const nn::Classifier& seen_by_attack) {
    const attacks::Crafted made = fgsm(seen_by_attack, test, goal);
    const attacks::Verdict verdict = attacks::judge(black_box, test, made.images, goal, budget);
    return text(apps::percent_of({test.size() - verdict.successes(), test.size()}), " %");
  };
  apps::print(text("\nAccuracy of the black box on images that fgsm with eps of ", eps, " made\n",
                   "  from the substitute alone (transfer):        ", robust(substitute), "\n",
                   "  from the black box itself, for comparison:   ", robust(black_box), "\n"));
}

}  // namespace

int main(int count, char** words) { return apps::tutorial_main<Options, run>(count, words); }
