// A run as JSON: result, judgement and the whole manifest.
#include "manifest.hpp"

#include <cmath>

#include <hans/core/hash.hpp>
#include <hans/core/text.hpp>

namespace hans::apps {
namespace {

using attacks::Attempt;
using defenses::Certificate;

std::string hash_of(const Json& json) { return sha256(json.dump()); }

Json box_json(data::Box box) { return Json::array({box.lo, box.hi}); }

Json threat_json(const Plan& plan) {
  const ThreatModel threat = threat_model(plan);
  const attacks::Budget& budget = threat.budget;
  return Json::object({{"norm", enum_name(budget.norm)},
                       {"budget", static_cast<float>(budget.size)},
                       {"box", box_json(budget.box)},
                       {"goal", threat.goal == "none" ? "untargeted" : text("targets ", threat.goal)},
                       {"knowledge", enum_name(threat.knowledge)},
                       {"judged_by_prediction_alone", budget.prediction_only}});
}

/// One row for each attempt, as columns.
Json attempts_json(const Run& run, const attacks::AttackResult& result) {
  const auto of_finding = [&](auto get) {
    return column(result.attempts, [&](const Attempt& a) { return Json(get(a.finding)); });
  };
  return Json::object(
      {{"index", column(result.attempts, [&](const Attempt& a) { return run.found.samples.index[a.sample]; })},
       {"target", column(result.attempts, [](const Attempt& a) { return a.target.value_or(-1); })},
       {"prediction", of_finding([](const auto& f) { return f.prediction; })},
       {"reason", of_finding([](const auto& f) { return enum_name(f.reason); })},
       {"stop", column(result.attempts, [](const Attempt& a) { return enum_name(a.note.stop); })},
       {"l0", of_finding([](const auto& f) { return f.distance.l0; })},
       {"l1", of_finding([](const auto& f) { return f.distance.l1; })},
       {"l2", of_finding([](const auto& f) { return f.distance.l2; })},
       {"linf", of_finding([](const auto& f) { return f.distance.linf; })},
       {"image_sha256", column(result.attempts, &Attempt::image_sha256)}});
}

/// Over the hashes of the images, in order.
std::string images_sha256(const attacks::AttackResult& result) {
  Sha256 hash;
  for (const Attempt& attempt : result.attempts) hash.add(attempt.image_sha256);
  return hash.hex();
}

Json attack_json(const Run& run, std::size_t k) {
  const attacks::AttackResult& result = run.found.attacks[k];
  Json json = figures_json(run, k);
  const attacks::Knowledge knowledge = result.attack.info().knowledge;
  json.set("knowledge", enum_name(knowledge));
  json.set("queries", knowledge == attacks::Knowledge::gradients ? Json() : Json(result.forwards));
  json.set("without_attempt", result.no_attempts);
  json.set("images_sha256", images_sha256(result));
  json.set("outcomes", attempts_json(run, result));
  return json;
}

/// The certificates in a ball, in the order of the images, as columns.
Json certificates_json(const CertifiedBall& ball) {
  Json json = Json::object({{"eps", float{ball.asked.eps}},
                            {"norm", enum_name(ball.asked.norm)},
                            {"method", enum_name(ball.asked.method)},
                            {"nodes", ball.asked.nodes}});
  const auto name = [](const auto& value) { return value ? Json(enum_name(*value)) : Json(); };
  const auto of_all = [&](auto get) { return column(ball.all, get); };
  return set_ends(json, ball.counts())
      .set("samples",
           Json::object({{"verdict", of_all([](const Certificate& one) { return enum_name(one.certainty); })},
                         {"reason", of_all([&](const Certificate& one) { return name(one.doubt); })},
                         {"method", of_all([&](const Certificate& one) { return name(one.step); })},
                         {"bound", of_all([](const Certificate& one) {
                            return std::isfinite(one.bound) ? Json(one.bound) : Json();
                          })},
                         {"nodes", of_all(&Certificate::nodes)},
                         {"real", of_all(&Certificate::real)},
                         {"float32", of_all(&Certificate::float32)}}));
}

template <class Flags, class Probe>
void set_flags(Json& json, const Flags& flags, const std::vector<Probe>& probes) {
  for (const auto& [name, flag] : flags) {
    json.set(name, column(probes, [member = flag](const Probe& probe) { return probe.*member; }));
  }
}

/// One row for each probed sample, as columns, and the same for each ball.
Json probes_json(const Run& run) {
  const attacks::Probes& probes = run.probes;
  Json json = Json::object();
  if (run.plan.probes != attacks::usual_probes) json.set("wanted", run.plan.probes);
  json.set("index", column(probes.samples, [&](std::size_t sample) { return run.found.samples.index[sample]; }));
  json.set("roughness", column(probes.model, &attacks::ModelProbe::roughness));
  set_flags(json, attacks::model_flags(), probes.model);
  return json.set("balls", column(probes.balls, [](const attacks::ProbedBall& ball) {
                    Json one = Json::object({{"norm", enum_name(ball.ball.norm)},
                                             {"eps", static_cast<float>(ball.ball.size)},
                                             {"box", box_json(ball.ball.box)},
                                             {"attack", optional_json(ball.attack)}});
                    set_flags(one, attacks::ball_flags(), ball.probes);
                    return one;
                  }));
}

}  // namespace

Json question_json(const Plan& plan) {
  const Subject& subject = plan.subject;
  return Json::object({{"hans", plan.version},
                       {"seed", subject.seed},
                       {"threat_model", threat_json(plan)},
                       {"attacks", column(plan.attacks, [](const attacks::Attack& a) { return text(a.pinned()); })},
                       {"at", column(plan.radii, std::identity())},
                       {"model_sha256", subject.model_sha256},
                       {"architecture", subject.architecture},
                       {"preprocessing", subject.preprocessing},
                       {"image", column(plan.image, std::identity())},
                       {"classes", plan.classes},
                       {"box", box_json(subject.box)},
                       {"data_sha256", subject.data_sha256},
                       {"data_size", subject.data_size},
                       {"images", plan.slice.whole}});
}

Json result_json(const Run& run) {
  const attacks::Evaluation& found = run.found;
  const Slice slice = run.slice();
  Json json = question_json(run.plan);
  json.set("slice", Json::object({{"first", slice.first}, {"count", slice.count}}));
  set_accuracy(json, "clean_accuracy", found.of_all(found.right));
  set_accuracy(json, "robust_accuracy", found.of_all(found.robust));
  set_accuracy(json, "conditional_robust_accuracy", {found.robust, found.right});
  json.set("samples", Json::object({{"label", column(found.samples.labels, std::identity())},
                                    {"prediction", column(found.predictions, std::identity())}}));
  json.set("found", column(places(found.attacks.size()), [&](std::size_t k) { return attack_json(run, k); }));
  if (!run.certified.empty()) json.set("certify", column(run.certified, certificates_json));
  return json;  // not set()'s reference, which would be copied
}

Json judgement_json(const Run& run) {
  Json json = Json::object({{"rules", attacks::verdict_rules}, {"hans", run.plan.version}});
  json.set("verdict", Json()).set("attacks", Json::array()).set("together", Json::array());
  if (run.slice().complete()) {
    const attacks::Judgement judgement = judgement_of(run);
    const auto at_radius = [](const attacks::Reliability& one) {
      Json of = Json::object({{"eps", optional_json(one.number.radius)}});
      return set_reliability(of, one);
    };
    const auto of_attack = [&](std::size_t k) {
      const std::vector<attacks::Reliability>& all = judgement.attacks[k];
      Json one = Json::object({{"attack", text(run.found.attacks[k].attack.pinned())}});
      if (run.plan.radii.empty()) return set_reliability(one, all.front());
      return one.set("verdict", enum_name(judgement.of_attack(k))).set("at", column(all, at_radius));
    };
    json.set("verdict", enum_name(judgement.verdict))
        .set("attacks", column(places(judgement.attacks.size()), of_attack))
        .set("together", column(judgement.together, at_radius));
  }
  json.set("probes", probes_json(run));
  json.set("sha256", hash_of(json));
  return json;
}

Json manifest_json(const Run& run, const Json& here) {
  Json result = result_json(run);
  const std::string name = hash_of(result);
  Json all = Json::object({{"manifest", run.certified.empty() ? manifest_schema : certified_schema},
                           {"name", name},
                           {"result", std::move(result)},
                           {"judgement", judgement_json(run)},
                           {"run", here}});
  all.set("sha256", hash_of(all));
  return all;
}

}  // namespace hans::apps
