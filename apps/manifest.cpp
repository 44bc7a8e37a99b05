// A benchmark as a file: what must be equal anywhere, and how it was run here.
#include <hans/apps/manifest.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <hans/apps/verdict.hpp>
#include <hans/core/file.hpp>
#include <hans/core/hash.hpp>
#include <hans/core/text.hpp>
#include <hans/core/version.hpp>

namespace hans::apps {
namespace {

constexpr int schema = 1;
constexpr std::uint64_t longest_manifest = std::uint64_t{1} << 30;

std::string hash_of(const Json& json) { return sha256(json.dump()); }

std::string images_of(const Slice& slice) {
  return slice.count == 0 ? "none" : text(slice.first, " to ", slice.first + slice.count - 1);
}

}  // namespace

ThreatModel threat_model(std::span<const attacks::Attack> all, attacks::Targets targets, const Shape& image,
                         data::Box box) {
  ThreatModel threat;
  for (const attacks::Attack& attack : all) {
    ThreatModel own{attack.budget(image, box), targets_text(targets, attack), attack.info().knowledge};
    if (&attack == all.data()) threat = own;
    check_usage(threat.budget == own.budget && threat.goal == own.goal, "one benchmark has one threat model, but ",
                all.front().info().name, " is ", threat_text(threat), " and ", attack.info().name, " ",
                threat_text(own), "; give attacks with the same norm, budget and targets, or make two benchmarks");
    threat.knowledge = std::max(threat.knowledge, own.knowledge);
  }
  return threat;
}

std::string threat_text(const ThreatModel& threat) {
  const attacks::Budget& budget = threat.budget;
  const std::string ball = std::isfinite(budget.size) ? text(" within ", static_cast<float>(budget.size)) : ", nearest";
  const std::string box = std::isfinite(budget.box.lo) || std::isfinite(budget.box.hi)
                              ? text("features in [", budget.box.lo, ",", budget.box.hi, "]")
                              : "features unlimited";
  return text(enum_name(budget.norm), ball, ", ", box, budget.prediction_only ? ", judged by the prediction alone" : "",
              threat.goal == "none" ? ", untargeted" : text(", targets ", threat.goal));
}

Benchmark begin_benchmark(const Subject& subject, const Shape& image, std::size_t classes, const Request& request,
                          Slice slice) {
  Benchmark all{std::string(build_version()), subject, image, request, slice, {}};
  all.slice.count = 0;
  all.found.samples.images = Tensor(image.with_front(0));
  all.found.samples.box = subject.box;
  all.found.classes = classes;
  for (attacks::Attack& attack : all.request.attacks) {
    attack = attack.resolved(subject.box);
    attacks::AttackResult result;
    result.attack = attack;
    result.budget = attack.budget(image, subject.box);
    all.found.attacks.push_back(std::move(result));
  }
  threat_model(all.request.attacks, request.targets, image, subject.box);
  sum_up(all.found);
  return all;
}

void extend(Benchmark& all, attacks::Evaluation part) {
  attacks::Evaluation& found = all.found;
  const std::size_t before = found.samples.size();
  const auto append_to = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  append_to(found.samples.labels, part.samples.labels);
  append_to(found.samples.index, part.samples.index);
  append_to(found.predictions, part.predictions);
  for (attacks::Probe& probe : part.probes) {
    probe.sample += before;
    found.probes.push_back(probe);
  }
  for (std::size_t a = 0; a < found.attacks.size(); ++a) {
    attacks::AttackResult &whole = found.attacks[a], &own = part.attacks[a];
    for (attacks::Attempt& attempt : own.attempts) {
      attempt.sample += before;
      whole.attempts.push_back(std::move(attempt));
    }
    whole.no_attempts += own.no_attempts;
    whole.forwards += own.forwards;
    whole.gradients += own.gradients;
    whole.seconds += own.seconds;
    attacks::add_stages(own.stages, whole.stages);
  }
  all.slice.count += part.samples.size();
  sum_up(found);
}

void add_attacks(Benchmark& all, Benchmark more) {
  for (attacks::Attack& attack : more.request.attacks) all.request.attacks.push_back(std::move(attack));
  for (attacks::AttackResult& result : more.found.attacks) all.found.attacks.push_back(std::move(result));
  sum_up(all.found);
}

Json manifest_json(const Benchmark& benchmark, const Json& run) {
  const Json result = result_json(benchmark);
  Json all = Json::object({{"manifest", schema}, {"name", hash_of(result)}, {"result", result}, {"run", run}});
  all.set("sha256", hash_of(all));
  return all;
}

Manifest read_manifest(const std::filesystem::path& path) {
  const std::string file = path.string();
  try {
    const Json all = Json::parse(read_file(path, longest_manifest));
    check(all.is_object() && all.find("manifest") != nullptr && all.find("result") != nullptr,
          "it is no manifest, as hans benchmark writes them");
    check(all.at("manifest").natural() == schema, "it has schema ", all.at("manifest").natural(), ", this is hans ",
          version, ", which reads ", schema);
    Json hashed = Json::object();
    for (const auto& [key, value] : all.members()) {
      if (key != "sha256") hashed.set(key, value);
    }
    check(all.at("sha256").string() == hash_of(hashed) && all.at("name").string() == hash_of(all.at("result")),
          "it was changed after it was written: its hash does not fit");
    Manifest manifest{read_result(all.at("result")), all.at("run"), all.at("name").string()};
    manifest.benchmark.subject.model = manifest.run.at("model").string();
    manifest.benchmark.subject.data = manifest.run.at("data").string();
    const Json::Array& seconds = manifest.run.at("seconds").items();
    std::vector<attacks::AttackResult>& attacks = manifest.benchmark.found.attacks;
    check(seconds.size() == attacks.size(), "it has the seconds of ", seconds.size(), " attacks, of ", attacks.size());
    for (std::size_t a = 0; a < attacks.size(); ++a) attacks[a].seconds = seconds[a].number();
    return manifest;
  } catch (const Error& error) {
    throw Error(text(file, ": ", error.what()));
  }
}

Benchmark merge(std::span<const Manifest> parts, std::span<const std::string> names) {
  check_usage(!parts.empty() && parts.size() == names.size(), "there is nothing to join");
  std::vector<std::size_t> order(parts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto slice = [&](std::size_t k) { return parts[k].benchmark.slice; };
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    return slice(a).first != slice(b).first ? slice(a).first < slice(b).first : a < b;
  });
  const Json question = question_json(parts[order[0]].benchmark);
  Benchmark all = parts[order[0]].benchmark;
  check(all.version == build_version(), names[order[0]], " was made by hans ", all.version, ", this is ",
        build_version(), "; join parts with the version that made them");
  const auto missing = [](std::size_t first, std::size_t end) {
    return text("images ", first, " to ", end - 1, " are missing");
  };
  check(all.slice.first == 0, missing(0, all.slice.first), ": there is nothing in front of ", names[order[0]]);
  for (std::size_t k = 1; k < order.size(); ++k) {
    const std::size_t next = order[k];
    const Benchmark& part = parts[next].benchmark;
    const Json other = question_json(part);
    for (const auto& [key, value] : question.members()) {
      check(value.dump() == other.at(key).dump(), names[order[0]], " and ", names[next],
            " are parts of different benchmarks: ", key, " is ", value.dump(), " and ", other.at(key).dump());
    }
    const std::size_t end = all.slice.first + all.slice.count;
    check(slice(next).first <= end, missing(end, slice(next).first), " between ", names[order[k - 1]], " and ",
          names[next]);
    check(slice(next).first >= end, names[order[k - 1]], " (images ", images_of(slice(order[k - 1])), ") and ",
          names[next], " (images ", images_of(slice(next)), ") overlap");
    extend(all, part.found);
  }
  check(all.slice.complete(), missing(all.slice.count, all.slice.whole), ": there is nothing behind ",
        names[order.back()]);
  return all;
}

std::string manifest_report(const Benchmark& benchmark, std::string_view name) {
  const Slice& slice = benchmark.slice;
  std::string report = results_table(benchmark.subject, benchmark.request, benchmark.found);
  const ThreatModel threat =
      threat_model(benchmark.request.attacks, benchmark.request.targets, benchmark.image, benchmark.subject.box);
  append(report, text("\nthreat model: ", threat_text(threat), ", seeing ", enum_name(threat.knowledge), "\n\n"));
  if (slice.complete()) {
    append(report, text(results_sentences(benchmark.subject, benchmark.request, benchmark.found), "\n",
                        verdict_text(attacks::reliability(benchmark.found), threat.budget), "\n"));
  } else {
    append(report, text("This is a part: images ", images_of(slice), " of the first ", with_commas(slice.whole),
                        "; hans merge joins all parts.\n\n"));
  }
  append(report, text("result ", name, "\n"));
  return report;
}

}  // namespace hans::apps
