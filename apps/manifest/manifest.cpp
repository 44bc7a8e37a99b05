// A run as a file that anyone can check and run again.
#include "manifest.hpp"

#include <hans/core/text.hpp>
#include <hans/core/version.hpp>
#include "../../core/text/detail/utf8.hpp"
#include "parts.hpp"

namespace hans::apps {
namespace {

/// A path as JSON holds it. One that is not UTF-8 cannot be, so what is there names no file.
std::string path_for_json(std::string_view path) { return is_utf8(path) ? std::string(path) : visible(path); }

}  // namespace

Run merge(std::span<const Manifest> parts, std::span<const std::string> names) {
  std::vector<Part> all_parts;
  for (const std::size_t k : places(parts.size())) {
    const Run& run = parts[k].run;
    all_parts.push_back({names[k], run.slice(), question_json(run.plan)});
  }
  const std::vector<std::size_t> order = in_order(all_parts, "benchmarks");
  const std::string& first = names[order[0]];
  Run all = parts[order[0]].run;
  for (const std::size_t next : std::span(order).subspan(1)) {
    const Run& part = parts[next].run;
    check(part.plan.probes == all.plan.probes, first, " and ", names[next], " are probed differently: --probes ",
          all.plan.probes, " and ", part.plan.probes);
    check(part.plan.certify == all.plan.certify, first, " and ", names[next],
          " are certified differently: --certify or --certify-nodes");
    for (std::size_t b = 0; b < all.certified.size(); ++b) extend(all.certified[b], part.certified[b]);
    attacks::extend(all.probes, part.probes, all.found.size());
    attacks::extend(all.found, part.found);
  }
  all.plan.slice.count = all.found.size();
  sum_up(all.found);
  return all;
}

Json here_json(const Run& run, std::string_view model_given, std::string_view data_given) {
  Json json = Json::object({{"model", run.plan.subject.model},
                            {"model_given", path_for_json(model_given)},
                            {"data", run.plan.subject.data},
                            {"data_given", path_for_json(data_given)},
                            {"seconds", column(run.found.attacks, &attacks::AttackResult::seconds)}});
  if (!run.certified.empty()) json.set("certify_seconds", column(run.certified, &CertifiedBall::seconds));
  return json.set("sentences", results_sentences(run, verdicts_of(run)));
}

std::string former_text(const Run& run, std::string_view former) {
  return text("hans ", run.plan.version, " said ", former, ".\n");
}

std::string manifest_report(const Run& run, std::string_view name, const std::optional<std::string>& former) {
  const std::optional<attacks::Judgement> verdicts = former ? std::nullopt : verdicts_of(run);
  const ThreatModel threat = threat_model(run.plan);
  std::string report = results_table(run, verdicts);
  append(report, text("\nthreat model: ", threat_text(threat), ", seeing ", enum_name(threat.knowledge), "\n\n"));
  if (run.slice().complete()) {
    append(report, text(results_sentences(run, verdicts), "\n"));
    if (former) append(report, text(former_text(run, *former), "\n"));
  } else {
    append(report, text(part_text(run.slice()), "\n\n"));
  }
  append(report, text("result ", name, "\n"));
  return report;
}

}  // namespace hans::apps
