// The half of a manifest that is equal on every machine, as JSON and back.
#include <algorithm>
#include <cmath>
#include <limits>

#include <hans/apps/manifest.hpp>
#include <hans/apps/verdict.hpp>
#include <hans/core/hash.hpp>
#include <hans/core/text.hpp>
#include <hans/core/version.hpp>

namespace hans::apps {
namespace {

using attacks::Attempt;

constexpr double infinity = std::numeric_limits<double>::infinity();

template <class Enum>
Enum enum_of(const Json& json) {
  Enum value{};
  try {
    hans::read_value(json.string(), value);
  } catch (const UsageError& error) {
    throw Error(text(in_quotes(json.string()), " is ", error.what()));
  }
  return value;
}

template <class All, class Get>
Json column(const All& all, Get get) {
  Json::Array items;
  items.reserve(static_cast<std::size_t>(std::end(all) - std::begin(all)));
  for (const auto& one : all) items.emplace_back(get(one));
  return Json::array(std::move(items));
}

Json threat_json(const Benchmark& benchmark) {
  const ThreatModel threat =
      threat_model(benchmark.request.attacks, benchmark.request.targets, benchmark.image, benchmark.subject.box);
  const attacks::Budget& budget = threat.budget;
  return Json::object({{"norm", enum_name(budget.norm)},
                       {"budget", static_cast<float>(budget.size)},
                       {"box", Json::array({budget.box.lo, budget.box.hi})},
                       {"goal", threat.goal == "none" ? "untargeted" : text("targets ", threat.goal)},
                       {"knowledge", enum_name(threat.knowledge)},
                       {"judged_by_prediction_alone", budget.prediction_only}});
}

/// One row for each attempt, as columns.
Json attempts_json(const Benchmark& benchmark, const attacks::AttackResult& result) {
  const auto of_finding = [&](auto get) {
    return column(result.attempts, [&](const Attempt& a) { return Json(get(a.finding)); });
  };
  return Json::object(
      {{"index", column(result.attempts, [&](const Attempt& a) { return benchmark.found.samples.index[a.sample]; })},
       {"target", column(result.attempts, [](const Attempt& a) { return a.target.value_or(-1); })},
       {"prediction", of_finding([](const auto& f) { return f.prediction; })},
       {"reason", of_finding([](const auto& f) { return enum_name(f.reason); })},
       {"stop", column(result.attempts, [](const Attempt& a) { return enum_name(a.note.stop); })},
       {"l0", of_finding([](const auto& f) { return f.distance.l0; })},
       {"l1", of_finding([](const auto& f) { return f.distance.l1; })},
       {"l2", of_finding([](const auto& f) { return f.distance.l2; })},
       {"linf", of_finding([](const auto& f) { return f.distance.linf; })},
       {"image_sha256", column(result.attempts, [](const Attempt& a) { return a.image_sha256; })}});
}

/// Over the hashes of the images, in order.
std::string images_sha256(const attacks::AttackResult& result) {
  Sha256 hash;
  for (const Attempt& attempt : result.attempts) hash.add(attempt.image_sha256);
  return hash.hex();
}

Json attack_json(const Benchmark& benchmark, std::size_t k) {
  const attacks::AttackResult& result = benchmark.found.attacks[k];
  Json json = figures_json(benchmark.request, benchmark.found, k);
  const attacks::Knowledge knowledge = result.attack.info().knowledge;
  json.set("knowledge", enum_name(knowledge));
  json.set("queries", knowledge == attacks::Knowledge::gradients ? Json() : Json(result.forwards));
  json.set("without_attempt", result.no_attempts);
  json.set("images_sha256", images_sha256(result));
  json.set("outcomes", attempts_json(benchmark, result));
  return json;
}

/// One row for each probed sample, as columns.
Json probes_json(const attacks::Evaluation& found) {
  const std::vector<attacks::Probe>& probes = found.probes;
  Json json = Json::object(
      {{"index", column(probes, [&](const attacks::Probe& probe) { return found.samples.index[probe.sample]; })},
       {"roughness", column(probes, [](const attacks::Probe& probe) { return probe.roughness; })}});
  for (const auto& [name, flag] : attacks::probe_flags()) {
    json.set(std::string(name), column(probes, [member = flag](const attacks::Probe& probe) { return probe.*member; }));
  }
  return json;
}

constexpr std::uint64_t most_images = std::uint64_t{1} << 32;

std::size_t count_of(const Json& json, std::string_view what, std::uint64_t most = most_images) {
  const std::uint64_t value = json.natural();
  check(value <= most, what, " is ", value, "; the most is ", most);
  return static_cast<std::size_t>(value);
}

std::size_t count_at(const Json& json, std::string_view key) { return count_of(json.at(key), key); }

/// The integers of a column.
std::vector<int> integers(const Json& json, std::string_view key, std::size_t count) {
  const Json::Array& items = json.at(key).items();
  check(items.size() == count, key, " has ", items.size(), " entries for ", count);
  std::vector<int> all;
  all.reserve(count);
  for (const Json& item : items) {
    const std::int64_t value = item.integer();
    check(value >= -1 && value < std::numeric_limits<int>::max(), key, " has a ", value);
    all.push_back(static_cast<int>(value));
  }
  return all;
}

double distance_of(const Json& json) { return json.is_null() ? infinity : json.number(); }

/// What the judge had found: success and evasion follow from the reason.
attacks::Finding finding_of(const Json& outcomes, std::size_t k, int prediction, int label) {
  attacks::Finding finding;
  finding.prediction = prediction;
  finding.reason = enum_of<attacks::Reason>(outcomes.at("reason").items()[k]);
  using enum attacks::Reason;
  finding.allowed =
      finding.reason == success || finding.reason == unchanged_prediction || finding.reason == other_class;
  finding.success = finding.reason == success;
  finding.evades = finding.allowed && prediction != label && prediction >= 0;
  finding.distance.l0 = count_of(outcomes.at("l0").items()[k], "l0");
  finding.distance.l1 = distance_of(outcomes.at("l1").items()[k]);
  finding.distance.l2 = distance_of(outcomes.at("l2").items()[k]);
  finding.distance.linf = distance_of(outcomes.at("linf").items()[k]);
  return finding;
}

void read_attempts(attacks::AttackResult& result, const Json& outcomes, const attacks::Evaluation& found,
                   std::size_t first) {
  const std::size_t count = outcomes.at("index").items().size();
  const std::vector<int> index = integers(outcomes, "index", count), targets = integers(outcomes, "target", count),
                         predictions = integers(outcomes, "prediction", count);
  for (const std::string_view key : {"reason", "stop", "l0", "l1", "l2", "linf", "image_sha256"}) {
    const std::size_t entries = outcomes.at(key).items().size();
    check(entries == count, key, " has ", entries, " entries for ", count, " attempts");
  }
  for (std::size_t k = 0; k < count; ++k) {
    const auto place = static_cast<std::size_t>(index[k]) - first;
    check(index[k] >= 0 && place < found.samples.size(), "an attempt is on image ", index[k], ", which is not here");
    check(k == 0 || index[k] >= index[k - 1], "the attempts are not in the order of the images");
    Attempt attempt{place,
                    {},
                    finding_of(outcomes, k, predictions[k], found.samples.labels[place]),
                    {},
                    outcomes.at("image_sha256").items()[k].string()};
    if (targets[k] >= 0) attempt.target = targets[k];
    attempt.note.stop = enum_of<attacks::Stop>(outcomes.at("stop").items()[k]);
    result.attempts.push_back(std::move(attempt));
  }
}

std::vector<attacks::Probe> probes_of(const Json& json, const Benchmark& benchmark) {
  const std::size_t count = json.at("index").items().size();
  const std::vector<int> index = integers(json, "index", count);
  const Json::Array& roughness = json.at("roughness").items();
  check(roughness.size() == count, "roughness has ", roughness.size(), " entries for ", count);
  std::vector<attacks::Probe> probes(count);
  for (std::size_t k = 0; k < count; ++k) {
    const auto place = static_cast<std::size_t>(index[k]) - benchmark.slice.first;
    check(index[k] >= 0 && place < benchmark.found.samples.size(), "a probe is of image ", index[k],
          ", which is not here");
    probes[k].sample = place;
    probes[k].roughness = roughness[k].number();
  }
  for (const auto& [name, flag] : attacks::probe_flags()) {
    const Json::Array& values = json.at(name).items();
    check(values.size() == count, name, " has ", values.size(), " entries for ", count);
    for (std::size_t k = 0; k < count; ++k) probes[k].*flag = values[k].boolean();
  }
  return probes;
}

/// Counts of samples left, from their shares.
std::vector<attacks::Stage> stages_of(const Json& attack, std::size_t samples) {
  std::vector<attacks::Stage> all;
  const Json* stages = attack.find("stages");
  if (stages == nullptr) return all;
  for (const Json& stage : stages->items()) {
    const double left = stage.at("robust_accuracy").number() * static_cast<double>(samples);
    check(left >= 0 && left <= static_cast<double>(samples), "a stage leaves ", left, " of ", samples, " images");
    all.push_back({stage.at("attack").string(), static_cast<std::size_t>(std::llround(left))});
  }
  return all;
}

attacks::AttackResult result_of(const Json& json, const Benchmark& benchmark) {
  attacks::AttackResult result;
  result.attack = attacks::Attack::from_spec(Spec::parse(json.at("attack").string()));
  result.budget = result.attack.budget(benchmark.image, benchmark.subject.box);
  result.forwards = json.at("forwards").natural();
  result.gradients = json.at("gradients").natural();
  result.no_attempts = count_at(json, "without_attempt");
  result.stages = stages_of(json, benchmark.found.samples.size());
  read_attempts(result, json.at("outcomes"), benchmark.found, benchmark.slice.first);
  return result;
}

attacks::Targets targets_of(const Json& json) {
  const std::string& goal = json.at("threat_model").at("goal").string();
  constexpr std::string_view targeted = "targets ";
  return goal == "untargeted" ? attacks::Targets{}
                              : attacks::read_targets(goal.substr(std::min(goal.size(), targeted.size())));
}

}  // namespace

Json question_json(const Benchmark& benchmark) {
  const Subject& subject = benchmark.subject;
  Json radii = Json::array();
  for (const float radius : benchmark.request.radii) radii.push(radius);
  return Json::object(
      {{"hans", benchmark.version},
       {"seed", subject.seed},
       {"threat_model", threat_json(benchmark)},
       {"attacks", column(benchmark.request.attacks, [](const attacks::Attack& a) { return text(a.pinned()); })},
       {"at", std::move(radii)},
       {"model_sha256", subject.model_sha256},
       {"architecture", subject.architecture},
       {"preprocessing", subject.preprocessing},
       {"image", column(benchmark.image, [](std::size_t extent) { return extent; })},
       {"classes", benchmark.found.classes},
       {"box", Json::array({subject.box.lo, subject.box.hi})},
       {"data_sha256", subject.data_sha256},
       {"data_size", subject.data_size},
       {"images", benchmark.slice.whole}});
}

Json result_json(const Benchmark& benchmark) {
  const attacks::Evaluation& found = benchmark.found;
  const Slice& slice = benchmark.slice;
  Json json = question_json(benchmark);
  json.set("slice", Json::object({{"first", slice.first}, {"count", slice.count}}));
  set_accuracy(json, "clean_accuracy", found.right, slice.count);
  set_accuracy(json, "robust_accuracy", found.robust, slice.count);
  set_accuracy(json, "conditional_robust_accuracy", found.robust, found.right);
  json.set("samples", Json::object({{"label", column(found.samples.labels, [](int label) { return label; })},
                                    {"prediction", column(found.predictions, [](int one) { return one; })}}));
  Json all = Json::array();
  for (std::size_t k = 0; k < found.attacks.size(); ++k) all.push(attack_json(benchmark, k));
  json.set("found", std::move(all));
  json.set("probes", probes_json(found));
  set_verdict(json, attacks::reliability(found), found.attacks.front().budget);
  return json;
}

Benchmark read_result(const Json& result) {
  Benchmark benchmark;
  benchmark.version = result.at("hans").string();
  Subject& subject = benchmark.subject;
  subject.seed = result.at("seed").natural();
  subject.model_sha256 = result.at("model_sha256").string();
  subject.architecture = result.at("architecture").string();
  subject.preprocessing = result.at("preprocessing").string();
  subject.data_sha256 = result.at("data_sha256").string();
  subject.data_size = count_at(result, "data_size");
  const Json::Array &extents = result.at("image").items(), &box = result.at("box").items();
  check(extents.size() == 3 && box.size() == 2, "image has ", extents.size(), " extents and box ", box.size(),
        " ends; there are 3 and 2");
  std::array<std::size_t, 3> image{};
  for (std::size_t k = 0; k < image.size(); ++k) {
    image[k] = count_of(extents[k], "image", 1U << 16);
  }
  benchmark.image = Shape{image[0], image[1], image[2]};
  subject.box = {static_cast<float>(box[0].number()), static_cast<float>(box[1].number())};

  Request& request = benchmark.request;
  request.targets = targets_of(result);
  for (const Json& radius : result.at("at").items()) request.radii.push_back(static_cast<float>(radius.number()));

  benchmark.slice = {count_at(result.at("slice"), "first"), count_at(result.at("slice"), "count"),
                     count_at(result, "images")};
  const Slice& slice = benchmark.slice;
  check(slice.first + slice.count <= slice.whole && slice.whole <= subject.data_size, "the slice of ", slice.count,
        " images from ", slice.first, " does not fit ", slice.whole, " of ", subject.data_size);
  attacks::Evaluation& found = benchmark.found;
  found.samples.images = Tensor(benchmark.image.with_front(0));
  found.samples.box = subject.box;
  found.samples.labels = integers(result.at("samples"), "label", slice.count);
  found.predictions = integers(result.at("samples"), "prediction", slice.count);
  for (std::size_t k = 0; k < slice.count; ++k) {
    found.samples.index.push_back(static_cast<std::uint32_t>(slice.first + k));
  }
  for (const Json& one : result.at("found").items()) {
    found.attacks.push_back(result_of(one, benchmark));
    request.attacks.push_back(found.attacks.back().attack);
  }
  check(!found.attacks.empty(), "it has no attack");
  found.classes = count_at(result, "classes");
  found.probes = probes_of(result.at("probes"), benchmark);
  sum_up(found);
  check(result_json(benchmark).dump() == result.dump(), "its figures do not follow from its outcomes",
        benchmark.version == build_version() ? "" : text("; hans ", benchmark.version, " made it"));
  return benchmark;
}

}  // namespace hans::apps
