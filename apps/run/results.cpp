// The results of a run for machines (JSON) and for people (a table, sentences, verdicts).
#include "results.hpp"

#include <algorithm>

#include <hans/core/fields.hpp>
#include <hans/core/text.hpp>

namespace hans::apps {
namespace {

using attacks::AttackResult;
using attacks::Evaluation;
using attacks::Judgement;
using attacks::Reliability;
using attacks::Share;
using attacks::Targets;

Json summary_json(const attacks::Summary& summary) {
  return Json::object({{"median", optional_json(summary.median)}, {"mean", optional_json(summary.mean)}});
}

// Every sample in order, with all its attempts. One that was not attacked is unchanged, and says why.
Json samples_json(const Evaluation& found, const AttackResult& result) {
  Json all = Json::array();
  const auto add = [&](const attacks::Attempt& attempt, Json reason, Json stop) {
    const attacks::Finding& finding = attempt.finding;
    all.push(Json::object({{"index", found.samples.index[attempt.sample]},
                           {"label", found.samples.labels[attempt.sample]},
                           {"target", optional_json(attempt.target)},
                           {"prediction", found.predictions[attempt.sample]},
                           {"adversarial_prediction", finding.prediction},
                           {"success", finding.success},
                           {"reason", std::move(reason)},
                           {"stop", std::move(stop)},
                           {"l0", finding.distance.l0},
                           {"l1", finding.distance.l1},
                           {"l2", finding.distance.l2},
                           {"linf", finding.distance.linf}}));
  };
  auto attempt = result.attempts.begin();
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (attempt == result.attempts.end() || attempt->sample != i) {
      attacks::Attempt untouched{i};
      if (found.targets.kind == Targets::Kind::one) untouched.target = found.targets.target;
      untouched.finding.prediction = found.predictions[i];
      add(untouched, found.predictions[i] == found.samples.labels[i] ? "target_is_label" : "wrong_before", {});
    }
    for (; attempt != result.attempts.end() && attempt->sample == i; ++attempt) {
      add(*attempt, enum_name(attempt->finding.reason), enum_name(attempt->note.stop));
    }
  }
  return all;
}

Json stage_json(const attacks::StageResult& stage) {
  Json one = Json::object({{"attack", text(stage.attack.pinned())}});
  return set_accuracy(one, "robust_accuracy", stage.robust);
}

Share within(const Run& run, std::size_t k, float radius) {
  return attacks::robust_within(run.found, run.found.attacks[k], static_cast<double>(radius));
}

Json radii_json(const Run& run, std::size_t k) {
  return column(run.plan.radii, [&](float radius) {
    Json one = Json::object({{"eps", hans::detail::number_json(radius)}});
    return set_accuracy(one, "robust_accuracy", within(run, k, radius));
  });
}

/// What is said of attack k at the radius with that number (0 without radii); null for a part of a run.
const Reliability* said(const std::optional<Judgement>& judgement, std::size_t k, std::size_t radius) {
  return judgement ? &judgement->attacks[k][radius] : nullptr;
}

/// The sentence of each number of attack k, with `reasons` also what its verdict rests on.
std::string sentences_of(const Run& run, const std::optional<Judgement>& judgement, std::size_t k, bool reasons) {
  const Evaluation& found = run.found;
  const AttackResult& result = found.attacks[k];
  Claim claim{.version = run.plan.version,
              .attack = result.attack,
              .budget = result.budget,
              .targets = targets_text(found.targets, result.attack),
              .robust = found.of_all(result.robust_count),
              .right = found.of_all(found.right),
              .first = run.plan.slice.first};
  std::string all;
  for (std::size_t r = 0; r < std::max<std::size_t>(run.plan.radii.size(), 1); ++r) {
    if (!run.plan.radii.empty()) {
      claim.radius = run.plan.radii[r];
      claim.robust = within(run, k, *claim.radius);
    }
    const Reliability* one = said(judgement, k, r);
    if (one != nullptr) claim.verdict = one->verdict;
    append(all, text(all.empty() ? "" : "\n", sentence(run.plan.subject, claim), reasons ? "\n" : ""));
    if (reasons && one != nullptr) append(all, verdict_text(*one));
  }
  return all;
}

Json attack_json(const Run& run, const std::optional<Judgement>& judgement, std::size_t k, bool per_sample) {
  const AttackResult& result = run.found.attacks[k];
  Json json = figures_json(run, k);
  json.set("seconds", result.seconds);
  json.set("sentence", sentences_of(run, judgement, k, false));
  if (judgement) {
    const std::vector<Reliability>& all = judgement->attacks[k];
    if (!run.plan.radii.empty()) {
      const auto at_radius = [&](std::size_t r) {
        Json one = json.at("at").items()[r];
        return set_reliability(one, all[r]);
      };
      json.set("at", column(places(all.size()), at_radius));
    }
    set_reliability(json, *std::ranges::max_element(all, {}, &Reliability::verdict));
  }
  json.set("narrow_successes", result.narrow);
  if (per_sample) json.set("samples", samples_json(run.found, result));
  return json;
}

std::string distance_text(const std::optional<double>& value, unsigned digits) {
  return value ? fixed(*value, digits) : "-";
}

/// "Of 490 successes 12 have a margin within the rounding of other programs": where there are such.
std::string narrow_text(const Evaluation& found) {
  std::string all;
  for (const AttackResult& result : found.attacks) {
    if (result.narrow == 0) continue;
    append(all, text(result.narrow, " of ", result.successes, " successes of ", result.attack.info().name,
                     " have a margin of at most 2^-16 of the largest logit: another program may round them away.\n"));
  }
  return all;
}

}  // namespace

