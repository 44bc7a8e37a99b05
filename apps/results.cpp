// An evaluation for machines (JSON) and for people (a table).
#include <hans/apps/results.hpp>

#include <algorithm>

#include <hans/apps/verdict.hpp>
#include <hans/core/fields.hpp>
#include <hans/core/text.hpp>
#include <hans/core/version.hpp>

namespace hans::apps {
namespace {

using attacks::AttackResult;
using attacks::Evaluation;
using attacks::Targets;

double share(std::size_t part, std::size_t whole) { return static_cast<double>(part) / static_cast<double>(whole); }

template <class T>
Json optional_json(const std::optional<T>& value) {
  if (value) return Json(*value);
  return Json();
}

Json summary_json(const attacks::Summary& summary) {
  return Json::object({{"median", optional_json(summary.median)}, {"mean", optional_json(summary.mean)}});
}

Json attempt_json(const Evaluation& found, const attacks::Attempt& attempt) {
  const attacks::Finding& finding = attempt.finding;
  return Json::object({{"index", found.samples.index[attempt.sample]},
                       {"label", found.samples.labels[attempt.sample]},
                       {"target", optional_json(attempt.target)},
                       {"prediction", found.predictions[attempt.sample]},
                       {"adversarial_prediction", finding.prediction},
                       {"success", finding.success},
                       {"reason", enum_name(finding.reason)},
                       {"stop", enum_name(attempt.note.stop)},
                       {"l0", finding.distance.l0},
                       {"l1", finding.distance.l1},
                       {"l2", finding.distance.l2},
                       {"linf", finding.distance.linf}});
}

// A sample that was not attacked: unchanged, and why.
Json untouched_json(const Evaluation& found, std::size_t sample, std::optional<int> target, std::string_view reason) {
  return Json::object({{"index", found.samples.index[sample]},
                       {"label", found.samples.labels[sample]},
                       {"target", optional_json(target)},
                       {"prediction", found.predictions[sample]},
                       {"adversarial_prediction", found.predictions[sample]},
                       {"success", false},
                       {"reason", reason},
                       {"stop", Json()},
                       {"l0", 0},
                       {"l1", 0.0},
                       {"l2", 0.0},
                       {"linf", 0.0}});
}

// Every sample in order, with all its attempts, or why it has none.
Json samples_json(const Evaluation& found, const AttackResult& result, Targets targets) {
  std::vector<std::vector<const attacks::Attempt*>> attempts(found.samples.size());
  for (const attacks::Attempt& attempt : result.attempts) attempts[attempt.sample].push_back(&attempt);
  std::optional<int> target;
  if (targets.kind == Targets::Kind::one) target = targets.target;
  Json all = Json::array();
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    for (const attacks::Attempt* attempt : attempts[i]) all.push(attempt_json(found, *attempt));
    if (!attempts[i].empty()) continue;
    const bool right = found.predictions[i] == found.samples.labels[i];
    all.push(untouched_json(found, i, target, right ? "target_is_label" : "wrong_before"));
  }
  return all;
}

Json stages_json(const AttackResult& result, std::size_t samples) {
  Json all = Json::array();
  for (const attacks::Stage& stage : result.stages) {
    Json one = Json::object({{"attack", stage.attack}});
    set_accuracy(one, "robust_accuracy", stage.standing, samples);
    all.push(std::move(one));
  }
  return all;
}

Json radii_json(const Request& request, const Evaluation& found, std::size_t k) {
  Json all = Json::array();
  for (const float radius : request.radii) {
    const std::size_t robust = attacks::robust_within(found, found.attacks[k], static_cast<double>(radius));
    Json one = Json::object({{"eps", hans::detail::number_json(radius)}});
    set_accuracy(one, "robust_accuracy", robust, found.samples.size());
    all.push(std::move(one));
  }
  return all;
}

Claim claim_of(const Request& request, const Evaluation& found, std::size_t k) {
  return {request.attacks[k], found.attacks[k].attack, request.targets, found.attacks[k].robust_count,
          found.right,        found.samples.size()};
}

Json attack_json(const Subject& subject, const Request& request, const Evaluation& found, std::size_t k,
                 const attacks::Reliability* verdict) {
  const AttackResult& result = found.attacks[k];
  Json json = figures_json(request, found, k);
  json.set("seconds", result.seconds);
  json.set("sentence", sentence(subject, claim_of(request, found, k)));
  if (verdict != nullptr) set_verdict(json, *verdict, result.budget);
  if (request.per_sample) json.set("samples", samples_json(found, result, request.targets));
  return json;
}

std::string distance_text(const std::optional<double>& value, int digits) {
  return value ? fixed(*value, digits) : "-";
}

std::vector<std::string> accuracy_cells(std::size_t right, std::size_t n) {
  return {text(percent_of(right, n), " %"), interval_text(right, n)};
}

}  // namespace

void set_accuracy(Json& json, const std::string& key, std::size_t right, std::size_t n) {
  const attacks::Interval interval = attacks::wilson(right, n);
  json.set(key, share(right, n));
  json.set(text(key, "_interval"), Json::array({interval.low, interval.high}));
}

