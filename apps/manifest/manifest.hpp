// A run as a file that anyone can check and run again. The format is described in FORMAT.md.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "../run/results.hpp"

namespace hans::apps {

/// Version of the format that is written; 1, of hans 1.0.0, is read as well.
inline constexpr int manifest_schema = 2;

/// What was measured: equal on every machine. Its SHA-256 is the number's name.
Json result_json(const Run& run);

/// What must be equal for two runs to be parts of one: all of the result but images and figures.
Json question_json(const Plan& plan);

/// What is concluded from it: probes, and for a run that has all its images verdicts, indicators and advice.
Json judgement_json(const Run& run);

/// The file: schema version, name, result, judgement, run, and a hash over all of that.
Json manifest_json(const Run& run, const Json& here);

struct Manifest {
  Run run;
  Json here;                          ///< `run` of the file: how it was run where it was made
  std::string name;                   ///< SHA-256 of the result
  std::optional<std::string> former;  ///< of schema 1: the verdict that its version gave, by other rules

  bool judged() const { return !former; }  ///< whether probes by today's rules are in it
};

/// Reads one from a path and validates it: everything in it that follows from something else in it does. Throws Error
/// that says what is wrong: it was edited, is of another schema, or is no manifest.
Manifest read_manifest(const std::filesystem::path& path);

/// The same of the bytes of a file.
Manifest parse_manifest(std::string_view bytes);

/// Throws Error for a run that no evaluation can have: labels and predictions that are no classes, attempts that the
/// plan does not make or lacks, outcomes that contradict each other or the threat model, stages that do not fall,
/// probes on other images than those that must be probed.
void validate(const Run& run);

/// Joins parts, in any order, to one that has all their images. Throws Error naming the files for a gap, an overlap or
/// parts of different runs. `names` are those of the files.
Run merge(std::span<const Manifest> parts, std::span<const std::string> names);

/// The half of a manifest that is of this run alone: names, paths, seconds, sentences. Model and data as they were
/// given: what `hans reproduce` looks for first. Of a path that is not UTF-8, which JSON cannot hold, only what
/// visible() shows of it, which names no file.
Json here_json(const Run& run, std::string_view model_given, std::string_view data_given);

/// For people: the results, threat model, sentences and the name; for a part of a run what part it is. `former` as in
/// Manifest: a run that has one is not judged here.
std::string manifest_report(const Run& run, std::string_view name, const std::optional<std::string>& former = {});

/// "hans 1.0.0 said RELIABLE.": of a manifest that has a former verdict.
std::string former_text(const Run& run, std::string_view former);

}  // namespace hans::apps
