// Manifests back from JSON.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

#include <hans/core/file.hpp>
#include <hans/core/hash.hpp>
#include <hans/core/text.hpp>
#include <hans/core/version.hpp>
#include "manifest.hpp"
#include "reading.hpp"

namespace hans::apps {
namespace {

using attacks::Attempt;

constexpr std::uint64_t longest_manifest = std::uint64_t{1} << 30;
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::array<std::string_view, 6> keys{"manifest", "name", "result", "judgement", "run", "sha256"};

// What schema 1 had in its result and has in `judgement` since.
constexpr std::array<std::string_view, 4> judged_in_schema_1{"probes", "verdict", "indicators", "next"};

/// Of an object that ends with its own hash.
bool has_its_hash(const Json& json) {
  constexpr std::array<std::string_view, 1> itself{"sha256"};
  return json.at("sha256").string() == sha256(dump_without(json, itself));
}

/// A column of so many entries, each read by `get`.
template <class Get>
auto read_column(const Json& json, std::string_view key, std::size_t count, Get get) {
  const Json::Array& items = json.at(key).items();
  check(items.size() == count, key, " has ", items.size(), " entries for ", count);
  std::vector<decltype(get(items[0]))> all;
  all.reserve(count);
  for (const Json& item : items) all.push_back(get(item));
  return all;
}

std::vector<int> integers(const Json& json, std::string_view key, std::size_t count) {
  return read_column(json, key, count, [&](const Json& item) {
    const std::int64_t value = item.integer();
    check(value >= -1 && value < std::numeric_limits<int>::max(), key, " has a ", value);
    return static_cast<int>(value);
  });
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

void read_attempts(attacks::AttackResult& result, const Json& outcomes, const Run& run) {
  const attacks::Evaluation& found = run.found;
  const std::size_t count = outcomes.at("index").items().size();
  const std::vector<int> index = integers(outcomes, "index", count), targets = integers(outcomes, "target", count),
                         predictions = integers(outcomes, "prediction", count);
  for (const std::string_view key : {"reason", "stop", "l0", "l1", "l2", "linf", "image_sha256"}) {
    const std::size_t entries = outcomes.at(key).items().size();
    check(entries == count, key, " has ", entries, " entries for ", count, " attempts");
  }
  for (std::size_t k = 0; k < count; ++k) {
    const auto place = static_cast<std::size_t>(index[k]) - run.plan.slice.first;
    check(index[k] >= 0 && place < found.size(), "an attempt is on image ", index[k], ", which is not here");
    Attempt attempt{place};
    if (targets[k] >= 0) attempt.target = targets[k];
    attempt.finding = finding_of(outcomes, k, predictions[k], found.samples.labels[place]);
    attempt.note.stop = enum_of<attacks::Stop>(outcomes.at("stop").items()[k]);
    attempt.image_sha256 = outcomes.at("image_sha256").items()[k].string();
    result.attempts.push_back(std::move(attempt));
  }
}

template <class Flags, class Probe>
void read_flags(const Json& json, const Flags& flags, std::vector<Probe>& probes) {
  for (const auto& [name, flag] : flags) {
    const auto values = read_column(json, name, probes.size(), [](const Json& item) { return char{item.boolean()}; });
    for (std::size_t k = 0; k < probes.size(); ++k) probes[k].*flag = values[k] != 0;
  }
}

void read_probes(const Json& json, Run& run) {
  attacks::Probes& probes = run.probes;
  const std::size_t count = json.at("index").items().size();
  for (const int index : integers(json, "index", count)) {
    const auto place = static_cast<std::size_t>(index) - run.plan.slice.first;
    check(index >= 0 && place < run.found.size(), "a probe is of image ", index, ", which is not here");
    probes.samples.push_back(place);
  }
  probes.model.resize(count);
  const auto roughness = read_column(json, "roughness", count, [](const Json& item) { return item.number(); });
  for (std::size_t k = 0; k < count; ++k) probes.model[k].roughness = roughness[k];
  read_flags(json, attacks::model_flags(), probes.model);
  const Json::Array& balls = json.at("balls").items();
  check(balls.size() == probes.balls.size(), "there are probes in ", balls.size(), " balls, of ", probes.balls.size());
  for (std::size_t k = 0; k < balls.size(); ++k) {
    probes.balls[k].probes.resize(count);
    read_flags(balls[k], attacks::ball_flags(), probes.balls[k].probes);
  }
}

/// Counts of samples left, from their shares.
std::vector<attacks::StageResult> stages_of(const Json& attack, std::size_t samples) {
  std::vector<attacks::StageResult> all;
  const Json* stages = attack.find("stages");
  if (stages == nullptr) return all;
  for (const Json& stage : stages->items()) {
    const double left = stage.at("robust_accuracy").number() * static_cast<double>(samples);
    check(left >= 0 && left <= static_cast<double>(samples), "a stage leaves ", left, " of ", samples, " images");
    all.push_back({attacks::Attack::from_spec(Spec::parse(stage.at("attack").string())),
                   {static_cast<std::size_t>(std::llround(left)), samples}});
  }
  return all;
}

attacks::Targets targets_of(const Json& json) {
  const std::string& goal = json.at("threat_model").at("goal").string();
  constexpr std::string_view targeted = "targets ";
  if (goal == "untargeted") return {};
  check(goal.starts_with(targeted), "the goal is ", in_quotes(goal), ", not untargeted or targets ...");
  return attacks::read_targets(std::string_view(goal).substr(targeted.size()));
}

/// How the file says that it was certified: the same in all balls.
std::optional<Certifying> certifying_of(const Json& result) {
  const Json* balls = result.find("certify");
  if (balls == nullptr) return {};
  check(balls->is_array() && !balls->items().empty(), "certify has no ball");
  const Json& first = balls->items()[0];
  return Certifying{enum_of<defenses::CertifyMethod>(first.at("method")), first.at("nodes").natural()};
}

void read_certificates(const Json& json, CertifiedBall& ball, const attacks::Evaluation& found) {
  using defenses::Certainty, defenses::Doubt, defenses::Step;
  const std::size_t count = found.size();
  const Json& samples = json.at("samples");
  const auto verdicts = read_column(samples, "verdict", count, enum_of<Certainty>);
  const auto reasons = read_column(samples, "reason", count, optional_of<Doubt>);
  const auto steps = read_column(samples, "method", count, optional_of<Step>);
  const auto bounds = read_column(samples, "bound", count, [](const Json& item) {
    return item.is_null() ? std::numeric_limits<double>::quiet_NaN() : item.number();
  });
  const auto nodes = read_column(samples, "nodes", count, [](const Json& item) { return item.natural(); });
  const auto flag = [](const Json& item) { return item.boolean(); };
  const auto real = read_column(samples, "real", count, flag), float32 = read_column(samples, "float32", count, flag);
  for (std::size_t k = 0; k < count; ++k) {
    defenses::Certificate one{found.samples.index[k], found.samples.labels[k], found.predictions[k], verdicts[k]};
    one.doubt = reasons[k];
    one.step = steps[k];
    one.bound = bounds[k];
    one.nodes = nodes[k];
    one.real = real[k];
    one.float32 = float32[k];
    ball.all.push_back(std::move(one));
  }
}

Plan read_plan(const Json& result) {
  Plan plan;
  plan.version = result.at("hans").string();
  constexpr std::string_view in_versions = "0123456789.+-abcdefghijklmnopqrstuvwxyz";
  check(!plan.version.empty() && plan.version.find_first_not_of(in_versions) == std::string::npos, "hans is ",
        in_quotes(plan.version), ", which is no version");
  Subject& subject = plan.subject;
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
    check(image[k] > 0, "image has an extent of 0");
  }
  plan.image = Shape{image[0], image[1], image[2]};
  subject.box = {float_of(box[0], "box"), float_of(box[1], "box")};
  check(subject.box.lo <= subject.box.hi, "box goes from ", subject.box.lo, " to ", subject.box.hi);
  plan.classes = count_of(result.at("classes"), "classes", 1U << 20);
  for (const Json& attack : result.at("attacks").items()) {
    plan.attacks.push_back(attacks::Attack::from_spec(Spec::parse(attack.string())));
  }
  check(!plan.attacks.empty(), "it has no attack");
  plan.targets = targets_of(result);
  for (const Json& radius : result.at("at").items()) {
    plan.radii.push_back(float_of(radius, "at"));
    check(plan.radii.back() >= 0, "a radius is ", plan.radii.back());
  }
  const Json& slice = result.at("slice");
  plan.slice = {count_at(slice, "first"), count_at(slice, "count"), count_at(result, "images")};
  check(plan.slice.first + plan.slice.count <= plan.slice.whole && plan.slice.whole <= subject.data_size,
        "the slice of ", plan.slice.count, " images from ", plan.slice.first, " does not fit ", plan.slice.whole,
        " of ", subject.data_size);
  plan.certify = certifying_of(result);
  return checked(std::move(plan));
}

Run read_result(const Json& result) {
  Run run = begin_run(read_plan(result));
  attacks::Evaluation& found = run.found;
  const Slice& slice = run.plan.slice;
  found.samples.labels = integers(result.at("samples"), "label", slice.count);
  found.predictions = integers(result.at("samples"), "prediction", slice.count);
  for (std::size_t k = 0; k < slice.count; ++k) {
    found.samples.index.push_back(static_cast<std::uint32_t>(slice.first + k));
  }
  const Json::Array& attacks = result.at("found").items();
  check(attacks.size() == found.attacks.size(), "it has results of ", attacks.size(), " attacks, of ",
        found.attacks.size());
  for (std::size_t k = 0; k < attacks.size(); ++k) {
    attacks::AttackResult& one = found.attacks[k];
    one.forwards = attacks[k].at("forwards").natural();
    one.gradients = attacks[k].at("gradients").natural();
    one.no_attempts = count_at(attacks[k], "without_attempt");
    one.stages = stages_of(attacks[k], slice.count);
    read_attempts(one, attacks[k].at("outcomes"), run);
  }
  if (run.plan.certify) {
    const Json::Array& balls = result.at("certify").items();
    check(balls.size() == run.certified.size(), "it is certified in ", balls.size(), " balls, of ",
          run.certified.size());
    for (std::size_t b = 0; b < balls.size(); ++b) read_certificates(balls[b], run.certified[b], found);
  }
  sum_up(found);
  return run;
}

void read_judgement(const Json& judgement, Run& run) {
  check(has_its_hash(judgement), "its judgement was changed after it was written: its hash does not fit");
  const std::string& version = judgement.at("hans").string();
  check(version == run.plan.version, "its result was made by hans ", run.plan.version, ", its judgement by ", version);
  const std::uint64_t rules = judgement.at("rules").natural();
  check(rules == attacks::verdict_rules, "its judgement follows rules ", rules, ", this is hans ", build_version(),
        ", which knows rules ", attacks::verdict_rules);
  const Json& probes = judgement.at("probes");
  if (probes.find("wanted") != nullptr) run.plan.probes = count_at(probes, "wanted");
  read_probes(probes, run);
  const std::uint32_t every = attacks::probe_every(run.plan.slice.whole, run.plan.probes);
  check(run.probes.samples == attacks::probed_samples(run.found, every),
        "its probes are not on the images that must be probed: those that are right, at a multiple of ", every);
}

}  // namespace

Manifest parse_manifest(std::string_view bytes) {
  check(!bytes.starts_with("PK"), "it is an .npz file, not a manifest; adversarial images are computed again by ",
        "hans check FILE --model MODEL");
  Json all = Json::parse(bytes);
  check(all.is_object() && all.find("manifest") != nullptr && all.find("result") != nullptr,
        "it is no manifest, as hans benchmark writes them");
  const std::uint64_t number = all.at("manifest").natural();
  check(number >= 1 && number <= certified_schema, "it has schema ", number, ", this is hans ", build_version(),
        ", which reads 1 to ", certified_schema);
  for (const auto& [key, value] : all.members()) {
    const bool known = std::ranges::find(keys, key) != keys.end() && (number > 1 || key != "judgement");
    check(known, "the key ", in_quotes(key), " is none of a manifest's");
  }
  const Json& result = all.at("result");
  std::string measured = result.dump(), judgement;
  check(has_its_hash(all) && all.at("name").string() == sha256(measured),
        "it was changed after it was written: its hash does not fit");
  check((number == certified_schema) == (result.find("certify") != nullptr), "it has schema ", number,
        ", and certificates belong to ", certified_schema);
  Manifest manifest{read_result(result), all.at("run"), all.at("name").string(), {}};
  Run& run = manifest.run;
  validate(run);
  const std::string& version = run.plan.version;
  if (number == 1) {
    manifest.former = enum_name(enum_of<attacks::Verdict>(result.at("verdict")));
    measured = dump_without(result, judged_in_schema_1);
  } else {
    read_judgement(all.at("judgement"), run);
    judgement = all.at("judgement").dump();
  }
  all = {};  // before the same is made again
  check_follows(result_json(run), measured, "its result", version);
  if (manifest.judged()) check_follows(judgement_json(run), judgement, "its judgement", version);
  run.plan.subject.model = visible(manifest.here.at("model").string());
  run.plan.subject.data = visible(manifest.here.at("data").string());
  const Json::Array& seconds = manifest.here.at("seconds").items();
  std::vector<attacks::AttackResult>& attacks = run.found.attacks;
  check(seconds.size() == attacks.size(), "it has the seconds of ", seconds.size(), " attacks, of ", attacks.size());
  for (std::size_t a = 0; a < attacks.size(); ++a) attacks[a].seconds = seconds[a].number();
  if (!run.certified.empty()) {
    const Json::Array& spent = manifest.here.at("certify_seconds").items();
    check(spent.size() == run.certified.size(), "it has the seconds of ", spent.size(), " balls, of ",
          run.certified.size());
    for (std::size_t b = 0; b < spent.size(); ++b) run.certified[b].seconds = spent[b].number();
  }
  return manifest;
}

Manifest read_manifest(const std::filesystem::path& path) {
  const std::string bytes = read_file(path, longest_manifest);
  try {
    return parse_manifest(bytes);
  } catch (const Error& error) {
    throw Error(text(path.string(), ": ", error.what()));
  }
}

}  // namespace hans::apps
