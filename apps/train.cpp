// hans train: trains a model and writes the model file.
#include <chrono>

#include <hans/apps/commands.hpp>
#include <hans/apps/inputs.hpp>
#include <hans/apps/progress.hpp>
#include <hans/apps/results.hpp>
#include <hans/apps/training.hpp>
#include <hans/core/file.hpp>
#include <hans/core/version.hpp>
#include <hans/defenses/adversarial.hpp>
#include <hans/nn/evaluate.hpp>
#include <hans/nn/fit.hpp>

namespace hans::apps {
namespace {

/// A way of training that makes the model robust; checked when it is read.
struct DefenseChoice {
  Spec spec;
};
void read_value(std::string_view word, DefenseChoice& out) {
  out.spec = Spec::parse(word);
  defenses::from_spec(out.spec);
}
void append_value(std::string& out, const DefenseChoice& choice) { append(out, choice.spec); }
std::string value_help(const DefenseChoice&) { return "SPEC"; }

struct OptimizerChoice {
  nn::Optimizer optimizer = nn::FitOptions{}.optimizer;
};
void read_value(std::string_view word, OptimizerChoice& out) {
  out.optimizer = nn::Optimizer::from_spec(Spec::parse(word));
}
void append_value(std::string& out, const OptimizerChoice& choice) { append(out, choice.optimizer.spec()); }
std::string value_help(const OptimizerChoice&) { return "SPEC"; }

struct TrainOptions : Common {
  Required<DataName> data;
  Required<ModelName> model;
  Required<unsigned> epochs;
  Required<FileName> out;
  std::optional<DefenseChoice> defense = {};
  OptimizerChoice optimizer = {};
  unsigned batch = nn::FitOptions{}.batch;
  nn::Schedule schedule = nn::FitOptions{}.schedule;
  std::optional<double> clip = {};
  std::optional<float> smoothing = {};
  std::optional<DataName> eval = {};
  std::optional<FileName> checkpoint = {};
  bool resume = false;
  std::optional<PreprocessChoice> preprocess = {};

  static constexpr std::string_view command = "train";
  static constexpr std::string_view meaning = "train a model and write it to a file";
  static constexpr std::string_view details =
      "The defaults are one recipe for all built-in models; hans list models shows them. The recipe, the name and hash "
      "of the "
      "data, the seed and the version are stored in the model file. The same command gives the same bytes on every "
      "machine, "
      "also if it was killed and resumed. Nothing but the train part of the data is read unless --eval names more.";
  static constexpr std::string_view example =
      "hans train --data mnist-5k --model v1 --epochs 6 --out v1.hans --eval mnist-5k\n"
      "hans train --data mnist --model v1 --epochs 6 --out robust.hans --defense 'adversarial:attack=[fgsm:eps=0.3]'";
  static constexpr auto fields() {
    return std::tuple_cat(
        std::tuple(
            field("data", &TrainOptions::data,
                  "the images to learn from: mnist-5k (built in), mnist, fashion-mnist, a folder of IDX files or an "
                  ".npz file "
                  "with images and labels; the train part unless it ends in /test"),
            field("model", &TrainOptions::model,
                  "a built-in model (v1, small, madry, mlp, linear), or a model or ONNX file to go on from"),
            field("epochs", &TrainOptions::epochs, at_least(1), "how often every image is seen"),
            field("out", &TrainOptions::out, "where to write the model: v1.hans"),
            field("defense", &TrainOptions::defense, "how to make it robust; hans list defenses shows them", "none"),
            field("optimizer", &TrainOptions::optimizer,
                  "how weights follow gradients; hans list optimizers shows them"),
            field("batch", &TrainOptions::batch, at_least(1), "images in a step"),
            field("schedule", &TrainOptions::schedule, "how the learning rate changes over the run"),
            field("clip", &TrainOptions::clip, above(0), "largest l2 norm of a gradient", "no limit"),
            field("smoothing", &TrainOptions::smoothing, between_from(0, 1),
                  "share of a label given to the other classes", "0; 0.1 with a defence"),
            field("eval", &TrainOptions::eval,
                  "data to measure the accuracy on at the end; the test part unless it ends in /train", "none"),
            field("checkpoint", &TrainOptions::checkpoint, "save the state of the run there as it goes", "none"),
            field("resume", &TrainOptions::resume, "go on from the checkpoint, if it exists"),
            field("preprocess", &TrainOptions::preprocess, preprocess_meaning, "none")),
        common_fields());
  }
};

// The name of the architecture that a model file was made from, as far as its record tells.
std::string origin(const NamedModel& start) {
  if (start.path.empty()) return start.name;
  for (const auto& [key, value] : start.model.training) {
    if (key == "model") return value;
  }
  return "unknown";
}

nn::FitOptions fit_options(const TrainOptions& options) {
  nn::FitOptions fit;
  fit.epochs = options.epochs;
  fit.batch = options.batch;
  fit.optimizer = options.optimizer.optimizer;
  fit.schedule = options.schedule;
  fit.clip = options.clip.value_or(0);
  fit.loss = options.defense
                 ? defenses::from_spec(options.defense->spec, options.smoothing.value_or(defenses::usual_smoothing))
                 : nn::cross_entropy_loss(options.smoothing.value_or(0));
  fit.seed = options.seed;
  if (options.checkpoint) fit.checkpoint = options.checkpoint->text;
  fit.resume = options.resume;
  return fit;
}

// The attack inside a defence, its budget checked against the data.
void check_defense(const Spec& defense, const data::Dataset& data) {
  for (const Spec::Item& item : defense.items) {
    if (item.nested && item.key == "attack") {
      attacks::Attack::from_spec(Spec::parse(item.value)).budget(data.image_shape(), data.box());
    }
  }
}

/// Where the run stands, for people: a bar, and a line for each epoch.
class TrainingLog {
 public:
  /// `head` is printed before the first step.
  TrainingLog(std::string head, std::uint64_t samples, bool quiet, bool lines)
      : head_(std::move(head)), bar_("", "images", quiet), total_(samples), lines_(lines), epoch_begin_(Clock::now()) {}

