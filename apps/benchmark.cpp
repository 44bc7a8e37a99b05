// hans benchmark: an attack run whose result is a file that anyone can reproduce to the bit.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include <hans/apps/commands.hpp>
#include <hans/apps/inputs.hpp>
#include <hans/apps/manifest.hpp>
#include <hans/apps/progress.hpp>
#include <hans/apps/rerun.hpp>
#include <hans/apps/shard.hpp>
#include <hans/core/file.hpp>

namespace hans::apps {
namespace {

struct BenchmarkOptions : Common {
  Required<ModelName> model;
  Required<DataName> data;
  Required<Many<FromSpec<attacks::Attack>>> attack;
  Required<FileName> out;
  std::optional<PreprocessChoice> preprocess = {};
  std::optional<std::uint64_t> limit = {};
  std::optional<TargetsChoice> targets = {};
  std::optional<Radii> at = {};
  std::optional<Shard> shard = {};

  static constexpr std::string_view command = "benchmark";
  static constexpr std::string_view meaning = "a robustness number, as a file that anyone can reproduce to the bit";
  static constexpr std::string_view details =
      "Does what hans attack does and writes a manifest: model, data, threat model and attacks with every parameter, "
      "what became of every image, and hashes. What must be equal on any machine is its `result`, whose SHA-256 is the "
      "number's name; hans reproduce runs it again. All attacks must have the same norm, budget and targets.\n"
      "\n"
      "Progress is kept in FILE.part: the same command goes on where it was stopped, to the same manifest. With "
      "--shard "
      "several processes do a part each, wherever they run, and hans merge joins them; {shard} in --out stands for the "
      "number.";
  static constexpr std::string_view example =
      "hans benchmark v1.hans --data mnist-5k --attack pgd:eps=0.1 --out v1.json\n"
      "hans benchmark v1.hans --data mnist --attack autoattack:eps=0.1 --shard 2/8 --out part-{shard}.json";
  static constexpr auto positional() {
    return std::tuple(
        field("MODEL", &BenchmarkOptions::model, "a model file, as hans train writes it, or an ONNX file"));
  }
  static constexpr auto fields() {
    return std::tuple_cat(
        std::tuple(
            field("data", &BenchmarkOptions::data, data_meaning_test),
            field("attack", &BenchmarkOptions::attack, "the attack and its parameters; may be given several times"),
            field("out", &BenchmarkOptions::out, "where to write the manifest: v1.json"),
            field("preprocess", &BenchmarkOptions::preprocess, preprocess_meaning, "none"),
            field("limit", &BenchmarkOptions::limit, at_least(1), "only the first N images", "all"),
            field("targets", &BenchmarkOptions::targets,
                  "the class to aim at: the one after the label, all others in turn, a random other, or class N",
                  "no class, but next for attacks that need one"),
            field("at", &BenchmarkOptions::at,
                  "for attacks that look for the nearest image: accuracy within each of these distances, such as "
                  "0.05,0.1,0.2",
                  "none"),
            field("shard", &BenchmarkOptions::shard,
                  "only this part of the images; auto asks Slurm, MPI, Kubernetes or GNU parallel which", "all")),
        common_fields());
  }
};

/// The progress that `path` holds of `benchmark`; nothing is done if there is no such file.
void go_on(Benchmark& benchmark, const std::string& path) {
  if (std::error_code ignored; !std::filesystem::exists(path, ignored)) return;
  const Benchmark done = read_manifest(path).benchmark;
  const bool same =
      question_json(done).dump() == question_json(benchmark).dump() && done.slice.first == benchmark.slice.first;
  check(same, path, " holds the progress of another benchmark; finish that one, remove the file or give another --out");
  extend(benchmark, done.found);
}

int run(const BenchmarkOptions& options) {
  constexpr std::size_t at_once = 250;  // images between two saves
  begin(options);
  const std::string out = with_shard(options.out.value().text, options.shard);
  const std::string part_file = out + ".part";
  check_writable(out);
  check_writable(part_file);
  const NamedModel named = load_model(options.model.value().text, options.seed, options.preprocess);
  warn_if_untrained(named);
  check_distinct(std::vector<NamedFile>{{"MODEL", named.path, false}, {"--json", json_file(options)}, {"--out", out}});

  Request request;
  if (options.targets) request.targets = options.targets->targets;
  for (const auto& choice : options.attack.value().values) request.attacks.push_back(choice.value);
  if (options.at) request.radii = options.at->values;
  check_radii(request, named.model.net.input());
  const data::Dataset data = load_data(options.data.value().text, data::Part::test, named.model.net);

  const std::size_t whole = first_count(options.limit, data.size());
  const Shard shard = options.shard.value_or(Shard{});
  const std::size_t first = shard.first(whole), count = shard.size(whole);
  const auto begin_time = std::chrono::steady_clock::now();
  Benchmark benchmark =
      begin_benchmark(subject_of(named, data, options.seed), named.model.net.input(), request, {first, 0, whole});
  go_on(benchmark, part_file);
  const std::size_t before = benchmark.slice.count;
  if (before > 0) {
    std::fprintf(stderr, "hans: note: %s has the first %zu of %zu images, going on from there\n", part_file.c_str(),
                 before, count);
  }
  const auto run_part = [&] {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_time).count();
    return run_json(benchmark, named, options.data.value().text, seconds);
  };
  ProgressBar bar("", "images", options.quiet);
  const std::size_t attacks = request.attacks.size();
  while (benchmark.slice.count < count) {
    const std::size_t done = benchmark.slice.count, next = std::min(at_once, count - done);
    const auto progress = [&](std::size_t attack, std::size_t attempts, std::size_t total) {
      const std::size_t share = next * (attack * total + attempts) / (attacks * std::max<std::size_t>(total, 1));
      bar.update(done + share, count, text("attack ", attack + 1, " of ", attacks));
    };
    extend(benchmark, rerun(benchmark, named.model.net, data.samples(first + done, next), progress));
    if (benchmark.slice.count < count) write_file(part_file, manifest_json(benchmark, run_part()).dump(2) + "\n");
  }
  bar.clear();
  const Json manifest = manifest_json(benchmark, run_part());
  write_file(out, manifest.dump(2) + "\n");
  std::error_code ignored;
  std::filesystem::remove(part_file, ignored);
  const std::string reproduce = benchmark.slice.complete()
                                    ? text("wrote ", out, ": hans reproduce ", out, " makes the same bits again\n")
                                    : text("wrote ", out, "\n");
  finish(options, text(manifest_report(benchmark, manifest.at("name").string()), reproduce), manifest);
  return 0;
}

}  // namespace

Command benchmark_command() { return make_command<BenchmarkOptions, run>(); }

}  // namespace hans::apps
