// The plan of a run: everything that decides its results.
#include "plan.hpp"

#include <algorithm>
#include <cmath>

#include <hans/core/text.hpp>
#include <hans/core/version.hpp>

namespace hans::apps {

namespace {

bool takes_eps(const AttackChoice& choice) { return attacks::Attack::takes(choice.spec, "eps"); }

Spec without_eps(Spec spec) {
  std::erase_if(spec.items, [](const Spec::Item& item) { return item.key == "eps"; });
  return spec;
}

/// Whether --at is to run the attacks once for each radius.
bool runs_at_each(const RunOptions& options) {
  return options.at && std::ranges::any_of(options.attack.value().values, takes_eps);
}

/// The attacks of the plan, or of one plan for each radius.
std::vector<std::vector<attacks::Attack>> attacks_of(const RunOptions& options) {
  const std::vector<AttackChoice>& given = options.attack.value().values;
  std::vector<std::vector<attacks::Attack>> all;
  if (!runs_at_each(options)) {
    all.emplace_back();
    for (const AttackChoice& one : given) all[0].push_back(attacks::Attack::from_spec(one.spec));
    return all;
  }
  check_usage(std::ranges::all_of(given, takes_eps), "--at runs attacks with an eps once for each radius, and others ",
              "once: give them in two commands");
  const std::vector<float>& radii = options.at->values;
  for (const AttackChoice& one : given) {
    const Spec::Item* item = one.spec.find("eps");
    float eps = radii.front();
    if (item != nullptr) hans::read_value(item->value, eps);
    check_usage(std::ranges::find(radii, eps) != radii.end(), one.spec.name, ": eps = ", eps,
                " is none of the radii of --at; leave it out, or add it to them");
  }
  for (const float radius : radii) {
    check_usage(std::ranges::count(radii, radius) == 1, "--at: ", radius, " is given twice");
    all.emplace_back();
    for (const AttackChoice& one : given) {
      Spec spec = without_eps(one.spec);
      spec.items.push_back({"eps", text(radius)});
      all.back().push_back(attacks::Attack::from_spec(spec));
    }
  }
  return all;
}

/// Throws UsageError for balls that no certificate is about.
void check_certifying(const Plan& plan) {
  const attacks::Budget budget = threat_model(plan).budget;
  check_usage(!budget.prediction_only, "--certify: ", plan.attacks.front().info().name, " has no ball");
  check_usage(std::isfinite(budget.size) || !plan.radii.empty(),
              "--certify needs a radius: give --at with attacks that look for the nearest image");
  check_usage(budget.norm != Norm::l0, "--certify is for linf, l2 and l1, not for l0");
  check_usage(budget.box == plan.subject.box, "--certify is for features in [", plan.subject.box.lo, ",",
              plan.subject.box.hi, "], the box of the data; leave clip_min and clip_max out");
  check_usage(budget.norm == Norm::linf || plan.certify->method != defenses::CertifyMethod::complete,
              "--certify: complete is for linf");
}

}  // namespace

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
    check_usage(plan.radii.empty() || std::isinf(most),
                "--at is for attacks with an eps and for those that look for the nearest image; ", attack.info().name,
                " stays within ", most);
    attack = attack.resolved(plan.subject.box);
  }
  if (plan.certify) check_certifying(plan);
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

void read_value(std::string_view word, AttackChoice& out) {
  out.spec = Spec::parse(word);
  const Spec::Item* eps = out.spec.find("eps");
  if (takes_eps(out) && eps == nullptr) return;  // see attacks_of()
  if (eps != nullptr && !takes_eps(out)) {
    const attacks::Attack attack = attacks::Attack::from_spec(without_eps(out.spec));
    check_usage(std::isfinite(attack.budget(Shape{1, 1, 1}, {}).size), out.spec.name,
                " looks for the nearest image and takes no eps; --at ", eps->value,
                " gives the accuracy within that distance");
  }
  (void)attacks::Attack::from_spec(out.spec);
}
void append_value(std::string& out, const AttackChoice& choice) { append(out, choice.spec); }
std::string value_help(const AttackChoice&) { return "SPEC"; }

float radius_of(const Plan& plan) {
  return static_cast<float>(plan.attacks.front().budget(plan.image, plan.subject.box).size);
}

std::string with_at(std::string_view option, std::string_view path, const Setup& setup, const Plan& plan) {
  const std::string out = replaced(path, "{at}", text(radius_of(plan)));
  check_usage(path.empty() || setup.plans.size() == 1 || out != path, option,
              " needs {at} in its name, for the radius: there are ", setup.plans.size(), " radii, and a file for each");
  return out;
}

Setup setup_of(const RunOptions& options) {
  check_usage(!options.adaptive || !options.shard, "--adaptive needs all images: leave --shard out");
  std::vector<std::vector<attacks::Attack>> attacks = attacks_of(options);  // wrong usage comes before any work
  NamedModel named = load_model(options.model.value().text, options.seed, options.preprocess);
  warn_if_untrained(named);
  data::Dataset data = load_data(options.data.value().text, data::Part::test, named.model.net);
  const std::size_t whole = first_count(options.limit, data.size());
  Plan plan;
  set_subject(plan, named, data, options.seed);
  plan.probes = static_cast<std::size_t>(options.probes);
  if (options.targets) plan.targets = options.targets->targets;
  if (options.at && !runs_at_each(options)) plan.radii = options.at->values;
  plan.slice = options.shard.value_or(Shard{}).slice(whole);
  const auto labels = data.labels().first(whole);
  check_usage(plan.targets.kind != attacks::Targets::Kind::one ||
                  !std::ranges::all_of(labels, [&](int label) { return label == plan.targets.target; }),
              "the target ", plan.targets.target, " is the label of every sample: there is nothing to attack");
  std::vector<Plan> plans;
  for (std::vector<attacks::Attack>& of_one : attacks) {
    plan.attacks = std::move(of_one);
    plans.push_back(checked(plan));
  }
  return {std::move(named), std::move(data), std::move(plans)};
}

}  // namespace hans::apps
