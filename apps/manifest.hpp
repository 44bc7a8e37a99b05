// A benchmark as a file: what must be equal anywhere, and how it was run here.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <hans/apps/results.hpp>

namespace hans::apps {

/// What attacks may do, and to what end. They are compared only where norm, budget and goal are the same.
struct ThreatModel {
  attacks::Budget budget;
  std::string goal;                ///< as --targets takes it: "none" is untargeted
  attacks::Knowledge knowledge{};  ///< the most that any of the attacks needs
};

/// The threat model that all the attacks share. Throws UsageError if they do not.
ThreatModel threat_model(std::span<const attacks::Attack> all, attacks::Targets targets, const Shape& image,
                         data::Box box);

/// On one line: "linf within 0.3, untargeted, seeing gradients".
std::string threat_text(const ThreatModel& threat);

/// Which images of the data set: all that the benchmark asks for are the first `whole`; of these `count` from `first`.
struct Slice {
  std::size_t first = 0, count = 0, whole = 0;
  bool complete() const { return count == whole; }
};

/// A benchmark, or the part of one that is done.
struct Benchmark {
  std::string version;  ///< of hans
  Subject subject;
  Shape image;      ///< of one sample
  Request request;  ///< attacks with every parameter
  Slice slice;
  attacks::Evaluation found;  ///< images only as hashes
};

/// One that has no image yet. Throws UsageError if the attacks have no common threat model.
Benchmark begin_benchmark(const Subject& subject, const Shape& image, std::size_t classes, const Request& request,
                          Slice slice);

/// Puts what was found of the images behind those of `all` to them, and sums up.
void extend(Benchmark& all, attacks::Evaluation part);

/// Puts the attacks of another benchmark of the same images to it.
void add_attacks(Benchmark& all, Benchmark more);

/// What a manifest says that is equal on every machine. Its SHA-256 is the number's name.
Json result_json(const Benchmark& benchmark);

/// What must be equal for two manifests to be parts of one benchmark: all of the result but images and figures.
Json question_json(const Benchmark& benchmark);

/// The benchmark that result_json() made this of. Reads outcomes and computes the figures again; throws Error for what
/// is missing, malformed, or does not follow from the outcomes.
Benchmark read_result(const Json& result);

/// The file: schema version, name, result, run, and a hash over all of that.
Json manifest_json(const Benchmark& benchmark, const Json& run);

struct Manifest {
  Benchmark benchmark;
  Json run;
  std::string name;  ///< SHA-256 of the result
};

/// Reads one from a path. Throws Error that says what is wrong: it was edited, comes from another schema, or is none.
Manifest read_manifest(const std::filesystem::path& path);

/// Joins parts, in any order, to one that has all their images. Throws Error naming the files for a gap, an overlap or
/// parts of different benchmarks. `names` are those of the files.
Benchmark merge(std::span<const Manifest> parts, std::span<const std::string> names);

/// For people: the results, threat model, sentences and the name; for a part of a benchmark what part it is.
std::string manifest_report(const Benchmark& benchmark, std::string_view name);

}  // namespace hans::apps
