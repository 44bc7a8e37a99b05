// hans benchmark: an attack run whose result is a file that anyone can reproduce to the bit.
#include <algorithm>
#include <array>
#include <filesystem>

#include <hans/core/file.hpp>
#include <hans/core/kernels.hpp>
#include <hans/core/parallel.hpp>
#include "../manifest/manifest.hpp"
#include "../run/progress.hpp"

namespace hans::apps {
namespace {

struct BenchmarkOptions : RunOptions {
  Required<ShardedOutput> out;
  bool certify = false;
  std::optional<std::uint64_t> certify_nodes = {};

  static constexpr std::string_view command = "benchmark";
  static constexpr bool publishes = true;
  static constexpr std::string_view meaning = "measure robust accuracy as a file that anyone can reproduce bit for bit";
  static constexpr std::string_view details =
      "Does what hans attack does and writes a manifest: model, data, threat model and attacks with every parameter, "
      "the outcome of every image, and hashes. Its `result` must be equal on every machine; the SHA-256 of `result` is "
      "the number's name. hans reproduce runs it again. All attacks must have the same norm, budget and targets.\n"
      "\n"
      "With --at, attacks with an eps run once for each radius, each to a manifest of its own; {at} in --out stands for "
      "the radius. hans report makes a curve of them.\n"
      "\n"
      "Progress is kept in FILE.part: the same command continues after a kill and comes to the same result. With "
      "--shard several processes do a part each, wherever they run, and hans merge joins them; {shard} in --out stands "
      "for the number.\n"
      "\n"
      "With --certify each ball is also certified, as hans certify does it: the manifest has both ends of the number, and "
      "where they meet the verdict is EXACT. For linf, and for l2 and l1 without branch and bound.\n"
      "\n"
      "A verdict stands beside the number (hans list indicators): RELIABLE, UNCHECKED, SUSPECT or UNRELIABLE, with its "
      "reasons. The exit code is 3 for UNRELIABLE.";
  static constexpr std::string_view example =
      "hans benchmark v1.hans --data mnist-5k --attack pgd:eps=0.1 --out v1.json\n"
      "hans benchmark v1.hans --data mnist-5k --attack pgd --at 0.05,0.1,0.2 --out v1-{at}.json\n"
      "hans benchmark v1.hans --data mnist-5k --attack pgd:eps=0.01 --certify --out v1.json\n"
      "hans benchmark v1.hans --data mnist --attack autoattack:eps=0.1 --shard 2/8 --out part-{shard}.json";
  static constexpr auto fields() {
    return with_run_fields(field("out", &BenchmarkOptions::out, "where to write the manifest: v1.json"),
                           field("certify", &BenchmarkOptions::certify,
                                 "then prove which images no attack can fool: the lower end of the number"),
                           field("certify-nodes", &BenchmarkOptions::certify_nodes, at_least(1),
                                 "for --certify: most nodes of branch and bound, for each image", "80000"));
  }
};

Json here_of(const Run& run, const Setup& setup, const BenchmarkOptions& options) {
  const std::string& model = setup.named.path.empty() ? setup.named.name : setup.named.path;
  Json here = here_json(run, model, options.data.value().text);
  return here.set("kernels", kernels::selected()).set("threads", thread_count());
}

/// The manifest of what is done, beside the one that will be.
class Journal final : public ProgressFile {
 public:
  Journal(std::string path, const Setup& setup, const BenchmarkOptions& options)
      : file_(std::move(path)), setup_(setup), options_(options) {}

  void load(Run& run) override {
    if (!file_.exists()) return;
    Run done = read_manifest(file_.path()).run;
    const bool same = question_json(done.plan).dump() == question_json(run.plan).dump() &&
                      done.plan.slice.first == run.plan.slice.first && done.plan.probes == run.plan.probes &&
                      done.plan.certify == run.plan.certify;
    check(same, file_.path(),
          " holds the progress of another benchmark; finish that one, remove the file or give another --out");
    note(text(file_.path(), " has the first ", done.found.size(), " images, going on from there"));
    run.found = std::move(done.found);
    run.probes = std::move(done.probes);
    run.certified = std::move(done.certified);
  }

