// hans reproduce: runs a manifest again and says whether every bit of its result is the same.
#include <algorithm>
#include <map>

#include <hans/apps/commands.hpp>
#include <hans/apps/inputs.hpp>
#include <hans/apps/manifest.hpp>
#include <hans/apps/progress.hpp>
#include <hans/apps/rerun.hpp>
#include <hans/apps/verdict.hpp>
#include <hans/core/kernels.hpp>
#include <hans/core/version.hpp>

namespace hans::apps {
namespace {

struct ReproduceOptions : Common {
  Required<FileName> manifest;
  std::optional<ModelName> model = {};
  std::optional<DataName> data = {};
  std::optional<std::uint64_t> quick = {};

  static constexpr std::string_view command = "reproduce";
  static constexpr std::string_view meaning = "runs a manifest again: is every bit of its result the same?";
  static constexpr std::string_view details =
      "Seed, attacks and images are the manifest's. The model is looked for where the manifest says, as --model says, "
      "and beside the manifest, the data where it says or as --data says; both must have the hashes of the manifest. "
      "Any machine and any number of threads must come to the same bits.\n"
      "\n"
      "Prints `identical` and ends with exit code 0, or prints the first images that differ and ends with exit code 1. "
      "--quick N runs N images, spread over all, and compares these.";
  static constexpr std::string_view example =
      "hans reproduce v1.json\n"
      "hans reproduce v1.json --quick 50 --data path/to/mnist";
  static constexpr auto positional() {
    return std::tuple(field("MANIFEST", &ReproduceOptions::manifest, "what hans benchmark or hans merge wrote"));
  }
  static constexpr auto fields() {
    return std::tuple_cat(
        std::tuple(
            field("model", &ReproduceOptions::model, "the model, if it is not where it was", "as it was"),
            field("data", &ReproduceOptions::data, "the images, if they are not where they were", "as they were"),
            field("quick", &ReproduceOptions::quick, at_least(1), "only so many of the images", "all")),
        common_fields());
  }
};

/// What became of one image under one attack.
struct Fate {
  std::string story;  ///< in words
  std::string image_sha256;
  friend bool operator==(const Fate&, const Fate&) = default;
};

Fate fate(const attacks::Attempt& attempt, int clean) {
  const attacks::Finding& finding = attempt.finding;
  const attacks::Distances& distance = finding.distance;
  return {text("read as ", clean, " before, ", finding.prediction, " after (", enum_name(finding.reason), ", ",
               enum_name(attempt.note.stop), "), linf ", distance.linf, ", l2 ", distance.l2, ", l1 ", distance.l1,
               ", l0 ", distance.l0, ", image ", attempt.image_sha256.substr(0, 12)),
          attempt.image_sha256};
}

/// By image and target (-1: none, or not attacked).
using Fates = std::map<std::pair<std::uint32_t, int>, Fate>;

Fates fates(const attacks::Evaluation& found, std::size_t attack) {
  Fates all;
  for (std::size_t i = 0; i < found.samples.size(); ++i) {
    if (found.predictions[i] == found.samples.labels[i]) continue;
    all[{found.samples.index[i], -1}] = {text("read as ", found.predictions[i], ", not attacked"), ""};
  }
  for (const attacks::Attempt& attempt : found.attacks[attack].attempts) {
    all[{found.samples.index[attempt.sample], attempt.target.value_or(-1)}] =
        fate(attempt, found.predictions[attempt.sample]);
  }
  return all;
}

/// What was measured of the probed samples, by image.
std::map<std::uint32_t, std::string> probed(const attacks::Evaluation& found) {
  std::map<std::uint32_t, std::string> all;
  for (const attacks::Probe& probe : found.probes) {
    std::string measured = text("roughness ", probe.roughness);
    for (const auto& [name, flag] : attacks::probe_flags()) {
      if (probe.*flag) append(measured, text(", ", name));
    }
    all[found.samples.index[probe.sample]] = measured;
  }
  return all;
}

/// Each difference on a line, at most `most`; empty: all samples of `again` are as they were.
std::vector<std::string> differences(const attacks::Evaluation& before, const attacks::Evaluation& again,
                                     std::size_t most) {
  std::vector<std::string> lines;
  for (std::size_t a = 0; a < again.attacks.size(); ++a) {
    const Fates was = fates(before, a), is = fates(again, a);
    for (const auto& [key, now] : is) {
      const auto then = was.find(key);
      if (then != was.end() && then->second == now) continue;
      if (lines.size() == most) return lines;
      const auto& [index, target] = key;
      lines.push_back(text("image ", index, target < 0 ? "" : text(" towards ", target), ", ",
                           before.attacks[a].attack.info().name, ": was ",
                           then == was.end() ? "right and not aimed there" : then->second.story, "; is ", now.story));
    }
  }
  const std::map<std::uint32_t, std::string> was = probed(before), is = probed(again);
  for (const auto& [index, now] : is) {
    const auto then = was.find(index);
    if (then != was.end() && then->second == now) continue;
    if (lines.size() == most) return lines;
    lines.push_back(
        text("image ", index, ", probes: was ", then == was.end() ? "not probed" : then->second, "; is ", now));
  }
  return lines;
}

/// What else of the result is not as it was, when all images are: version, costs, stages.
std::vector<std::string> other_figures(const Benchmark& before, attacks::Evaluation again) {
  Benchmark now = begin_benchmark(before.subject, before.image, before.found.classes, before.request,
                                  {before.slice.first, 0, before.slice.whole});
  extend(now, std::move(again));
  const Json was = result_json(before), is = result_json(now);
  std::vector<std::string> lines;
  for (const auto& [key, value] : was.members()) {
    const std::string then = value.dump(), found = is.at(key).dump();
    if (then == found) continue;
    lines.push_back(key == "found" ? "costs or stages of an attack" : text(key, ": was ", then, "; is ", found));
  }
  return lines;
}

/// Why other bits may be right: nothing, or another version or build.
std::string excuse(const Benchmark& benchmark) {
  std::string why;
  if (benchmark.version != build_version()) {
    why = text("The manifest was made by hans ", benchmark.version, ", this is ", build_version(),
               "; only the same version must give the same bits.\n");
  }
  if (!kernels::reproducible()) append(why, text("This hans is ", kernels::reservation(), ".\n"));
  return why;
}

int run(const ReproduceOptions& options) {
  constexpr std::size_t shown = 10;
  begin(options);
  check_usage(options.seed == 0, "reproduce: the seed is the manifest's; leave --seed out");
  const std::string path = options.manifest.value().text;
  check_distinct(std::vector<NamedFile>{{"MANIFEST", path, false}, {"--json", json_file(options)}});
  const Manifest manifest = read_manifest(path);
  const Benchmark& before = manifest.benchmark;
  const NamedModel named = find_model(manifest, path, options.model ? options.model->text : "");
  const data::Dataset data = find_data(manifest, options.data ? options.data->text : "", named);

  const std::size_t count = first_count(options.quick, before.slice.count);
  std::vector<std::uint32_t> which;
  for (std::size_t k = 0; k < count; ++k) {
    which.push_back(static_cast<std::uint32_t>(before.slice.first + k * before.slice.count / count));
  }
  ProgressBar bar("", "attempts", options.quiet);
  attacks::Evaluation again =
      rerun(before, named.model.net, data, data.gather(which), attack_progress(bar, before.request.attacks.size()));
  bar.clear();

  std::vector<std::string> lines = differences(before.found, again, shown);
  const bool whole = count == before.slice.count;
  if (lines.empty() && whole) lines = other_figures(before, std::move(again));
  const bool identical = lines.empty();
  std::string report = text(before.subject.model, " on ", images_text(before.subject, before.slice.whole), "\n");
  Json differing = Json::array();
  if (identical && whole) {
    append(report,
           text("identical: all ", with_commas(count), " images have the same bits, result ", manifest.name, "\n"));
  } else if (identical) {
    append(report, text("identical: ", with_commas(count), " of ", with_commas(before.slice.count),
                        " images have the same bits\n"));
  } else {
    append(report, "different:\n");
    for (const std::string& line : lines) {
      append(report, text("  ", line, "\n"));
      differing.push(line);
    }
    if (lines.size() == shown) append(report, "  and perhaps more\n");
    append(report, excuse(before));
  }
  const attacks::Reliability reliability = attacks::reliability(before.found);
  if (identical) append(report, verdict_text(reliability, before.found.attacks.front().budget));
  finish(options, report,
         Json::object({{"hans", build_version()},
                       {"manifest", manifest.name},
                       {"identical", identical},
                       {"verdict", enum_name(reliability.trust)},
                       {"compared", count},
                       {"images", before.slice.count},
                       {"differences", std::move(differing)}}));
  return identical ? verdict_code(reliability) : 1;
}

}  // namespace

Command reproduce_command() { return make_command<ReproduceOptions, run>(); }

}  // namespace hans::apps