Json clean_json(const Subject& subject, std::size_t right, std::size_t samples) {
  Json json = Json::object({{"hans", build_version()},
                            {"model", subject.model},
                            {"model_sha256", subject.model_sha256},
                            {"architecture", subject.architecture},
                            {"preprocessing", subject.preprocessing},
                            {"data", subject.data},
                            {"data_sha256", subject.data_sha256},
                            {"box", Json::array({subject.box.lo, subject.box.hi})},
                            {"seed", subject.seed},
                            {"sample_count", samples}});
  set_accuracy(json, "clean_accuracy", right, samples);
  return json;
}

Json figures_json(const Request& request, const Evaluation& found, std::size_t k) {
  const AttackResult& result = found.attacks[k];
  const std::size_t n = found.samples.size();
  std::optional<double> success_rate;
  if (!result.attempts.empty()) success_rate = share(result.successes, result.attempts.size());
  Json json = Json::object(
      {{"attack", text(result.attack.pinned())}, {"targets", targets_text(request.targets, result.attack)}});
  set_accuracy(json, "robust_accuracy", result.robust_count, n);
  json.set("success_rate", optional_json(success_rate));
  json.set("attempts", result.attempts.size());
  json.set("distances", Json::object({{"l0", summary_json(result.l0)},
                                      {"l1", summary_json(result.l1)},
                                      {"l2", summary_json(result.l2)},
                                      {"linf", summary_json(result.linf)}}));
  json.set("gradients", result.gradients);
  json.set("forwards", result.forwards);
  if (!result.stages.empty()) json.set("stages", stages_json(result, n));
  if (!request.radii.empty()) json.set("at", radii_json(request, found, k));
  return json;
}

Json results_json(const Subject& subject, const Request& request, const Evaluation& found,
                  std::span<const attacks::Reliability> verdicts) {
  const std::size_t n = found.samples.size();
  Json json = clean_json(subject, found.right, n);
  set_accuracy(json, "robust_accuracy", found.robust, n);
  Json all = Json::array();
  for (std::size_t k = 0; k < found.attacks.size(); ++k) {
    all.push(attack_json(subject, request, found, k, verdicts.empty() ? nullptr : &verdicts[k]));
  }
  json.set("attacks", std::move(all));
  return json;
}

std::string results_table(const Subject& subject, const Request& request, const Evaluation& found) {
  const std::size_t n = found.samples.size();
  std::vector<std::vector<std::string>> rows{
      {"accuracy", "95 % interval", "success", "attempts", "l0", "l2", "linf", "seconds", "images"}};
  const auto add = [&](std::size_t right, std::vector<std::string> rest) {
    std::vector<std::string> row = accuracy_cells(right, n);
    row.insert(row.end(), rest.begin(), rest.end());
    rows.push_back(std::move(row));
  };
  add(found.right, {"", "", "", "", "", "", "unmodified"});
  for (std::size_t k = 0; k < found.attacks.size(); ++k) {
    const AttackResult& result = found.attacks[k];
    const std::size_t attempts = result.attempts.size();
    for (const attacks::Stage& stage : result.stages) {
      add(stage.standing,
          {"", "", "", "", "", "", text("  after ", stage.attack.substr(0, stage.attack.find_first_of("@:")))});
    }
    add(result.robust_count,
        {attempts == 0 ? "-" : text(percent_of(result.successes, attempts), " %"), with_commas(attempts),
         distance_text(result.l0.mean, 1), distance_text(result.l2.mean, 3), distance_text(result.linf.mean, 3),
         fixed(result.seconds, 1), text(request.attacks[k].spec())});
  }
  for (std::size_t k = 0; k < found.attacks.size(); ++k) {
    for (const float radius : request.radii) {
      const std::string norm(enum_name(found.attacks[k].budget.norm));
      add(attacks::robust_within(found, found.attacks[k], static_cast<double>(radius)),
          {"", "", "", "", "", "", text("  ", found.attacks[k].attack.info().name, " within ", norm, " ", radius)});
    }
  }
  if (found.attacks.size() > 1) add(found.robust, {"", "", "", "", "", "", "worst case of all attacks"});
  return text(subject.model, " on ", images_text(subject, n), "\n\n", table_text(rows),
              "\nl0, l2 and linf are means over the successes; l0 counts features, of which an image has ",
              with_commas(found.samples.images.shape().row_elements()), ".\n");
}

std::string results_sentences(const Subject& subject, const Request& request, const Evaluation& found,
                              std::span<const attacks::Reliability> verdicts) {
  std::string all;
  for (std::size_t k = 0; k < found.attacks.size(); ++k) {
    append(all, text(k == 0 ? "" : "\n", sentence(subject, claim_of(request, found, k)), "\n"));
    if (!verdicts.empty()) append(all, verdict_text(verdicts[k], found.attacks[k].budget));
  }
  return all;
}

std::string table_text(std::span<const std::vector<std::string>> rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  }
  std::string out;
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      const bool last = c + 1 == row.size();
      if (!last) out.append(widths[c] - row[c].size(), ' ');
      append(out, text(row[c], last ? "" : "   "));
    }
    out += '\n';
  }
  return out;
}

}  // namespace hans::apps