Json figures_json(const Run& run, std::size_t k) {
  const AttackResult& result = run.found.attacks[k];
  std::optional<double> success_rate;
  if (!result.attempts.empty()) success_rate = Share(result.successes, result.attempts.size()).value();
  Json json = Json::object(
      {{"attack", text(result.attack.pinned())}, {"targets", targets_text(run.found.targets, result.attack)}});
  set_accuracy(json, "robust_accuracy", run.found.of_all(result.robust_count));
  json.set("success_rate", optional_json(success_rate)).set("attempts", result.attempts.size());
  json.set("distances", Json::object({{"l0", summary_json(result.l0)},
                                      {"l1", summary_json(result.l1)},
                                      {"l2", summary_json(result.l2)},
                                      {"linf", summary_json(result.linf)}}));
  json.set("gradients", result.gradients).set("forwards", result.forwards);
  if (!result.stages.empty()) json.set("stages", column(result.stages, stage_json));
  if (!run.plan.radii.empty()) json.set("at", radii_json(run, k));
  return json;
}

Json& set_reliability(Json& json, const Reliability& reliability) {
  const auto indicator = [](const attacks::Indicator& one) {
    const bool speaks = one.verdict != attacks::Verdict::reliable;
    return Json::object({{"name", one.info->name},
                         {"verdict", enum_name(one.verdict)},
                         {"reason", speaks ? Json(one.reason) : Json()}});
  };
  const std::string& why = reliability.why_unchecked;
  json.set("verdict", enum_name(reliability.verdict)).set("probed", reliability.probed);
  json.set("opposed", reliability.opposed).set("unchecked", why.empty() ? Json() : Json(why));
  json.set("indicators", column(reliability.indicators, indicator));
  return json.set("next", column(reliability.next, [](const attacks::Attack& attack) { return text(attack.spec()); }));
}

Json results_json(const Run& run, const std::optional<Judgement>& judgement, bool per_sample) {
  const Evaluation& found = run.found;
  Json json = clean_json(run.plan.subject, found.of_all(found.right));
  set_accuracy(json, "robust_accuracy", found.of_all(found.robust));
  json.set("verdict", judgement ? Json(enum_name(judgement->verdict)) : Json());
  const auto attack = [&](std::size_t k) { return attack_json(run, judgement, k, per_sample); };
  return json.set("attacks", column(places(found.attacks.size()), attack));
}