  void operator()(const nn::Progress& at) {
    if (lines_ && !loss) print(head_);
    loss = at.loss;
    if (bar_.visible()) {
      bar_.label(text("epoch ", at.epoch_end ? at.epoch : at.epoch + 1, "/", at.epochs));
      bar_.update(at.samples, total_, text("loss ", fixed(at.loss, 4)));
    }
    if (!at.epoch_end || !lines_) return;
    const Clock::time_point now = Clock::now();
    const double seconds = std::chrono::duration<double>(now - epoch_begin_).count();
    epoch_begin_ = now;
    bar_.clear();
    print(text("epoch ", at.epoch, "/", at.epochs, "  loss ", fixed(at.loss, 4), "  ", fixed(seconds, 1), " s\n"));
  }

  void clear() { bar_.clear(); }

  std::optional<double> loss = {};  ///< mean over the last epoch; none if nothing was left to do

 private:
  using Clock = std::chrono::steady_clock;
  std::string head_;
  ProgressBar bar_;
  std::uint64_t total_;
  bool lines_;
  Clock::time_point epoch_begin_;
};

Json training_json(const NamedModel& made, const TrainingLog& log, double seconds) {
  Json training = Json::object();
  for (const auto& [key, value] : made.model.training) training.set(key, value);
  return Json::object({{"hans", build_version()},
                       {"model", made.name},
                       {"model_sha256", made.model.sha256},
                       {"architecture", made.model.net.architecture()},
                       {"preprocessing", made.model.preprocessing},
                       {"parameters", made.model.net.parameters()},
                       {"training", std::move(training)},
                       {"loss", log.loss ? Json(*log.loss) : Json()},
                       {"seconds", seconds}});
}

int run(const TrainOptions& options) {
  begin(options);
  const std::string out = options.out.value().text;
  const std::string checkpoint = options.checkpoint ? options.checkpoint->text : "";
  check_usage(!options.resume || options.checkpoint, "train: --resume needs --checkpoint FILE to go on from");
  check_distinct(std::vector<NamedFile>{{"--out", out}, {"--checkpoint", checkpoint}, {"--json", json_file(options)}});
  check_writable(out);
  if (!checkpoint.empty()) check_writable(checkpoint);

  NamedModel named = load_model(options.model.value().text, options.seed, options.preprocess);
  check_distinct(std::vector<NamedFile>{
      {"--model", named.path, false}, {"--checkpoint", checkpoint}, {"--json", json_file(options)}});
  const data::Dataset train = load_data(options.data.value().text, data::Part::train, named.model.net);
  if (options.defense) check_defense(options.defense->spec, train);
  data::Dataset test;  // what cannot be loaded fails now, not after the training
  if (options.eval) test = load_data(options.eval->text, data::Part::test, named.model.net);

  nn::FitOptions fit = fit_options(options);
  named.model.training =
      training_record(origin(named), train, fit, named.path.empty() ? std::string_view() : named.model.sha256);
  const std::string head =
      text(named.name, " (", with_commas(named.model.net.parameters()), " parameters) on ", with_commas(train.size()),
           " images of ", short_name(train.name()), "\nrecipe: ", nn::recipe(fit), "\n");
  const auto begin_time = std::chrono::steady_clock::now();
  TrainingLog log(head, static_cast<std::uint64_t>(train.size()) * options.epochs, options.quiet,
                  !options.quiet && !options.json_only());
  fit.progress = [&log](const nn::Progress& at) { log(at); };
  nn::fit(named.model.net, train, std::move(fit));
  log.clear();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_time).count();
  named.model.sha256 = nn::save_model(named.model, out);
  named.path = out;
  named.name = std::filesystem::path(out).filename().string();

  Json json = training_json(named, log, seconds);
  std::string report;
  if (log.loss) append(report, text("mean loss of the last epoch ", fixed(*log.loss, 4), "\n"));
  if (options.eval) {
    const std::vector<int> predictions = nn::predict(named.model.net, test, test.size());
    const std::size_t right = nn::count_right(predictions, test.labels());
    const Subject subject = subject_of(named, test, options.seed);
    json.set("evaluation", clean_json(subject, right, test.size()));
    append(report, text("accuracy on ", images_text(subject, test.size()), ": ", percent_of(right, test.size()),
                        " % (95 % interval ", interval_text(right, test.size()), ")\n"));
  }
  append(report, text("wrote ", out, "  sha256 ", named.model.sha256, "\n"));
  finish(options, report, json);
  return 0;
}

}  // namespace

Command train_command() { return make_command<TrainOptions, run>(); }

}  // namespace hans::apps
