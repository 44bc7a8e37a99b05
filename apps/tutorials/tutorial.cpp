// What the tutorials share: flags, data, the report's network and recipe.
#include "tutorial.hpp"
#include <algorithm>
#include <cstdio>
#include <exception>
#include <hans/core/parallel.hpp>
#include <vector>
#include "../commands.hpp"

namespace hans::apps {
namespace {

std::string chosen_data(const TutorialOptions& options) {
  if (options.data) return options.data->text;
  for (const data::DataInfo& info : data::list()) {
    if (info.name == "mnist" && !info.found.empty()) return info.name;
  }
  print(
      "MNIST is not here (set HANS_DATA to the folder of its four files): the built-in mnist-5k is used instead, a "
      "thirteenth of it. Accuracies are lower; more --nb_epochs help.\n");
  return "mnist-5k";
}

}  // namespace

data::Split tutorial_data(const TutorialOptions& options, std::size_t rows, std::size_t columns, std::size_t classes) {
  if (options.threads) set_thread_count(*options.threads);
  const std::string name = chosen_data(options);
  data::Split split{data::load(name, data::Part::train, classes), data::load(name, data::Part::test, classes)};
  for (const data::Dataset* part : {&split.train, &split.test}) {
    const Shape wanted{rows, columns, 1};
    check_usage(part->image_shape() == wanted, "the tutorial takes images of ", wanted, ", but those of ", part->name(),
                " are ", part->image_shape());
    check_usage(part->classes() == classes, "the tutorial was told of ", classes, " classes, but ", part->name(),
                " has ", part->classes());
  }
  print(text("Data: ", split.train.size(), " images of ", split.train.name(), ", ", split.test.size(), " of ",
             split.test.name(), ".\n"));
  return split;
}

nn::Sequential report_network(unsigned filters, std::size_t rows, std::size_t columns, unsigned classes, Rng rng) {
  return {Shape{rows, columns, 1},
          rng,
          nn::Dropout{.rate = 0.2F},
          nn::Conv2d{.filters = filters, .kernel = 8U, .stride = 2, .padding = same},
          relu,
          nn::Conv2d{.filters = 2 * filters, .kernel = 6U, .stride = 2},
          relu,
          nn::Conv2d{.filters = 2 * filters, .kernel = 5U},
          relu,
          nn::Dropout{.rate = 0.5F},
          flatten,
          nn::Linear{.units = classes}};
}

nn::FitOptions report_recipe(const TutorialOptions& options, nn::Loss loss) {
  nn::FitOptions fit;
  fit.epochs = options.nb_epochs;
  fit.batch = options.batch_size;
  fit.optimizer = nn::Adadelta{.rate = options.learning_rate, .rho = 0.95F, .eps = 1e-8F};
  fit.schedule = nn::Schedule::constant;
  fit.loss = std::move(loss);
  fit.seed = options.seed;
  fit.progress = [](const nn::Progress& at) {
    if (at.epoch_end) print(text("  epoch ", at.epoch, " of ", at.epochs, ": loss ", fixed(at.loss, 4), "\n"));
  };
  return fit;
}

std::string tutorial_help(std::string_view name, std::string_view meaning, std::span<const Argument> known) {
  Facts facts;
  for (const Argument& argument : known) {
    facts.emplace_back(shown_name(argument.info.name),
                       text(argument.info.meaning, " (default ", argument.info.default_text, ")"));
  }
  return text(name, ": ", meaning, "\n\nusage: ", name, " [--FLAG VALUE ...]\n\n", aligned(facts));
}

int tutorial_main(std::string_view name, int count, char** words, std::string (*help)(), void (*run)(Arguments given)) {
  const auto complain = [name](std::string_view message, int code) {
    const std::string start = text(name, ": ");
    const bool named = message.starts_with(start);  // by the reader of the flags
    std::fprintf(stderr, "%s%s\n", named ? "" : start.c_str(), visible(message).c_str());
    return code;
  };
  try {
    const std::vector<std::string_view> given(words + (count > 0 ? 1 : 0), words + count);
    if (std::find(given.begin(), given.end(), "--help") != given.end()) {
      print(help());
    } else {
      run(given);
    }
    return 0;
  } catch (const UsageError& error) {
    return complain(error.what(), 2);
  } catch (const std::exception& error) {
    return complain(error.what(), 1);
  }
}

}  // namespace hans::apps
