// hans benchmark: an attack run whose result is a file that anyone can reproduce to the bit.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include <hans/apps/attack_run.hpp>
#include <hans/apps/progress.hpp>
#include <hans/apps/rerun.hpp>
#include <hans/apps/shard.hpp>
#include <hans/apps/verdict.hpp>
#include <hans/core/file.hpp>
#include <hans/core/kernels.hpp>
#include <hans/core/parallel.hpp>

namespace hans::apps {
namespace {

struct BenchmarkOptions : AttackRun {
  Required<FileName> out;
  std::optional<Shard> shard = {};
  bool adaptive = false;

  static constexpr std::string_view command = "benchmark";
  static constexpr std::string_view meaning = "a robustness number, as a file that anyone can reproduce to the bit";
  static constexpr std::string_view details =
      "Does what hans attack does and writes a manifest: model, data, threat model and attacks with every parameter, "
      "what became of every image, and hashes. What must be equal on any machine is its `result`, whose SHA-256 is the "
      "number's name; hans reproduce runs it again. All attacks must have the same norm, budget and targets.\n"
      "\n"
      "Progress is kept in FILE.part: the same command goes on where it was stopped, to the same manifest. With "
      "--shard several processes do a part each, wherever they run, and hans merge joins them; {shard} in --out stands "
      "for the "
      "number.\n"
      "\n"
      "A few images are measured to find out whether the number can be believed (hans list indicators): it is "
      "RELIABLE, "
      "SUSPECT or UNRELIABLE, with the reasons. An UNRELIABLE one ends with exit code 3.";
  static constexpr std::string_view example =
      "hans benchmark v1.hans --data mnist-5k --attack pgd:eps=0.1 --out v1.json\n"
      "hans benchmark v1.hans --data mnist --attack autoattack:eps=0.1 --shard 2/8 --out part-{shard}.json";
  static constexpr auto fields() {
    return std::tuple_cat(
        attack_fields(),
        std::tuple(field("out", &BenchmarkOptions::out, "where to write the manifest: v1.json"),
                   field("shard", &BenchmarkOptions::shard,
                         "only this part of the images; auto asks Slurm, MPI, Kubernetes or GNU parallel which", "all"),
                   field("adaptive", &BenchmarkOptions::adaptive,
                         "then also run the attacks that the indicators of failure ask for")),
        common_fields());
  }
};

using Clock = std::chrono::steady_clock;

/// Where the progress of a benchmark is kept while it runs.
class Progress {
 public:
  explicit Progress(std::string path) : path_(std::move(path)), saved_(Clock::now()) {}

  /// Puts what the file holds to `benchmark`, nothing if there is no file.
  void load(Benchmark& benchmark) const {
    if (std::error_code ignored; !std::filesystem::exists(path_, ignored)) return;
    const Benchmark done = read_manifest(path_).benchmark;
    const bool same =
        question_json(done).dump() == question_json(benchmark).dump() && done.slice.first == benchmark.slice.first;
    check(same, path_,
          " holds the progress of another benchmark; finish that one, remove the file or give another --out");
    extend(benchmark, done.found);
    std::fprintf(stderr, "hans: note: %s has the first %zu images, going on from there\n", path_.c_str(),
                 benchmark.slice.count);
  }

  /// Writes it, if the work since the last time was long enough: the file grows, and a tenth of the time is the most
  /// that it may take.
  void save(const Benchmark& benchmark, const Json& run) {
    const Clock::time_point begin = Clock::now();
    if (begin - saved_ < 10 * cost_) return;
    write_file(path_, manifest_json(benchmark, run).dump(2) + "\n");
    saved_ = Clock::now();
    cost_ = saved_ - begin;
  }

  void remove() const {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }

 private:
  std::string path_;
  Clock::time_point saved_;
  Clock::duration cost_{};
};

/// A benchmark on its way: what it needs to go on.
struct Work {
  const NamedModel& named;
  const data::Dataset& data;
  const BenchmarkOptions& options;

  Json run_of(const Benchmark& benchmark) const {
    const std::string_view model = named.path.empty() ? std::string_view(named.name) : std::string_view(named.path);
    Json run = run_json(benchmark, model, options.data.value().text);
    return run.set("kernels", kernels::selected()).set("threads", thread_count());
  }

