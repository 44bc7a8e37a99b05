// The plan of a run: everything that decides its results.
#include "plan.hpp"

#include <algorithm>
#include <cmath>

#include <hans/core/text.hpp>
#include <hans/core/version.hpp>

namespace hans::apps {

void set_subject(Plan& plan, const NamedModel& named, const data::Dataset& data, std::uint64_t seed) {
  plan.version = build_version();
  plan.subject = subject_of(named, data, seed);
  plan.image = named.model.net.input();
  plan.classes = named.model.net.classes();
}

Plan checked(Plan plan) {
  constexpr std::size_t most_numbers = 1000;  // all attacks are held against each other at every radius
  check_usage(plan.attacks.size() <= most_numbers && plan.radii.size() <= most_numbers, "there are ",
              plan.attacks.size(), " attacks and ", plan.radii.size(), " radii; at most ", most_numbers,
              " of either can be judged together");
  attacks::check_request(plan.attacks, plan.targets, plan.image, plan.classes, plan.subject.box);
  for (attacks::Attack& attack : plan.attacks) {
    const double most = attack.budget(plan.image, plan.subject.box).size;
    check_usage(plan.radii.empty() || std::isinf(most), "--at is for attacks that look for the nearest image; ",
                attack.info().name, " stays within ", most);
    attack = attack.resolved(plan.subject.box);
  }
  return plan;
}

ThreatModel threat_model(const Plan& plan) {
  ThreatModel threat;
  for (const attacks::Attack& attack : plan.attacks) {
    const bool first = &attack == plan.attacks.data();
    ThreatModel next{attack.budget(plan.image, plan.subject.box), targets_text(plan.targets, attack),
                     attack.info().knowledge};
    if (first) threat = next;
    check_usage(threat.budget == next.budget && threat.goal == next.goal, "one benchmark has one threat model, but ",
                plan.attacks.front().info().name, " is ", threat_text(threat), " and ", attack.info().name, " ",
                threat_text(next), "; give attacks with the same norm, budget and targets, or make two benchmarks");
    threat.knowledge = std::max(threat.knowledge, next.knowledge);
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

std::string targets_text(attacks::Targets targets, const attacks::Attack& attack) {
  using Kind = attacks::Targets::Kind;
  if (targets.kind == Kind::by_attack) return attack.info().targets_by_default ? "next" : "none";
  if (targets.kind == Kind::one) return text(targets.target);
  return targets.kind == Kind::next ? "next" : targets.kind == Kind::all ? "all" : "random";
}

Setup setup_of(const RunOptions& options) {
  check_usage(!options.adaptive || !options.shard, "--adaptive needs all images: leave --shard out");
  NamedModel named = load_model(options.model.value().text, options.seed, options.preprocess);
  warn_if_untrained(named);
  data::Dataset data = load_data(options.data.value().text, data::Part::test, named.model.net);
  const std::size_t whole = first_count(options.limit, data.size());
  const Shard shard = options.shard.value_or(Shard{});
  Plan plan;
  set_subject(plan, named, data, options.seed);
  for (const auto& choice : options.attack.value().values) plan.attacks.push_back(choice.value);
  if (options.targets) plan.targets = options.targets->targets;
  if (options.at) plan.radii = options.at->values;
  plan.slice = {shard.first(whole), shard.size(whole), whole};
  const auto labels = data.labels().first(whole);
  check_usage(plan.targets.kind != attacks::Targets::Kind::one ||
                  !std::ranges::all_of(labels, [&](int label) { return label == plan.targets.target; }),
              "the target ", plan.targets.target, " is the label of every sample: there is nothing to attack");
  return {std::move(named), std::move(data), checked(std::move(plan))};
}

}  // namespace hans::apps
