// A run as a file that anyone can check and run again.
#include "manifest.hpp"

#include <algorithm>
#include <numeric>

#include <hans/core/text.hpp>
#include <hans/core/version.hpp>
#include "../../core/text/detail/utf8.hpp"

namespace hans::apps {
namespace {

std::string images_of(const Slice& slice) {
  return slice.count == 0 ? "none" : text(slice.first, " to ", slice.first + slice.count - 1);
}

/// A path as JSON holds it. One that is not UTF-8 cannot be, so what is there names no file.
std::string path_for_json(std::string_view path) { return is_utf8(path) ? std::string(path) : visible(path); }

}  // namespace

Run merge(std::span<const Manifest> parts, std::span<const std::string> names) {
  check_usage(!parts.empty() && parts.size() == names.size(), "there is nothing to join");
  std::vector<std::size_t> order(parts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto slice = [&](std::size_t k) { return parts[k].run.slice(); };
  std::ranges::stable_sort(order, {}, [&](std::size_t k) { return slice(k).first; });
  const Json question = question_json(parts[order[0]].run.plan);
  Run all = parts[order[0]].run;
  check(all.plan.version == build_version(), names[order[0]], " was made by hans ", all.plan.version, ", this is ",
        build_version(), "; join parts with the version that made them");
  const auto missing = [](std::size_t first, std::size_t end) {
    return text("images ", first, " to ", end - 1, " are missing");
  };
  check(all.plan.slice.first == 0, missing(0, all.plan.slice.first), ": there is nothing in front of ",
        names[order[0]]);
  for (std::size_t k = 1; k < order.size(); ++k) {
    const std::size_t next = order[k];
    const Run& part = parts[next].run;
    const Json other = question_json(part.plan);
    for (const auto& [key, value] : question.members()) {
      check(value.dump() == other.at(key).dump(), names[order[0]], " and ", names[next],
            " are parts of different benchmarks: ", key, " is ", value.dump(), " and ", other.at(key).dump());
    }
    check(part.plan.probes == all.plan.probes, names[order[0]], " and ", names[next],
          " are probed differently: --probes ", all.plan.probes, " and ", part.plan.probes);
    const std::size_t end = all.found.size();
    check(slice(next).first <= end, missing(end, slice(next).first), " between ", names[order[k - 1]], " and ",
          names[next]);
    check(slice(next).first >= end, names[order[k - 1]], " (images ", images_of(slice(order[k - 1])), ") and ",
          names[next], " (images ", images_of(slice(next)), ") overlap");
    check(part.plan.certify == all.plan.certify, names[order[0]], " and ", names[next],
          " are certified differently: --certify or --certify-nodes");
    for (std::size_t b = 0; b < all.certified.size(); ++b) {
      const std::vector<defenses::Certificate>& more = part.certified[b].all;
      all.certified[b].all.insert(all.certified[b].all.end(), more.begin(), more.end());
      all.certified[b].seconds += part.certified[b].seconds;
    }
    attacks::extend(all.probes, part.probes, end);
    attacks::extend(all.found, part.found);
  }
  all.plan.slice.count = all.found.size();
  check(all.slice().complete(), missing(all.found.size(), all.plan.slice.whole), ": there is nothing behind ",
        names[order.back()]);
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
    append(report, text("This is a part: images ", images_of(run.slice()), " of the first ",
                        with_commas(run.plan.slice.whole), "; hans merge joins all parts.\n\n"));
  }
  append(report, text("result ", name, "\n"));
  return report;
}

}  // namespace hans::apps
