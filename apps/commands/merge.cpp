// hans merge: joins the manifests of all shards to the one of the whole benchmark.
#include <hans/core/file.hpp>
#include "../manifest/manifest.hpp"

namespace hans::apps {
namespace {

struct MergeOptions : Common {
  Required<Many<FileName>> files;
  Required<OutputName> out;

  static constexpr std::string_view command = "merge";
  static constexpr std::string_view meaning = "join the manifests of all shards of a benchmark";
  static constexpr std::string_view details =
      "The result has the same bits as the benchmark run as a whole. Parts of different benchmarks, overlapping parts "
      "and missing parts are refused.";
  static constexpr std::string_view example = "hans merge part-1.json part-2.json --out v1.json";
  static constexpr auto fields() {
    return with_common(field("FILE", &MergeOptions::files, "manifests of hans benchmark --shard"),
                       field("out", &MergeOptions::out, "where to write the manifest: v1.json"));
  }
};

int run(const MergeOptions& options) {
  begin(options);
  check_usage(options.seed == 0, "merge: the seed is the manifests'; leave --seed out");
  const std::string out = options.out.value().text;
  std::vector<std::string> paths;
  std::vector<Manifest> parts;
  for (const FileName& file : options.files.value().values) {
    paths.push_back(file.text);
    parts.push_back(read_manifest(file.text));
  }
  const Run all = merge(parts, paths);
  const Json& first = parts.front().here;
  Json here = here_json(all, first.at("model_given").string(), first.at("data_given").string());
  here.set("parts", column(parts, &Manifest::here));
  const Json manifest = manifest_json(all, here);
  write_file(out, manifest.dump(2) + "\n");
  finish(options, text(manifest_report(all, manifest.at("name").string()), "wrote ", visible(out), "\n"), manifest);
  return 0;
}

}  // namespace

Command merge_command() { return make_command<MergeOptions, run>(); }

}  // namespace hans::apps
