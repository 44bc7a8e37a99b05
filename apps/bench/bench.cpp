// hans bench: how fast this build is on this machine.
#include "bench.hpp"

#include <algorithm>
#include <iterator>

#include <hans/core/error.hpp>
#include "../commands.hpp"
#include "../run/progress.hpp"

namespace hans::apps {
namespace {

/// What --only and --batch take: one or several, joined by commas.
struct Only {
  std::vector<Section> sections;
};
struct Batches {
  std::vector<std::size_t> sizes;
};

void read_value(std::string_view word, Only& out) {
  each_part(word, ",", [&out](std::string_view name) {
    static constexpr auto names = enum_names(Section{});
    const auto* const found = std::ranges::find(names, name);
    const bool known = found != names.end() && name != enum_name(Section::bandwidth);  // which belongs to the peak
    check_usage(known, in_quotes(name), " is none of peak, sgemm, layers, steps and attacks");
    out.sections.push_back(static_cast<Section>(found - names.begin()));
  });
}
void append_value(std::string&, const Only&) {}
std::string value_help(const Only&) { return "peak|sgemm|layers|steps|attacks"; }

void read_value(std::string_view word, Batches& out) {
  static constexpr std::uint64_t most = 65536;
  each_part(word, ",", [&out](std::string_view size) {
    std::uint64_t value = 0;
    check_usage(read_number(size, value) && value >= 1 && value <= most, "a batch has 1 to ", most, " images, not ",
                in_quotes(size));
    out.sizes.push_back(static_cast<std::size_t>(value));
  });
}
void append_value(std::string&, const Batches&) {}
std::string value_help(const Batches&) { return "N"; }

struct BenchOptions : Common {
  std::optional<Many<Only>> only = {};
  std::optional<Many<ModelName>> model = {};
  std::optional<Many<Batches>> batch = {};
  unsigned rounds = 5;
  double seconds = 0.2;

  static constexpr std::string_view command = "bench";
  static constexpr std::string_view meaning = "measure the speed of this build on this machine";
  static constexpr std::string_view details =
      "Measures, each for some rounds: what the processor and the memory can do (peak); products of matrices (sgemm); "
      "every layer with weights, forward and both gradients (layers); whole steps of networks: train (one step of "
      "gradient descent), infer (the logits) and xgrad (the gradient with respect to the images, which attacks need) "
      "(steps); and making adversarial images with fgsm and jsma on a network trained for it (attacks). A figure is "
      "the median of the rounds; beside it stand the least and the most.\n"
      "\n"
      "GFLOP/s are 10^9 floating-point operations a second, two for a multiply-add, those with padding included. The "
      "share of the peak says how much of the machine's arithmetic is used; since other programs and heat change what "
      "the machine can do, the peak is measured again before and after every figure. Run it on an idle machine; all of "
      "it takes minutes. No result of the other commands depends on it.";
  static constexpr std::string_view example =
      "hans bench\n"
      "hans bench --only peak,sgemm\n"
      "hans bench --only steps --model v1 --batch 128 --json -";
  static constexpr auto fields() {
    return with_common(field("only", &BenchOptions::only, "measure only these groups: several joined by commas", "all"),
                       field("model", &BenchOptions::model,
                             "for layers and steps: a built-in model or a model file; may be given several times",
                             "v1, small, madry and mlp"),
                       field("batch", &BenchOptions::batch, "images in a batch: several joined by commas",
                             "1,16,128,1024 for steps and 128 for layers"),
                       field("rounds", &BenchOptions::rounds, between(1, 1000), "how often each figure is measured"),
                       field("seconds", &BenchOptions::seconds, between_up_to(0, 60), "least length of a round"));
  }
};

BenchPlan plan_of(const BenchOptions& options) {
  BenchPlan plan{.seed = options.seed, .rounds = options.rounds, .seconds = options.seconds};
  std::vector<ModelName> models{{"v1"}, {"small"}, {"madry"}, {"mlp"}};
  if (options.model) models = options.model->values;
  for (const ModelName& model : models) plan.models.push_back(load_model(model.text, options.seed));
  if (options.batch) {
    plan.step_batches.clear();
    for (const Batches& some : options.batch->values)
      std::ranges::copy(some.sizes, std::back_inserter(plan.step_batches));
    plan.layer_batches = plan.step_batches;
  }
  return plan;
}

std::vector<Job> jobs_of(const BenchOptions& options, const BenchPlan& plan) {
  const auto wanted = [&options](Section section) {
    if (!options.only) return true;
    const auto has = [section](const Only& only) { return std::ranges::count(only.sections, section) > 0; };
    return std::ranges::any_of(options.only->values, has);
  };
  std::vector<Job> jobs;
  const auto add = [&](Section section, std::vector<Job> more) {
    if (wanted(section)) jobs.insert(jobs.end(), more.begin(), more.end());
  };
  add(Section::peak, peak_jobs());
  add(Section::sgemm, sgemm_jobs(plan));
  add(Section::layers, layer_jobs(plan));
  add(Section::steps, step_jobs(plan));
  add(Section::attacks, attack_jobs(plan));
  return jobs;
}

int run(const BenchOptions& options) {
  begin(options);
  const BenchPlan plan = plan_of(options);

  const std::vector<Job> jobs = jobs_of(options, plan);
  ProgressBar bar("bench", "figures", options.quiet);
  const std::vector<Figure> figures =
      measure(jobs, plan, [&](std::size_t done, const std::string& label) { bar.update(done, jobs.size(), label); });
  bar.clear();
  finish(options, bench_text(figures, plan), bench_json(figures, plan));
  return 0;
}

}  // namespace

Command bench_command() { return make_command<BenchOptions, run>(); }

}  // namespace hans::apps
