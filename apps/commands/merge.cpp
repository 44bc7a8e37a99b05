// hans merge: joins the parts of a benchmark or of certificates to the whole.
#include <hans/core/file.hpp>
#include "../manifest/certified_part.hpp"
#include "../manifest/kind.hpp"
#include "../manifest/manifest.hpp"
#include "../manifest/radii_part.hpp"

namespace hans::apps {
namespace {

struct MergeOptions : Common {
  Required<Many<FileName>> files;
  Required<OutputName> out;

  static constexpr std::string_view command = "merge";
  static constexpr std::string_view meaning = "join all parts of a benchmark or of certificates";
  static constexpr std::string_view details =
      "Parts are manifests of hans benchmark --shard, or JSON files or files of proofs of hans certify --shard. The result "
      "has the same bits as that of the whole run, but for seconds. Parts of different runs, overlapping parts and missing "
      "parts are refused.";
  static constexpr std::string_view example =
      "hans merge part-1.json part-2.json --out v1.json\n"
      "hans merge part-1.npz part-2.npz --out proofs.npz";
  static constexpr auto fields() {
    return with_common(
        field("FILE", &MergeOptions::files, "what --shard wrote: manifests, JSON of certificates or proofs"),
        field("out", &MergeOptions::out, "where to write the whole: v1.json"));
  }
};

/// What read(path) returns for each file.
template <class Read>
auto read_all(const std::vector<std::string>& paths, const Read& read) {
  std::vector<decltype(read(paths[0]))> all;
  for (const std::string& path : paths) all.push_back(read(path));
  return all;
}

/// A whole: its file, and what is said of it.
struct Merged {
  std::string bytes, report;
  Json json;
};

Merged merge_manifests(const std::vector<std::string>& paths) {
  const auto parts = read_all(paths, [](const std::string& path) { return read_manifest(path); });
  const Run all = merge(parts, paths);
  const Json& first = parts.front().here;
  Json here = here_json(all, first.at("model_given").string(), first.at("data_given").string());
  here.set("parts", column(parts, &Manifest::here));
  const Json manifest = manifest_json(all, here);
  return {manifest.dump(2) + "\n", manifest_report(all, manifest.at("name").string()), manifest};
}

Merged merge_certified(const std::vector<std::string>& paths) {
  const CertifiedPart all = merge(read_all(paths, read_certified_part), paths);
  const Json json = whole_json(all);
  return {json.dump(2) + "\n", text(certified_text(all.subject, all.balls), "\n"), json};
}

Merged merge_radii(const std::vector<std::string>& paths) {
  const RadiiPart all = merge(read_all(paths, read_radii_part), paths);
  const Json json = whole_json(all);
  return {json.dump(2) + "\n", text(report_of(all), "\n"), json};
}

Merged merge_proofs(const std::vector<std::string>& paths) {
  const defenses::ProofFile all = merge(read_all(paths, defenses::read_proof), paths);
  const std::size_t count = all.index.size();
  return {proof_file(all),
          text(with_commas(count), " proofs within linf ", all.eps, " of ", paths.size(), " files\n\n"),
          Json::object({{"proofs", count}, {"eps", all.eps}, {"parts", paths.size()}})};
}

/// What the file is, tells what all are.
Merged merge_files(const std::vector<std::string>& paths) {
  const bool proofs = defenses::is_proof(paths.front());
  for (const std::string& path : paths) {
    check(defenses::is_proof(path) == proofs, paths.front(), " and ", path, ": only one of them is a file of proofs");
  }
  if (proofs) return merge_proofs(paths);
  switch (kind_of(paths.front())) {
    case FileKind::certified:
      return merge_certified(paths);
    case FileKind::radii:
      return merge_radii(paths);
    case FileKind::manifest:
      break;
  }
  return merge_manifests(paths);
}

int run(const MergeOptions& options) {
  begin(options);
  check_usage(options.seed == 0, "merge: the seed is the parts'; leave --seed out");
  const std::string out = options.out.value().text;
  std::vector<std::string> paths;
  for (const FileName& file : options.files.value().values) paths.push_back(file.text);
  const Merged merged = merge_files(paths);
  write_file(out, merged.bytes);
  finish(options, text(merged.report, "wrote ", visible(out), "\n"), merged.json);
  return 0;
}

}  // namespace

Command merge_command() { return make_command<MergeOptions, run>(); }

}  // namespace hans::apps