std::string results_table(const Run& run, const std::optional<Judgement>& judgement) {
  const Evaluation& found = run.found;
  TextTable rows{
      {"accuracy", "95 % interval", "verdict", "success", "attempts", "l0", "l2", "linf", "seconds", "images"}};
  const auto add = [&](Share robust, const Reliability* one, std::vector<std::string> rest) {
    std::vector<std::string> row{text(percent_of(robust), " %"), interval_text(robust),
                                 one != nullptr ? std::string(enum_name(one->verdict)) : ""};
    rest.insert(rest.begin(), rows[0].size() - row.size() - rest.size(), "");
    row.insert(row.end(), rest.begin(), rest.end());
    rows.push_back(std::move(row));
  };
  add(found.of_all(found.right), nullptr, {"unmodified"});
  for (std::size_t k = 0; k < found.attacks.size(); ++k) {
    const AttackResult& result = found.attacks[k];
    const std::size_t attempts = result.attempts.size();
    for (const attacks::StageResult& stage : result.stages) {
      add(stage.robust, nullptr, {text("  after ", stage.attack.info().name)});
    }
    add(found.of_all(result.robust_count), run.plan.radii.empty() ? said(judgement, k, 0) : nullptr,
        {attempts == 0 ? "-" : text(percent_of({result.successes, attempts}), " %"), with_commas(attempts),
         distance_text(result.l0.mean, 1), distance_text(result.l2.mean, 3), distance_text(result.linf.mean, 3),
         fixed(result.seconds, 1), text(as_written(result.attack, run.plan.subject.box))});
    // Its accuracy is said for each radius, with a verdict.
    if (!run.plan.radii.empty()) rows.back()[0] = rows.back()[1] = "";
  }
  for (std::size_t k = 0; k < found.attacks.size(); ++k) {
    for (std::size_t r = 0; r < run.plan.radii.size(); ++r) {
      const float radius = run.plan.radii[r];
      const std::string_view norm = enum_name(found.attacks[k].budget.norm);
      add(within(run, k, radius), said(judgement, k, r),
          {text("  ", found.attacks[k].attack.info().name, " within ", norm, " ", eps_text(radius))});
    }
  }
  if (!run.plan.radii.empty() && judgement) {
    for (const Reliability& several : judgement->together) {
      add(several.robust, &several,
          {text("  worst case within ", enum_name(several.number.ball.norm), " ", eps_text(*several.number.radius))});
    }
  } else if (found.attacks.size() > 1) {
    add(found.of_all(found.robust), nullptr, {"worst case of all attacks"});
    if (judgement) rows.back()[2] = enum_name(judgement->verdict);
  }
  for (const CertifiedBall& ball : run.certified) {
    const BallCounts counts = ball.counts();
    add(counts.certified(), nullptr, {fixed(ball.seconds, 1), text("  certified within ", ball.words())});
    add(counts.attacked(), nullptr, {text("  certified or unknown within ", ball.words())});
    if (counts.exact()) rows.end()[-2][2] = rows.back()[2] = enum_name(attacks::Verdict::exact);
  }
  return text(run.plan.subject.model, " on ", images_text(run.plan.subject, found.size(), run.plan.slice.first), "\n\n",
              table_text(rows),
              "\nl0, l2 and linf are means over the successes; l0 counts features, of which an image has ",
              with_commas(run.plan.image.elements()), ".\n", narrow_text(found));
}

std::string results_sentences(const Run& run, const std::optional<Judgement>& judgement) {
  const auto of_attack = [&](std::size_t k) { return sentences_of(run, judgement, k, true); };
  std::string all = listed(places(run.found.attacks.size()), of_attack, "\n");
  CertifiedBy by{run.plan.version, {}, run.plan.slice.first};
  for (const attacks::Attack& attack : run.plan.attacks) by.attacks.push_back(text(attack.pinned()));
  for (const CertifiedBall& ball : run.certified) {
    append(all, text("\n", certified_sentence(run.plan.subject, ball.counts(), by), "\n"));
  }
  return all;
}

std::string verdict_text(const Reliability& reliability) {
  const auto against = std::ranges::count_if(
      reliability.indicators, [](const attacks::Indicator& one) { return one.verdict != attacks::Verdict::reliable; });
  const bool exact = reliability.verdict == attacks::Verdict::exact;
  const std::string why = exact ? std::string("every image that withstood is certified")
                          : reliability.why_unchecked.empty()
                              ? text(against, " of ", reliability.indicators.size(), " indicators of failure, ",
                                     counted(reliability.probed, "image"), " probed")
                              : reliability.why_unchecked;
  std::string lines = text("Verdict: ", enum_name(reliability.verdict), " (", why, ")\n");
  for (const attacks::Indicator& one : reliability.indicators) {
    if (!exact && one.verdict != attacks::Verdict::reliable)
      append(lines, text("  ", one.info->name, ": ", one.reason, "\n"));
  }
  for (const attacks::Attack& attack : reliability.next) append(lines, text("  next: --attack ", attack.spec(), "\n"));
  return lines;
}

int verdict_code(attacks::Verdict verdict) { return verdict == attacks::Verdict::unreliable ? 3 : 0; }

}  // namespace hans::apps