  /// Runs it to its last image, `count`, from where its progress is.
  void finish(Benchmark& benchmark, std::size_t count, Progress& progress) const {
    constexpr std::size_t at_once = 250;  // images, then the progress may be saved
    progress.load(benchmark);
    ProgressBar bar("", "images", options.quiet);
    const std::size_t attacks = benchmark.request.attacks.size(), first = benchmark.slice.first;
    while (benchmark.slice.count < count) {
      const std::size_t done = benchmark.slice.count, next = std::min(at_once, count - done);
      const auto shown = [&](std::size_t attack, std::size_t attempts, std::size_t total) {
        const std::size_t share = next * (attack * total + attempts) / (attacks * std::max<std::size_t>(total, 1));
        bar.update(done + share, count, text("attack ", attack + 1, " of ", attacks));
      };
      extend(benchmark, rerun(benchmark, named.model.net, data, data.samples(first + done, next), shown));
      if (benchmark.slice.count < count) progress.save(benchmark, run_of(benchmark));
    }
    bar.clear();
  }
};

/// The attacks that the indicators ask for and that the benchmark has not.
std::vector<attacks::Attack> wanted(const Benchmark& benchmark) {
  std::vector<attacks::Attack> all = attacks::reliability(benchmark.found).next(benchmark.found.attacks.front().budget);
  std::erase_if(all, [&](const attacks::Attack& one) {
    const std::string spec = text(one.resolved(benchmark.subject.box).spec());
    return std::ranges::any_of(benchmark.request.attacks,
                               [&](const attacks::Attack& other) { return text(other.spec()) == spec; });
  });
  return all;
}

int run(const BenchmarkOptions& options) {
  begin(options);
  check_usage(!options.adaptive || !options.shard, "--adaptive needs all images: leave --shard out");
  const std::string out = with_shard(options.out.value().text, options.shard);
  const std::string part_file = out + ".part", next_file = out + ".next.part";
  check_writable(out);
  check_writable(part_file);
  const NamedModel named = load_model(options.model.value().text, options.seed, options.preprocess);
  warn_if_untrained(named);
  check_distinct(std::vector<NamedFile>{{"MODEL", named.path, false},
                                        {"--json", json_file(options)},
                                        {"--out", out},
                                        {"the progress of --out", part_file},
                                        {"the progress of --adaptive", next_file}});
  const data::Dataset data = load_data(options.data.value().text, data::Part::test, named.model.net);
  const Request request = request_of(options, data);

  const std::size_t whole = first_count(options.limit, data.size());
  const Shard shard = options.shard.value_or(Shard{});
  const std::size_t first = shard.first(whole), count = shard.size(whole);
  const auto begun = [&](const Request& asked) {
    const nn::Sequential& net = named.model.net;
    return begin_benchmark(subject_of(named, data, options.seed), net.input(), net.classes(), asked, {first, 0, whole});
  };
  const Work work{named, data, options};
  Benchmark benchmark = begun(request);
  Progress progress(part_file), next_progress(next_file);
  work.finish(benchmark, count, progress);
  Request more = request;
  more.attacks.clear();
  if (options.adaptive) more.attacks = wanted(benchmark);
  if (!more.attacks.empty()) {
    progress.save(benchmark, work.run_of(benchmark));
    Benchmark next = begun(more);
    work.finish(next, count, next_progress);
    add_attacks(benchmark, std::move(next));
  }
  const Json manifest = manifest_json(benchmark, work.run_of(benchmark));
  write_file(out, manifest.dump(2) + "\n");
  progress.remove();
  next_progress.remove();
  const std::string hint =
      benchmark.slice.complete() ? text(": hans reproduce ", out, " makes the same bits again") : "";
  finish(options, text(manifest_report(benchmark, manifest.at("name").string()), "wrote ", out, hint, "\n"), manifest);
  return benchmark.slice.complete() ? verdict_code(attacks::reliability(benchmark.found)) : 0;
}

}  // namespace

Command benchmark_command() { return make_command<BenchmarkOptions, run>(); }

}  // namespace hans::apps
