// What the tutorials share: flags, data, the report's network and recipe.
#pragma once

#include <cstdint>
#include <hans/data/dataset.hpp>
#include <hans/nn/fit.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include "../arguments.hpp"

namespace hans::apps {

/// The flags that the tutorials of the report had, with its defaults, and what this project adds: data, seed, threads.
struct TutorialOptions {
  std::optional<DataName> data = {};
  unsigned nb_epochs = 6;
  unsigned batch_size = 128;
  float learning_rate = 0.1F;
  std::uint64_t seed = 1234;
  std::optional<unsigned> threads = {};
};

/// What fields() of a tutorial returns: its own flags, then these.
template <class... Own>
constexpr auto with_tutorial_fields(const Own&... own) {
  return std::tuple(
      own...,
      field("data", &TutorialOptions::data, "what hans train --data takes",
            "mnist if it is here, else the built-in mnist-5k"),
      field("nb_epochs", &TutorialOptions::nb_epochs, between(1, 1000000), "how often every image is seen"),
      field("batch_size", &TutorialOptions::batch_size, between(1, 1 << 20), "images in a training step"),
      field("learning_rate", &TutorialOptions::learning_rate, at_least(0), "of Adadelta"),
      field("seed", &TutorialOptions::seed, "of every random number"),
      field("threads", &TutorialOptions::threads, between(1, 1024), "threads to use; changes no result",
            "all processors"));
}

/// Both parts of the data that --data means; says on standard output which they are. Throws Error unless the images are
/// `rows` x `columns` x 1 with `classes` classes.
data::Split tutorial_data(const TutorialOptions& options, std::size_t rows = 28, std::size_t columns = 28,
                          std::size_t classes = 10);

/// The report's network, with its dropout.
nn::Sequential report_network(unsigned filters, std::size_t rows, std::size_t columns, unsigned classes, Rng rng);

/// The report's recipe: Adadelta with rho 0.95 and eps 1e-8, a constant rate, no clipping. Prints a line for each
/// epoch.
nn::FitOptions report_recipe(const TutorialOptions& options, nn::Loss loss);

/// main() of a tutorial: reads the flags (or prints the help), runs, and turns exceptions into one line and an exit
/// code.
int tutorial_main(std::string_view name, int count, char** words, std::string (*help)(), void (*run)(Arguments given));

/// The help of a tutorial.
std::string tutorial_help(std::string_view name, std::string_view meaning, std::span<const Argument> known);

/// The same for a tutorial with flags Options and body `run`.
template <class Options, void (*body)(const Options&)>
int tutorial_main(int count, char** words) {
  return tutorial_main(
      Options::command, count, words,
      [] { return tutorial_help(Options::command, Options::meaning, arguments_of<Options>()); },
      [](Arguments given) { body(read_arguments<Options>(given)); });
}

}  // namespace hans::apps
