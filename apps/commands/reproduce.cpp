// hans reproduce: runs a manifest again and says whether every bit of its result is the same.
#include <map>

#include <hans/core/kernels.hpp>
#include <hans/core/version.hpp>
#include "../run/progress.hpp"
#include "../run/sources.hpp"

namespace hans::apps {
namespace {

struct ReproduceOptions : SourceOptions {
  Required<FileName> manifest;
  std::optional<std::uint64_t> quick = {};

  static constexpr std::string_view command = "reproduce";
  static constexpr bool publishes = true;
  static constexpr std::string_view meaning = "run a manifest again and compare every bit of its result";
  static constexpr std::string_view details =
      "Seed, attacks and images are those of the manifest. The model is looked for at its path in the manifest, at "
      "--model, and beside the manifest; the data at their path or at --data. Both must have the manifest's hashes. "
      "Any machine and any number of threads must come to the same bits.\n"
      "\n"
      "Prints `identical` and ends with exit code 0, or prints the first images that differ and ends with exit code 1. "
      "--quick N runs and compares N images, spread over all.";
  static constexpr std::string_view example =
      "hans reproduce v1.json\n"
      "hans reproduce v1.json --quick 50 --data path/to/mnist";
  static constexpr auto fields() {
    return with_common(field("MANIFEST", &ReproduceOptions::manifest, "what hans benchmark or hans merge wrote"),
                       moved_model, moved_data,
                       field("quick", &ReproduceOptions::quick, at_least(1), "only N of the images", "all"));
  }
};

constexpr std::size_t most_shown = 10;  // differences

/// What became of an image before and now, in words.
struct Story {
  std::string was = "without this attempt", is = was;
};

/// By image and target (-1: none, or not attacked).
using Stories = std::map<std::pair<std::uint32_t, int>, Story>;

/// Tells one half of the stories of an attack.
void tell(Stories& stories, std::string Story::*half, const attacks::Evaluation& found, std::size_t attack) {
  const auto read = [&](std::size_t sample) {
    return text("label ", found.samples.labels[sample], ", read as ", found.predictions[sample]);
  };
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found.predictions[i] == found.samples.labels[i]) continue;
    stories[{found.samples.index[i], -1}].*half = text(read(i), ", not attacked");
  }
  for (const attacks::Attempt& attempt : found.attacks[attack].attempts) {
    const attacks::Finding& finding = attempt.finding;
    const attacks::Distances& distance = finding.distance;
    stories[{found.samples.index[attempt.sample], attempt.target.value_or(-1)}].*half =
        text(read(attempt.sample), " before, ", finding.prediction, " after (", enum_name(finding.reason), ", ",
             enum_name(attempt.note.stop), "), linf ", distance.linf, ", l2 ", distance.l2, ", l1 ", distance.l1,
             ", l0 ", distance.l0, ", image ", attempt.image_sha256.substr(0, 12));
  }
}

/// Where two results differ, in words, at most `most_shown` of them.
struct Differences {
  std::vector<std::string> lines = {};

  bool full() const { return lines.size() == most_shown; }

  void add(std::string line) {
    if (!full()) lines.push_back(std::move(line));
  }

  void compare_images(const attacks::Evaluation& before, const attacks::Evaluation& again) {
    for (std::size_t a = 0; a < again.attacks.size(); ++a) {
      Stories stories;
      tell(stories, &Story::was, before, a);
      tell(stories, &Story::is, again, a);
      for (const auto& [key, story] : stories) {
        if (story.was == story.is) continue;
        const auto& [index, target] = key;
        add(text("image ", index, target < 0 ? "" : text(" towards ", target), ", ",
                 before.attacks[a].attack.info().name, ": was ", story.was, "; is ", story.is));
      }
    }
  }

