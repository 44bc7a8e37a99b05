// hans train: trains a model and writes the model file.
#include <array>
#include <chrono>

#include <hans/core/file.hpp>
#include <hans/core/hash.hpp>
#include <hans/core/version.hpp>
#include <hans/defenses/defense.hpp>
#include <hans/defenses/held_out.hpp>
#include <hans/nn/evaluate.hpp>
#include <hans/nn/finish.hpp>
#include <hans/nn/fit.hpp>
#include <hans/nn/intervals.hpp>
#include "../commands.hpp"
#include "../inputs.hpp"
#include "../report/training_page.hpp"
#include "../run/progress.hpp"
#include "../run/results.hpp"

namespace hans::apps {
namespace {

/// A way of training that makes the model robust; checked when it is read.
struct DefenseChoice {
  Spec spec;
};
void read_value(std::string_view word, DefenseChoice& out) {
  out.spec = Spec::parse(word);
  (void)defenses::Defense::from_spec(out.spec);
}
void append_value(std::string& out, const DefenseChoice& choice) { append(out, choice.spec); }
std::string value_help(const DefenseChoice&) { return "SPEC"; }

struct OptimizerChoice : FromSpec<nn::Optimizer> {
  OptimizerChoice() : FromSpec{nn::FitOptions{}.optimizer} {}
};

struct ScheduleChoice : FromSpec<nn::Schedule> {
  ScheduleChoice() : FromSpec{nn::FitOptions{}.schedule} {}
};

/// The weights that training begins with.
enum class Init { glorot, intervals };
constexpr std::array<std::string_view, 2> enum_names(Init) { return {"glorot", "intervals"}; }

/// The mean and variance that batch normalisation has in the end.
enum class StoredStatistics { running, population };
constexpr std::array<std::string_view, 2> enum_names(StoredStatistics) { return {"running", "population"}; }

struct TrainOptions : Common {
  Required<DataName> data;
  Required<StartName> model;
  Required<unsigned> epochs;
  Required<OutputName> out;
  std::optional<DefenseChoice> defense = {};
  std::optional<Init> init = {};
  OptimizerChoice optimizer = {};
  unsigned batch = nn::FitOptions{}.batch;
  ScheduleChoice schedule = {};
  std::optional<double> clip = {};
  std::optional<float> smoothing = {};
  std::optional<FromSpec<nn::Augment>> augment = {};
  std::optional<std::uint64_t> held_out = {};
  std::optional<float> eps = {};
  defenses::Select select = defenses::Select::last;
  std::optional<OutputName> report = {};
  StoredStatistics statistics = StoredStatistics::running;
  nn::NumberType weights = nn::NumberType::float32;
  std::optional<DataName> eval = {};
  std::optional<OutputName> checkpoint = {};
  bool resume = false;
  unsigned patience = nn::FitOptions{}.patience;
  std::optional<PreprocessChoice> preprocess = {};

