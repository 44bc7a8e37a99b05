// A run as a file that anyone can check and reproduce. FORMAT.md describes the format.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "../run/results.hpp"

namespace hans::apps {

/// The versions of the format that are written: without certificates and with them. Version 1, of hans 1.0.0, can be
/// read too.
inline constexpr int manifest_schema = 2, certified_schema = 3;

/// What was measured: equal on every machine. Its SHA-256 is the result's name.
Json result_json(const Run& run);

/// What two runs must share to be parts of one: everything in the result but images and figures.
Json question_json(const Plan& plan);

/// What is concluded from the result: probes and, for a run with all its images, verdicts, indicators and advice.
Json judgement_json(const Run& run);

/// The whole file: schema version, name, result, judgement, run, and a hash over all of these.
Json manifest_json(const Run& run, const Json& here);

struct Manifest {
  Run run;
  Json here;                          ///< the key `run`: how and where it was run
  std::string name;                   ///< SHA-256 of the result
  std::optional<std::string> former;  ///< schema 1: the verdict of its version, by older rules

  bool judged() const { return !former; }  ///< whether it has probes by today's rules
};

/// Reads and validates a manifest: everything in it that follows from other parts of it must agree. Throws Error that
/// says what is wrong: edited, of another schema, or no manifest.
Manifest read_manifest(const std::filesystem::path& path);

/// As read_manifest(), from the bytes of a file.
Manifest parse_manifest(std::string_view bytes);

/// Throws Error for a run that no evaluation can have produced: labels and predictions that are no classes, attempts
/// that differ from the plan's, outcomes that contradict each other or the threat model, stages whose accuracy rises,
/// probes on other images than the plan's, certificates that contradict themselves, each other or an attack.
void validate(const Run& run);

/// Why a certificate cannot be, of an image that attacks fooled in its ball or did not; empty if it can.
std::string_view contradiction(const defenses::Certificate& one, bool fooled, const defenses::CertifyOptions& asked);

/// Joins parts, in any order, to a run with all images. Throws Error, which names the files, for gaps, overlaps and
/// parts of different runs. `names`: the file of each part.
Run merge(std::span<const Manifest> parts, std::span<const std::string> names);

/// The part of a manifest that differs between runs: names, paths, seconds, sentences. Model and data are as the user
/// gave them, where `hans reproduce` looks first. JSON cannot hold a path that is not UTF-8; then only its visible()
/// form is kept, which names no file.
Json here_json(const Run& run, std::string_view model_given, std::string_view data_given);

/// The report for people: results, threat model, sentences and name; for a part of a run, which part it is. `former` as
/// in Manifest: such a run is not judged again here.
std::string manifest_report(const Run& run, std::string_view name, const std::optional<std::string>& former = {});

/// "hans 1.0.0 said RELIABLE.", for a manifest with a former verdict.
std::string former_text(const Run& run, std::string_view former);

}  // namespace hans::apps