  /// Member by member, and those inside them; long ones are only named.
  void compare(const std::string& where, const Json& was, const Json& is) {
    constexpr std::size_t longest = 80;
    const std::string then = was.dump(), now = is.dump();
    if (then == now) return;
    const bool arrays = was.is_array() && is.is_array() && was.items().size() == is.items().size() &&
                        !was.items().empty() && was.items()[0].is_object();
    if (was.is_object() && is.is_object()) {
      const std::size_t before = lines.size();
      const auto inside = [&](const std::string& key) { return text(where, where.empty() ? "" : ".", key); };
      for (const auto& [key, value] : was.members()) {
        const Json* other = is.find(key);
        compare(inside(key), value, other != nullptr ? *other : Json());
      }
      for (const auto& [key, value] : is.members()) {
        if (was.find(key) == nullptr) compare(inside(key), Json(), value);
      }
      if (lines.size() == before) add(text(where, " has its keys in another order"));
    } else if (arrays) {
      for (std::size_t k = 0; k < was.items().size(); ++k) {
        compare(text(where, "[", k, "]"), was.items()[k], is.items()[k]);
      }
    } else {
      const bool brief = then.size() <= longest && now.size() <= longest;
      add(brief ? text(where, ": was ", then, "; is ", now) : text(where, " differs"));
    }
  }
};

/// The run on these of its samples alone. What is known of all samples together, the costs, is left out.
Run part_of(const Run& run, std::span<const std::size_t> places) {
  Run part = begin_run(run.plan);
  std::map<std::size_t, std::size_t> place_of;
  for (const std::size_t place : places) {
    place_of[place] = part.found.size();
    part.found.samples.labels.push_back(run.found.samples.labels[place]);
    part.found.samples.index.push_back(run.found.samples.index[place]);
    part.found.predictions.push_back(run.found.predictions[place]);
  }
  for (std::size_t a = 0; a < run.found.attacks.size(); ++a) {
    attacks::AttackResult& result = part.found.attacks[a];
    for (const attacks::Attempt& attempt : run.found.attacks[a].attempts) {
      if (!place_of.contains(attempt.sample)) continue;
      result.attempts.push_back(attempt);
      result.attempts.back().sample = place_of[attempt.sample];
    }
    result.no_attempts = attacks::plan_attempts(result.attack.info(), part.found.targets, part.found.samples,
                                                part.found.predictions, part.found.classes, run.plan.subject.seed)
                             .without_attempt;
  }
  for (std::size_t k = 0; k < run.probes.samples.size(); ++k) {
    if (!place_of.contains(run.probes.samples[k])) continue;
    part.probes.samples.push_back(place_of[run.probes.samples[k]]);
    part.probes.model.push_back(run.probes.model[k]);
    for (std::size_t b = 0; b < part.probes.balls.size(); ++b) {
      part.probes.balls[b].probes.push_back(run.probes.balls[b].probes[k]);
    }
  }
  for (std::size_t b = 0; b < part.certified.size(); ++b) {
    for (const std::size_t place : places) part.certified[b].all.push_back(run.certified[b].all[place]);
  }
  sum_up(part.found);
  return part;
}

/// Costs and stages of some samples are not in a manifest: they must fit into those of all, and are then left out.
void compare_costs(Differences& differences, const Run& all, Run& some) {
  for (std::size_t a = 0; a < some.found.attacks.size(); ++a) {
    attacks::AttackResult& result = some.found.attacks[a];
    const attacks::AttackResult& whole = all.found.attacks[a];
    const std::string name = result.attack.info().name;
    if (result.forwards > whole.forwards || result.gradients > whole.gradients) {
      differences.add(text(name, ": these images alone took ", result.forwards, " forward passes and ",
                           result.gradients, " gradients; of all it says ", whole.forwards, " and ", whole.gradients));
    }
    bool fits = result.stages.size() <= whole.stages.size();
    for (std::size_t k = 0; fits && k < result.stages.size(); ++k) {
      const attacks::StageResult &mine = result.stages[k], &of_all = whole.stages[k];
      const std::size_t left = mine.robust.part(), left_of_all = of_all.robust.part();
      fits = mine.attack.spec() == of_all.attack.spec() && left <= left_of_all &&
             some.found.right - left <= all.found.right - left_of_all;
    }
    if (!fits) differences.add(text(name, ": these images alone had other stages, or more were fooled in one"));
    result.forwards = result.gradients = 0;
    result.stages.clear();
  }
}

/// Makes the probes of a run that has none, by what was found in it.
void probe_all(Run& run, const nn::Classifier& model, const data::Dataset& data) {
  const attacks::ProbeOptions options = probe_options(run.plan, data);
  const std::vector<std::size_t> places = attacks::probed_samples(run.found, options.every);
  const Run part = part_of(run, places);
  const data::Samples samples = data.gather(part.found.samples.index);
  run.probes = attacks::probe(model, samples, part.found, run.plan.radii, options);
  for (std::size_t& sample : run.probes.samples) sample = places[sample];
}

