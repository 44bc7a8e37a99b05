// The FGSM tutorial of the cleverhans v1.0.0 report: train, attack with eps 0.3, train against the attack, attack
// again.
#include <hans/attacks/evaluate.hpp>
#include <hans/attacks/fgsm.hpp>
#include <hans/core/file.hpp>
#include <hans/defenses/adversarial.hpp>
#include <hans/nn/evaluate.hpp>
#include <hans/nn/model_file.hpp>
#include "../commands.hpp"
#include "../run/figures.hpp"
#include "tutorial.hpp"

using namespace hans;

namespace {

struct Options : apps::TutorialOptions {
  apps::FileName train_dir{"."};
  std::optional<apps::FileName> filename = {};

  static constexpr std::string_view command = "tutorial_mnist_fgsm";
  static constexpr std::string_view meaning =
      "the report's tutorial on the fast gradient sign method and adversarial training";
  static constexpr auto fields() {
    return apps::with_tutorial_fields(
        field("train_dir", &Options::train_dir, "folder of the saved model"),
        field("filename", &Options::filename, "save the first model under this name, such as mnist.hans", "not saved"));
  }
};

constexpr float eps = 0.3F;
constexpr float smoothing = 0.1F;  // the labels are 0.9 for the right class and 0.1 / 9 for each other

// The accuracy on the clean and on the attacked test images.
void report(const nn::Classifier& net, const data::Dataset& test) {
  const std::vector<attacks::Attack> fgsm{attacks::Fgsm{.eps = eps}};
  const attacks::Evaluation found = attacks::evaluate(net, test.first(test.size()), fgsm, {});
  const attacks::Share robust = found.of_all(found.attacks[0].robust_count);
  apps::print(text("Test accuracy on legitimate test examples: ", apps::percent_of(found.of_all(found.right)), " %\n",
                   "Test accuracy on adversarial examples:     ", apps::percent_of(robust), " % (95 % interval ",
                   apps::interval_text(robust), ")\n"));
}

// What the original printed: every image is attacked away from the model's own prediction, also those that were wrong
// before, and nothing is clipped, so that pixels leave [0, 1] and are no pixels any more.
void report_like_the_original(const nn::Classifier& net, const data::Dataset& test) {
  constexpr std::size_t batch = 500;
  std::size_t right = 0;
  for (std::size_t first = 0; first < test.size(); first += batch) {
    const data::Samples samples = test.samples(first, std::min(batch, test.size() - first));
    const attacks::Crafted made =
        attacks::Attack(attacks::FgsmCleverhans100{.eps = eps})(net, samples, away_from(samples.labels));
    right += nn::count_right(nn::predict(net, made.images), samples.labels);
  }
  apps::print(text("(The original would have printed ", apps::percent_of({right, test.size()}),
                   " %: it did not clip, so its images leave [0, 1].)\n"));
}

void run(const Options& options) {
  const std::string path = options.filename ? text(options.train_dir.text, "/", options.filename->text) : "";
  if (!path.empty()) check_writable(path);
  const data::Split mnist = apps::tutorial_data(options);

  apps::print("\nTraining on the images as they are\n");
  nn::Sequential net = apps::report_network(64, 28, 28, 10, Rng(options.seed));
  nn::fit(net, mnist.train, apps::report_recipe(options, nn::cross_entropy_loss(smoothing)));
  report(net, mnist.test);
  report_like_the_original(net, mnist.test);
  if (!path.empty()) {
    nn::save_model({net}, path);
    apps::print(text("Saved ", path, "\n"));
  }

  apps::print("\nTraining again, from the start, on clean and adversarial images in equal parts\n");
  nn::Sequential robust = apps::report_network(64, 28, 28, 10, Rng(options.seed));
  const nn::Loss loss = defenses::adversarial_training(attacks::Fgsm{.eps = eps}, {.smoothing = smoothing});
  nn::fit(robust, mnist.train, apps::report_recipe(options, loss));
  report(robust, mnist.test);
  report_like_the_original(robust, mnist.test);
}

}  // namespace

int main(int count, char** words) { return apps::tutorial_main<Options, run>(count, words); }
