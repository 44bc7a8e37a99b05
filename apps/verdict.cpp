// Whether a number can be believed, for machines (JSON) and for people.
#include <hans/apps/verdict.hpp>

#include <hans/core/text.hpp>

namespace hans::apps {

using attacks::Indicator;
using attacks::Reliability;
using attacks::Trust;

std::vector<attacks::Probe> probe_some(const nn::Classifier& model, const attacks::Evaluation& found,
                                       const attacks::Budget& budget, const data::Dataset& data, std::size_t whole,
                                       std::uint64_t seed) {
  constexpr std::size_t for_means = 1000;
  const attacks::ProbeOptions options{seed, attacks::probe_every(whole), data.first(for_means)};
  return attacks::probe(model, found.samples, found.predictions, budget, options);
}

std::vector<Reliability> judge_each(const nn::Classifier& model, const attacks::Evaluation& found,
                                    const data::Dataset& data, std::uint64_t seed,
                                    const std::function<void(std::size_t done)>& progress) {
  std::vector<std::vector<attacks::Probe>> probes;  // by attack
  std::vector<Reliability> all;
  for (std::size_t k = 0; k < found.attacks.size(); ++k) {
    progress(k);
    const attacks::Budget& budget = found.attacks[k].budget;
    std::size_t like = 0;
    while (!(found.attacks[like].budget == budget)) ++like;
    probes.push_back(like < k ? probes[like] : probe_some(model, found, budget, data, found.samples.size(), seed));
    all.push_back(attacks::reliability(found, k, probes.back()));
  }
  return all;
}

std::string verdict_text(const Reliability& reliability, const attacks::Budget& budget) {
  const std::string measured = text(reliability.probed, " images probed",
                                    reliability.ball ? "" : ", no other attacks tried: no common ball, or targets");
  std::string made = text("Indicators of failure: ", enum_name(reliability.trust), " (", reliability.indicators.size(),
                          " indicators, ", measured, ").\n");
  for (const Indicator& one : reliability.indicators) {
    if (one.trust == Trust::reliable) continue;
    append(made, text("  ", one.info->name, ": ", one.reason, "\n"));
  }
  for (const attacks::Attack& attack : reliability.next(budget))
    append(made, text("  next: --attack ", attack.spec(), "\n"));
  return made;
}

void set_verdict(Json& json, const Reliability& reliability, const attacks::Budget& budget) {
  json.set("verdict", enum_name(reliability.trust));
  Json all = Json::array(), next = Json::array();
  for (const Indicator& one : reliability.indicators) {
    all.push(Json::object({{"name", one.info->name},
                           {"verdict", enum_name(one.trust)},
                           {"reason", one.trust == Trust::reliable ? Json() : Json(one.reason)}}));
  }
  for (const attacks::Attack& attack : reliability.next(budget)) next.push(text(attack.spec()));
  json.set("indicators", std::move(all)).set("next", std::move(next));
}

int verdict_code(const Reliability& reliability) { return reliability.trust == Trust::unreliable ? 3 : 0; }

}  // namespace hans::apps