Json comparable(const Json& json) {
  Json rest = Json::object();
  for (const auto& [key, value] : json.members()) {
    if (key != "hans" && key != "sha256") rest.set(key, value);  // another version may come to the same bits
  }
  return rest;
}

/// Why other bits may be right: nothing, or another version or build.
std::string excuse(const Run& run) {
  std::string why;
  if (run.plan.version != build_version()) {
    why = text("The manifest was made by hans ", run.plan.version, ", this is ", build_version(), ".\n");
  }
  if (!kernels::reproducible()) append(why, text("This hans is ", kernels::reservation(), ".\n"));
  return why;
}

int run(const ReproduceOptions& options) {
  begin(options);
  check_usage(options.seed == 0, "reproduce: the seed is the manifest's; leave --seed out");
  const std::string path = options.manifest.value().text;
  Manifest manifest = read_manifest(path);
  Run& before = manifest.run;
  const NamedModel named = find_model(manifest, path, options);
  const data::Dataset data = find_data(manifest, options, named);

  const Slice slice = before.slice();
  const std::size_t count = first_count(options.quick, slice.count);
  const bool whole = count == slice.count;
  std::vector<std::size_t> places;
  std::vector<std::uint32_t> which;
  for (std::size_t k = 0; k < count; ++k) {
    places.push_back(k * slice.count / count);
    which.push_back(static_cast<std::uint32_t>(slice.first + places.back()));
  }
  Plan plan = before.plan;
  set_subject(plan, named, data, plan.subject.seed);
  ProgressBar bar("", "images", options.quiet);
  const auto shown = [&](std::size_t done, std::size_t attack) {
    bar.update(done, count, work_text(before.plan, attack));
  };
  Run again =
      run_all(checked(std::move(plan)), named.model.net, data, {false, true}, images_at_once, shown, nullptr, which);
  bar.clear();

  Differences differences;
  if (!whole) compare_costs(differences, before, again);
  const Run was = whole ? before : part_of(before, places);
  differences.compare_images(was.found, again.found);
  if (differences.lines.empty()) {
    differences.compare("", comparable(result_json(was)), comparable(result_json(again)));
    if (manifest.judged()) {
      differences.compare("judgement", comparable(judgement_json(was)), comparable(judgement_json(again)));
    }
  }
  const bool identical = differences.lines.empty();
  const Subject& subject = before.plan.subject;
  std::string report = text(subject.model, " on ", images_text(subject, slice.count, slice.first), "\n");
  if (identical) {
    append(report, text("identical: ", whole ? "all " : "", with_commas(count),
                        whole ? "" : text(" of ", with_commas(slice.count)), " images have the same bits",
                        whole ? text(", result ", manifest.name) : "", "\n"));
  } else {
    append(report, "different:\n");
    for (const std::string& line : differences.lines) append(report, text("  ", line, "\n"));
    if (differences.full()) append(report, "  and perhaps more\n");
  }
  append(report, excuse(before));
  std::optional<attacks::Verdict> verdict;
  if (manifest.former) append(report, former_text(before, *manifest.former));
  if (identical && slice.complete()) {
    if (!manifest.judged()) probe_all(before, named.model.net, data);
    const attacks::Judgement judgement = judgement_of(before);
    verdict = judgement.verdict;
    const std::vector<const attacks::Reliability*> all = worst_cases(judgement);
    for (const attacks::Reliability* one : all) {
      const attacks::Number& number = one->number;
      const bool radius = all.size() > 1 && number.radius.has_value();
      append(report,
             text(radius ? text("within ", enum_name(number.ball.norm), " ", eps_text(*number.radius), ": ") : "",
                  verdict_text(*one)));
    }
  }
  finish(options, report,
         Json::object({{"hans", build_version()},
                       {"manifest", manifest.name},
                       {"identical", identical},
                       {"verdict", verdict ? Json(enum_name(*verdict)) : Json()},
                       {"former_verdict", optional_json(manifest.former)},
                       {"compared", count},
                       {"images", slice.count},
                       {"differences", column(differences.lines, std::identity())}}));
  return !identical ? 1 : verdict ? verdict_code(*verdict) : 0;
}

}  // namespace

Command reproduce_command() { return make_command<ReproduceOptions, run>(); }

}  // namespace hans::apps
