// hans merge: joins the manifests of all shards to the one of the whole benchmark.
#include <hans/apps/commands.hpp>
#include <hans/apps/rerun.hpp>
#include <hans/core/file.hpp>

namespace hans::apps {
namespace {

struct MergeOptions : Common {
  Required<Many<FileName>> files;
  Required<FileName> out;

  static constexpr std::string_view command = "merge";
  static constexpr std::string_view meaning = "the manifests of all shards of a benchmark, joined";
  static constexpr std::string_view details =
      "The result is to the bit that of the same benchmark run as a whole. Parts of different benchmarks, parts that "
      "overlap and missing parts are refused.";
  static constexpr std::string_view example = "hans merge part-1.json part-2.json --out v1.json";
  static constexpr auto positional() {
    return std::tuple(field("FILE", &MergeOptions::files, "manifests of hans benchmark --shard"));
  }
  static constexpr auto fields() {
    return std::tuple_cat(std::tuple(field("out", &MergeOptions::out, "where to write the manifest: v1.json")),
                          common_fields());
  }
};

int run(const MergeOptions& options) {
  begin(options);
  check_usage(options.seed == 0, "merge: the seed is the manifests'; leave --seed out");
  const std::string out = options.out.value().text;
  check_writable(out);
  std::vector<NamedFile> named{{"--out", out}, {"--json", json_file(options)}};
  std::vector<std::string> paths;
  for (const FileName& file : options.files.value().values) {
    paths.push_back(file.text);
    named.push_back({"FILE", file.text, false});
  }
  check_distinct(named);
  std::vector<Manifest> parts;
  parts.reserve(paths.size());
  for (const std::string& path : paths) parts.push_back(read_manifest(path));
  const Benchmark all = merge(parts, paths);
  Json runs = Json::array();
  for (const Manifest& part : parts) runs.push(part.run);
  const Json& first = parts.front().run;
  Json run = run_json(all, first.at("model_given").string(), first.at("data_given").string());
  run.set("parts", std::move(runs));
  const Json manifest = manifest_json(all, run);
  write_file(out, manifest.dump(2) + "\n");
  finish(options, text(manifest_report(all, manifest.at("name").string()), "wrote ", out, "\n"), manifest);
  return 0;
}

}  // namespace

Command merge_command() { return make_command<MergeOptions, run>(); }

}  // namespace hans::apps