  static constexpr std::string_view command = "train";
  static constexpr std::string_view meaning = "train a model and write it to a file";
  static constexpr std::string_view details =
      "The defaults are one recipe for all built-in models (hans list models). The model file records the recipe, the "
      "name and hash of the data, the seed and the version. The same command gives the same bytes on every machine, "
      "also after a kill and --resume. Only the train part of the data is read, unless --eval names more.";
  static constexpr std::string_view example =
      "hans train --data mnist-5k --model v1 --epochs 6 --out v1.hans --eval mnist-5k\n"
      "hans train --data mnist --model v1 --epochs 6 --out robust.hans --defense 'adversarial:attack=[fgsm:eps=0.3]'";
  static constexpr auto fields() {
    return with_common(
        field("data", &TrainOptions::data,
              "the images to learn from: mnist-5k (built in), a folder, a file or another name that hans list data "
              "shows; the train part unless it ends in /test"),
        field("model", &TrainOptions::model,
              "a built-in model such as v1 (hans list models), an architecture such as "
              "'28x28x1;flatten;linear:units=10', or a model or ONNX file to go on from"),
        field("epochs", &TrainOptions::epochs, at_least(1), "how often every image is seen"),
        field("out", &TrainOptions::out, "where to write the model: v1.hans, or v1.onnx or v1.safetensors"),
        field("defense", &TrainOptions::defense, "how to make it robust; hans list defenses shows them", "none"),
        field(
            "init", &TrainOptions::init,
            "the weights of a new model: uniform by fan (Glorot 2010), or normal, for defences by intervals (Shi 2021)",
            "glorot"),
        field("optimizer", &TrainOptions::optimizer, "how weights follow gradients; hans list optimizers shows them"),
        field("batch", &TrainOptions::batch, at_least(1), "images in a step"),
        field("schedule", &TrainOptions::schedule,
              "how the learning rate changes over the run; hans list schedules shows them"),
        field("clip", &TrainOptions::clip, above(0), "largest l2 norm of a gradient", "no limit"),
        field("smoothing", &TrainOptions::smoothing, between_from(0, 1), "share of a label given to the other classes",
              "0, or the defence's own"),
        field("augment", &TrainOptions::augment,
              "change training images at random: augment:shift=1 moves each by up to a pixel each "
              "way, augment:flip=true mirrors half of them",
              "none"),
        field("held-out", &TrainOptions::held_out, at_least(1),
              "so many images, the last of the data, are not learned from; after each epoch the network is measured on "
              "them",
              "none"),
        field("eps", &TrainOptions::eps, at_least(0),
              "the radius in which held-out images are attacked, and certified by intervals", "the defence's own"),
        field("select", &TrainOptions::select,
              "with --held-out, end with the weights of the epoch that does best on them; of a defence with a ramp, "
              "certified and attacked count within the whole radius from the start"),
        field("report", &TrainOptions::report, "write a page with the course of the training", "none"),
        field("statistics", &TrainOptions::statistics,
              "what batch normalisation has in the end: means that followed the training, or those of all images in "
              "whole batches"),
        field("weights", &TrainOptions::weights,
              "float16 folds batch normalisation into the layer before it and rounds every number to IEEE binary16, "
              "which the file then holds"),
        field("eval", &TrainOptions::eval,
              "data to measure the accuracy on at the end; the test part unless it ends in /train", "none"),
        field("checkpoint", &TrainOptions::checkpoint, "save the state of the run there as it goes", "none"),
        field("resume", &TrainOptions::resume, "go on from the checkpoint, if it exists"),
        field("patience", &TrainOptions::patience,
              "epochs in a row after which a network may give one class for everything before training ends; 0: all"),
        field("preprocess", &TrainOptions::preprocess, preprocess_meaning, "none"));
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
  fit.optimizer = options.optimizer.value;
  fit.schedule = options.schedule.value;
  fit.clip = options.clip.value_or(0);
  fit.loss = options.defense ? defenses::Defense::from_spec(options.defense->spec, options.smoothing)
                             : nn::cross_entropy_loss(options.smoothing.value_or(0));
  if (options.augment) fit.augment = options.augment->value;
  fit.seed = options.seed;
  if (options.checkpoint) fit.checkpoint = options.checkpoint->text;
  fit.resume = options.resume;
  fit.patience = options.patience;
  return fit;
}

/// The radius of the ball around held-out images: --eps, or that of the defence; 0: none.
float held_out_eps(const TrainOptions& options) {
  if (options.eps) return *options.eps;
  float eps = 0;
  if (options.defense) {
    const Spec::Item* const own = options.defense->spec.find("eps");
    if (own != nullptr) (void)read_number(own->value, eps);
  }
  return eps;
}

/// Where the run stands, for people: a bar, and a line for each epoch.
class TrainingLog {
 public:
  /// `head` is printed before the first step; `held_out` must outlive the log.
  TrainingLog(std::string head, std::uint64_t samples, bool quiet, bool lines,
              const std::vector<defenses::HeldOutFigures>& held_out)
      : held_out_(held_out),
        head_(std::move(head)),
        bar_("", "images", quiet),
        total_(samples),
        lines_(lines),
        epoch_begin_(Clock::now()) {}

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
    print(text("epoch ", at.epoch, "/", at.epochs, "  loss ", fixed(at.loss, 4), "  ", fixed(seconds, 1), " s",
               held_out_.empty() ? "" : text("  held out: ", held_out_words(held_out_.back())), "\n"));
  }