  void save(Run& run) override {
    file_.save([&] {
      sum_up(run.found);
      return manifest_json(run, here_of(run, setup_, options_)).dump(2) + "\n";
    });
  }

 private:
  SavedWork file_;
  const Setup& setup_;
  const BenchmarkOptions& options_;
};

/// The number of one plan, and what was written.
struct Benchmarked {
  std::string report;
  Json manifest;
  int code = 0;
};

Benchmarked benchmark_by(const Plan& plan, const std::string& out, const Setup& setup,
                         const BenchmarkOptions& options) {
  const std::array journals{out + ".part", out + ".next.part"};
  Journal journal(journals[0], setup, options), next_journal(journals[1], setup, options);
  const Run run = carry_out(setup, plan, {false, true}, options, {&journal, &next_journal});
  const Json manifest = manifest_json(run, here_of(run, setup, options));
  write_file(out, manifest.dump(2) + "\n");
  std::error_code ignored;
  for (const std::string& file : journals) std::filesystem::remove(file, ignored);
  const bool whole = run.slice().complete();
  const std::string hint = whole ? text(": hans reproduce ", visible(out), " makes the same bits again") : "";
  return {text(manifest_report(run, manifest.at("name").string()), "wrote ", visible(out), hint, "\n"), manifest,
          whole ? verdict_code(judgement_of(run).verdict) : 0};
}

/// Lets the plans be certified. Throws UsageError where that cannot be.
void add_certificates(Setup& setup, const BenchmarkOptions& options) {
  check_usage(options.certify || !options.certify_nodes, "--certify-nodes is for --certify");
  if (!options.certify) return;
  for (Plan& plan : setup.plans) {
    using defenses::CertifyMethod, defenses::CertifyOptions;
    const bool linf = threat_model(plan).budget.norm == Norm::linf;
    plan.certify = {linf ? CertifyMethod::complete : CertifyMethod::alpha,
                    options.certify_nodes.value_or(CertifyOptions{.eps = 0.0F}.nodes)};
    plan = checked(std::move(plan));
    refuse_uncertifiable(begin_run(plan).certified, setup.named.model.net, setup.data);
  }
}

int run(const BenchmarkOptions& options) {
  const std::string given = with_shard(options.out.value().text, options.shard);
  Setup setup = setup_of(options);
  add_certificates(setup, options);
  std::vector<std::string> outs;
  std::vector<NamedFile> files;
  for (const Plan& plan : setup.plans) {
    const std::string& out = outs.emplace_back(with_at("--out", given, setup, plan));
    files.insert(
        files.end(),
        {{"--out", out}, {"the progress of --out", out + ".part"}, {"the progress of --adaptive", out + ".next.part"}});
    threat_model(plan);
  }
  begin(options, std::move(files));
  if (!is_utf8(setup.named.path)) {
    note("the model's path is not UTF-8, which JSON needs: hans reproduce will want --model FILE");
  }
  if (!is_utf8(options.data.value().text)) note("the data's path is not UTF-8: hans reproduce will want --data PATH");
  std::string report;
  Json all = Json::array();
  int code = 0;
  for (std::size_t k = 0; k < outs.size(); ++k) {
    Benchmarked one = benchmark_by(setup.plans[k], outs[k], setup, options);
    append(report, text(k == 0 ? "" : "\n", one.report));
    code = std::max(code, one.code);
    all.push(std::move(one.manifest));
  }
  if (outs.size() == 1) {
    finish(options, report, all.items()[0]);
    return code;
  }
  append(report, text("\nThe curve: hans report ", visible(listed(outs, std::identity(), " ")), " --out curve.html\n"));
  finish(options, report, Json::object({{"at", std::move(all)}}));
  return code;
}

}  // namespace

Command benchmark_command() { return make_command<BenchmarkOptions, run>(); }

}  // namespace hans::apps
