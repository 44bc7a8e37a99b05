// The JSMA tutorial of the cleverhans v1.0.0 report: turn each of a few digits into each of the nine others.
#include <filesystem>
#include <hans/attacks/jsma.hpp>
#include <hans/attacks/judge.hpp>
#include <hans/core/file.hpp>
#include <hans/nn/evaluate.hpp>
#include <hans/nn/model_file.hpp>
#include "../commands.hpp"
#include "../inputs.hpp"
#include "tutorial.hpp"

using namespace hans;

namespace {

struct Options : apps::TutorialOptions {
  apps::FileName train_dir{"."};
  apps::FileName filename{"mnist.hans"};
  unsigned nb_classes = 10;
  unsigned img_rows = 28, img_cols = 28;
  unsigned nb_filters = 64;
  unsigned nb_pool = 2;
  unsigned source_samples = 5;

  static constexpr std::string_view command = "tutorial_mnist_jsma";
  static constexpr std::string_view meaning = "the report's tutorial on the Jacobian-based saliency map attack";
  static constexpr auto fields() {
    return apps::with_tutorial_fields(
        field("train_dir", &Options::train_dir, "folder of the saved model"),
        field("filename", &Options::filename, "the saved model; used again if it was trained the same way"),
        field("nb_classes", &Options::nb_classes, between(2, 1000), "classes of the data"),
        field("img_rows", &Options::img_rows, between(1, 4096), "height of an image"),
        field("img_cols", &Options::img_cols, between(1, 4096), "width of an image"),
        field("nb_filters", &Options::nb_filters, between(1, 4096), "filters of the first convolution"),
        field("nb_pool", &Options::nb_pool, "not used, as in the original: its network has no pooling"),
        field("source_samples", &Options::source_samples, at_least(1), "test images to attack"));
  }
};

// The network of the file, if it is the one that the flags describe; else a newly trained one, saved there.
nn::Sequential trained_network(const Options& options, const data::Dataset& train) {
  const std::string path = text(options.train_dir.text, "/", options.filename.text);
  nn::Model model{apps::report_network(options.nb_filters, options.img_rows, options.img_cols, options.nb_classes,
                                       Rng(options.seed))};
  const nn::FitOptions recipe = apps::report_recipe(options, nn::cross_entropy_loss());
  model.training = apps::training_record(text("tutorial, ", options.nb_filters, " filters"), train, recipe);
  if (std::filesystem::is_regular_file(path)) {
    const nn::Model saved = nn::load_model(path);
    check(saved.training == model.training, path,
          " holds a model that was trained in another way; give another --filename");
    apps::print(text("Using ", path, "\n"));
    return saved.net;
  }
  check_writable(path);
  apps::print("\nTraining\n");
  nn::fit(model.net, train, recipe);
  nn::save_model(model, path);
  apps::print(text("Saved ", path, "\n"));
  return model.net;
}

void run(const Options& options) {
  const data::Split mnist = apps::tutorial_data(options, options.img_rows, options.img_cols, options.nb_classes);
  const nn::Sequential net = trained_network(options, mnist.train);
  const std::size_t right = nn::count_right(nn::predict(net, mnist.test, mnist.test.size()), mnist.test.labels());
  const auto share = [](double part, double whole) { return whole > 0 ? fixed(part / whole, 4) : std::string("none"); };
  apps::print(text("Test accuracy on legitimate test examples: ",
                   share(static_cast<double>(right), static_cast<double>(mnist.test.size())), "\n"));

  const data::Samples sources = mnist.test.first(options.source_samples);
  const std::vector<int> read_as = nn::predict(net, sources.images);
  apps::print(text("\nCrafting ", sources.size(), " * ", options.nb_classes - 1, " adversarial examples\n"));

  // Of each pair of an image that is read correctly and another class: success, and the share of the features changed.
  const attacks::Attack jsma = attacks::Jsma{.gamma = 0.1F, .theta = 1};
  const auto features = static_cast<double>(mnist.test.image_shape().elements());
  double attempts = 0, successes = 0, changed = 0, changed_in_successes = 0;
  double cells = 0, score = 0, original_changed = 0;  // as the original counts: cells, +1 or -1, 2 features a step
  for (int target = 0; target < static_cast<int>(options.nb_classes); ++target) {
    std::vector<std::size_t> others;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      if (sources.labels[i] != target) others.push_back(i);
    }
    cells += static_cast<double>(sources.size());
    if (others.empty()) continue;
    const data::Samples samples = sources.select(others);
    const attacks::Crafted made = jsma(net, samples, towards(target));
    const attacks::Verdict verdict =
        attacks::judge(net, samples, made.images, towards(target), jsma.budget(net.input(), samples.box));
    std::string line = text("  turned into ", target, ":");
    for (std::size_t k = 0; k < others.size(); ++k) {
      const attacks::Finding& finding = verdict.findings[k];
      score += finding.success ? 1 : -1;
      original_changed += 2 * made.notes[k].steps / features;
      if (read_as[others[k]] != samples.labels[k]) continue;  // wrong from the start: no attempt
      attempts += 1;
      successes += finding.success ? 1 : 0;
      changed += static_cast<double>(finding.distance.l0) / features;
      if (!finding.success) continue;
      changed_in_successes += static_cast<double>(finding.distance.l0) / features;
      append(line, text(" a ", samples.labels[k], " (", finding.distance.l0, " pixels)"));
    }
    apps::print(line + "\n");
  }
  const double tried = static_cast<double>(sources.size()) * (options.nb_classes - 1);
  apps::print(text(
      "\nAvg. rate of successful adv. examples ", share(successes, attempts), " (", successes, " of ", attempts, ")\n",
      "Avg. rate of perturbed features ", share(changed, attempts), "\n",
      "Avg. rate of perturbed features for successful adversarial examples ", share(changed_in_successes, successes),
      "\n", "(The original would have printed ", share(score, tried), " and ", share(original_changed, cells),
      ": it counted a failure as -1 and averaged over ", cells, " cells, of which only ", tried, " are attempts.)\n"));
}

}  // namespace

int main(int count, char** words) { return apps::tutorial_main<Options, run>(count, words); }