  void clear() { bar_.clear(); }

  std::optional<double> loss = {};  ///< mean over the last epoch; none if nothing was left to do

 private:
  using Clock = std::chrono::steady_clock;
  const std::vector<defenses::HeldOutFigures>& held_out_;  // of each epoch so far
  std::string head_;
  ProgressBar bar_;
  std::uint64_t total_;
  bool lines_;
  Clock::time_point epoch_begin_;
};

Json training_json(const NamedModel& made, const TrainingLog& log, std::span<const defenses::HeldOutFigures> held_out,
                   double seconds) {
  return Json::object({{"hans", build_version()},
                       {"model", made.name},
                       {"model_sha256", made.model.sha256},
                       {"architecture", made.model.net.architecture()},
                       {"preprocessing", made.model.preprocessing},
                       {"weights_sha256", nn::weights_sha256(made.model)},
                       {"parameters", made.model.net.parameters()},
                       {"training", facts_json(made.model.training)},
                       {"loss", optional_json(log.loss)},
                       {"held_out", held_out_json(held_out)},
                       {"seconds", seconds}});
}

/// What is done when the last step is done.
void finish_training(nn::Model& model, const TrainOptions& options, const data::Dataset& train) {
  if (options.statistics == StoredStatistics::population) {
    nn::use_population_statistics(model.net, train, train.size() - options.held_out.value_or(0), options.batch);
  }
  if (options.weights == nn::NumberType::float16) {
    model.net = nn::folded(model.net);
    nn::round_to_float16(model.net);
  }
  model.numbers = options.weights;
}

/// What to do for a file that hans train does not write.
std::string elsewhere(const std::string& out) {
  const std::filesystem::path path(out);
  const std::string ending = path.extension().string();
  const auto as = [path](std::string_view other) {
    return std::filesystem::path(path).replace_extension(other).string();
  };
  if (ending == ".npz") {
    return text("train to ", in_quotes(as(".hans")), ", then hans convert ", as(".hans"), " ", out);
  }
  if (ending == ".pt" || ending == ".pth" || ending == ".bin") {
    return text("train to ", in_quotes(as(".safetensors")), ", then in Python torch.save(safetensors.torch.load_file('",
                as(".safetensors"), "'), '", out, "')");
  }
  const bool of_tensorflow = ending == ".h5" || ending == ".keras" || ending == ".pb" || ending == ".tflite";
  return of_tensorflow ? "write .onnx, which the converters of TensorFlow read" : "";
}

int run(const TrainOptions& options) {
  const std::string out = options.out.value().text;
  check_ending("--out", out, std::to_array<std::string_view>({".hans", ".onnx", ".safetensors", ""}), elsewhere(out));
  check_usage(!options.resume || options.checkpoint, "train: --resume needs --checkpoint FILE to go on from");
  check_usage(options.held_out || (!options.eps && options.select == defenses::Select::last && !options.report),
              "train: --eps, --select and --report are about held-out images; say how many with --held-out N");
  const std::string& start = options.model.value().text;
  std::vector<NamedFile> more;
  if (is_path(start) && !same_file(start, out)) more.push_back({"--model", start, false});
  begin(options, more);

  NamedModel named = load_model(options.model.value().text, options.seed, options.preprocess);
  const data::Dataset train = load_data(options.data.value().text, data::Part::train, named.model.net);
  data::Dataset test;  // what cannot be loaded fails now, not after the training
  if (options.eval) test = load_data(options.eval->text, data::Part::test, named.model.net);
  named.model.numbers = nn::NumberType::float32;
  (void)dump_as(named.model, out);  // a layer that the format does not have is refused now, not after the training

  check_usage(!options.init || named.path.empty(), "train: --init draws the weights of a new model, and ",
              visible(named.path), " has some; leave it out to go on from them");
  const bool for_intervals = options.init == Init::intervals;
  if (for_intervals) nn::start_for_intervals(named.model.net, Rng(options.seed));
  std::vector<defenses::HeldOutFigures> held_out;
  nn::FitOptions fit = fit_options(options);
  if (options.held_out) {
    const auto held = static_cast<std::size_t>(std::min<std::uint64_t>(*options.held_out, train.size()));
    const auto keep = [&held_out](std::span<const defenses::HeldOutFigures> epochs) {
      held_out.assign(epochs.begin(), epochs.end());
    };
    fit = defenses::watching(std::move(fit),
                             {train.samples(train.size() - held, held), held_out_eps(options), options.select, keep},
                             train.size());
  }
  named.model.training =
      training_record(origin(named), train, fit, named.path.empty() ? std::string_view() : named.model.sha256);
  Facts& facts = named.model.training;
  if (for_intervals) facts.emplace_back("init", enum_name(Init::intervals));
  if (options.statistics != StoredStatistics::running) facts.emplace_back("statistics", enum_name(options.statistics));
  if (options.weights != nn::NumberType::float32) facts.emplace_back("weights", enum_name(options.weights));
  const std::string head = text(named.name, " (", with_commas(named.model.net.parameters()), " parameters) on ",
                                with_commas(train.size() - fit.held_out), " images of ", short_name(train.name()),
                                "\nrecipe: ", nn::recipe(fit), "\n");
  const auto begin_time = std::chrono::steady_clock::now();
  TrainingLog log(head, static_cast<std::uint64_t>(train.size() - fit.held_out) * options.epochs, options.quiet,
                  !options.quiet && !options.json_only(), held_out);
  fit.progress = [&log](const nn::Progress& at) { log(at); };
  nn::fit(named.model.net, train, std::move(fit));
  log.clear();
  finish_training(named.model, options, train);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_time).count();
  const std::string bytes = dump_as(named.model, out);
  write_file(out, bytes);
  named.model.sha256 = sha256(bytes);
  named.path = out;
  named.name = visible(std::filesystem::path(out).filename().string());

  Json json = training_json(named, log, held_out, seconds);
  std::string report;
  if (log.loss) append(report, text("mean loss of the last epoch ", fixed(*log.loss, 4), "\n"));
  if (options.eval) {
    const std::vector<int> predictions = nn::predict(named.model.net, test, test.size());
    const attacks::Share right(nn::count_correct(predictions, test.labels()), test.size());
    const Subject subject = subject_of(named, test, options.seed);
    json.set("evaluation", clean_json(subject, right));
    append(report, text("accuracy on ", images_text(subject, test.size()), ": ", percent_of(right),
                        " % (95 % interval ", interval_text(right), ")\n"));
  }
  append(report, text("wrote ", visible(out), "  sha256 ", named.model.sha256, "\nweights_sha256 ",
                      nn::weights_sha256(named.model), "\n"));
  if (options.report) {
    write_file(options.report->text, training_page(named.name, named.model.training, held_out,
                                                   static_cast<std::size_t>(*options.held_out), held_out_eps(options)));
    append(report, text("wrote ", visible(options.report->text), "\n"));
  }
  finish(options, report, json);
  return 0;
}

}  // namespace

Command train_command() { return make_command<TrainOptions, run>(); }

}  // namespace hans::apps
