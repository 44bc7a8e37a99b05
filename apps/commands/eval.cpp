// hans eval: how many images a model gets right.
#include <hans/attacks/indicators.hpp>
#include <hans/core/version.hpp>
#include <hans/nn/evaluate.hpp>
#include "../commands.hpp"
#include "../inputs.hpp"
#include "../run/progress.hpp"
#include "../run/results.hpp"

namespace hans::apps {
namespace {

struct EvalOptions : Common {
  Required<ModelName> model;
  Required<DataName> data;
  std::optional<PreprocessChoice> preprocess = {};
  std::optional<std::uint64_t> limit = {};

  static constexpr std::string_view command = "eval";
  static constexpr std::string_view meaning = "measure the accuracy of a model";
  static constexpr std::string_view details =
      "Prints the share of correct predictions with its 95 % interval (Wilson). For the accuracy under attack use hans "
      "attack.";
  static constexpr std::string_view example = "hans eval v1.hans --data mnist-5k";
  static constexpr auto fields() {
    return with_common(field("MODEL", &EvalOptions::model, model_meaning),
                       field("data", &EvalOptions::data, data_meaning_test),
                       field("preprocess", &EvalOptions::preprocess, preprocess_meaning, "none"),
                       field("limit", &EvalOptions::limit, at_least(1), "only the first N images", "all"));
  }
};

int run(const EvalOptions& options) {
  begin(options);
  const NamedModel named = load_model(options.model.value().text, options.seed, options.preprocess);
  warn_if_untrained(named);
  const data::Dataset data = load_data(options.data.value().text, data::Part::test, named.model.net);
  const std::size_t count = first_count(options.limit, data.size());

  ProgressBar bar(text("eval ", named.name), "images", options.quiet);
  const std::vector<int> predictions =
      nn::predict(named.model.net, data, count, [&](std::size_t done) { bar.update(done, count); });
  bar.clear();
  const attacks::Share right(nn::count_correct(predictions, data.labels().first(count)), count);

  const std::string wrong = attacks::clean_accuracy_reason(right, named.model.net.classes());
  if (!wrong.empty() && !named.path.empty()) {
    note(text(wrong, ": are these the images of the model, with the --preprocess that it was trained with?"));
  }

  const Subject subject = subject_of(named, data, options.seed);
  const std::string report =
      text(subject.model, " on ", images_text(subject, count), ": ", with_commas(right.part()), " right, accuracy ",
           percent_of(right), " % (95 % interval ", interval_text(right), ")\n", "data sha256 ", subject.data_sha256,
           " | model sha256 ", subject.model_sha256, " | hans ", build_version(), "\n");
  finish(options, report, clean_json(subject, right));
  return 0;
}

}  // namespace

Command eval_command() { return make_command<EvalOptions, run>(); }

}  // namespace hans::apps
