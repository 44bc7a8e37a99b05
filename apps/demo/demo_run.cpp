// What the demo computes: two networks under the attacks of one ball and under jsma, on the embedded digits.
#include "demo_run.hpp"

#include <algorithm>
#include <utility>

#include <hans/core/hash.hpp>
#include <hans/defenses/defense.hpp>
#include <hans/nn/fit.hpp>
#include <hans/nn/models.hpp>
#include "../nets.hpp"
#include "../run/figures.hpp"

namespace hans::apps {
namespace {

constexpr std::string_view defense = "adversarial:attack=[fgsm:eps=0.3]";

/// Trained as `hans train` does it, so that its file has the same bytes.
NamedModel train(const DemoPlan& plan, const data::Dataset& data, bool adversarial, const DemoProgress& progress) {
  nn::FitOptions fit{.epochs = plan.epochs, .batch = plan.batch, .seed = plan.seed};
  if (adversarial) fit.loss = defenses::Defense::from_spec(Spec::parse(defense));
  const std::uint64_t total = static_cast<std::uint64_t>(data.size()) * plan.epochs;
  fit.progress = [&progress, total, adversarial](const nn::Progress& at) {
    progress(adversarial ? "adversarial training" : "training", at.samples, total, text("loss ", fixed(at.loss, 4)));
  };
  const std::string file = demo_file(plan, adversarial);
  NamedModel named{file, file, nn::Model{nn::make_model(plan.model, Rng(plan.seed))}};
  named.model.training = training_record(plan.model, data, fit);
  nn::fit(named.model.net, data, fit);
  named.model.sha256 = sha256(nn::dump_model(named.model));
  return named;
}

/// Attacks the first `count` test images, a hundred at a time, so that the progress shows the probes as well.
DemoRun attacked(const NamedModel& named, const data::Dataset& test, std::span<const std::string_view> specs,
                 attacks::Targets targets, std::size_t count, std::uint64_t seed, std::string_view part,
                 const DemoProgress& progress, const std::optional<Certifying>& certify = {}) {
  constexpr std::size_t at_once = 100;
  Plan plan;
  set_subject(plan, named, test, seed);
  for (const std::string_view spec : specs) plan.attacks.push_back(attacks::Attack::from_spec(Spec::parse(spec)));
  plan.targets = targets;
  plan.slice = {0, count, count};
  plan.certify = certify;
  const auto shown = [&](std::size_t done, std::size_t) { progress(part, done, count, ""); };
  DemoRun made{run_all(checked(std::move(plan)), named.model.net, test, {true, false}, at_once, shown), {}};
  made.judgement = judgement_of(made.run);
  return made;
}

/// Robust under fgsm for each of demo_curve, of the images that are right.
std::vector<attacks::Share> curve_of(const NamedModel& named, const data::Dataset& test, std::uint64_t seed) {
  std::vector<attacks::Attack> all;
  for (const std::string_view eps : demo_curve) {
    all.push_back(attacks::Attack::from_spec(Spec::parse(text("fgsm:eps=", eps))));
  }
  const attacks::Evaluation found = attacks::evaluate(named.model.net, test.first(test.size()), all, {.seed = seed});
  std::vector<attacks::Share> curve;
  for (const attacks::AttackResult& result : found.attacks) curve.emplace_back(result.robust_count, found.right);
  return curve;
}

/// How many of the first images hold one of each class that is read correctly; ten at least. A class of which none is
/// read does not count.
std::size_t images_for_all(const attacks::Evaluation& found) {
  std::size_t needed = std::min<std::size_t>(10, found.size());
  for (const std::size_t source : first_of_each(found)) {
    if (source < found.size()) needed = std::max(needed, source + 1);
  }
  return needed;
}

DemoNet make_net(const DemoPlan& plan, bool adversarial, const data::Dataset& train_data, const data::Dataset& test,
                 std::size_t jsma_count, const DemoProgress& progress) {
  DemoNet net{train(plan, train_data, adversarial, progress), {}, {}, {}, {}};
  net.command =
      text("hans train --data ", demo_data, " --model ", plan.model, " --epochs ", plan.epochs, " --batch ", plan.batch,
           " --seed ", plan.seed, adversarial ? text(" --defense '", defense, "'") : "", " --out ", net.named.name);
  net.linf = attacked(net.named, test, demo_attacks, {}, test.size(), plan.seed, "fgsm, noise, pgd", progress);
  net.curve = curve_of(net.named, test, plan.seed);
  net.jsma = attacked(net.named, test, demo_jsma, {attacks::Targets::Kind::all},
                      jsma_count > 0 ? jsma_count : images_for_all(net.linf.found()), plan.seed, "jsma", progress);
  return net;
}

}  // namespace

std::string demo_file(const DemoPlan& plan, bool adversarial) {
  return text(plan.model, adversarial ? "-adversarial" : "", ".hans");
}

DemoFindings run_demo(const DemoPlan& plan, const DemoProgress& progress) {
  const data::Dataset train_data = data::load(demo_data, data::Part::train);
  const data::Dataset test = data::load(demo_data, data::Part::test);
  DemoNet plain = make_net(plan, false, train_data, test, 0, progress);
  DemoNet trained = make_net(plan, true, train_data, test, plain.jsma.found().size(), progress);
  DemoRun proved = attacked(load_model(demo_net, plan.seed), test, demo_net_attacks, {}, test.size(), plan.seed,
                            "certificates", progress, demo_certifying);
  return {plan,
          train_data.name(),
          train_data.sha256(),
          train_data.size(),
          std::move(plain),
          std::move(trained),
          std::move(proved)};
}

std::vector<DemoCommand> demo_commands(const DemoFindings& found) {
  std::vector<DemoCommand> commands;
  for (const auto& [name, net] : found.nets()) commands.push_back({text("the ", name, " network"), net->command});
  for (const auto& [name, net] : found.nets()) {
    const std::string attack =
        text("hans attack ", net->named.name, " --data ", demo_data, " --seed ", found.plan.seed);
    std::string specs;
    for (const std::string_view spec : demo_attacks) append(specs, text(" --attack ", spec));
    commands.push_back({text("fgsm, noise and pgd on the ", name, " network"), attack + specs});
    commands.push_back({text("jsma on the ", name, " network"),
                        text(attack, " --limit ", net->jsma.found().size(), " --targets all --attack ", demo_jsma[0])});
  }
  commands.push_back({"the network that holds, and its proofs",
                      text("hans certify ", demo_net, " --data ", demo_data, " --eps ", demo_net_eps, " --nodes ",
                           demo_certifying.nodes, " --seed ", found.plan.seed, " --out proofs.npz")});
  commands.push_back({"the proofs, checked", text("hans check proofs.npz --model ", demo_net, " --data ", demo_data)});
  return commands;
}

std::string seen_by_demo_net() {
  const Net& net = *find_net(demo_net);
  return text("It has seen these digits: they are of MNIST's training set, and it learned from all of that. Of the ",
              with_commas(net.images), " images of ", net.data, " it reads ", percent_of(net.clean()), " %, ",
              ends_words(net.proved(), net.unbroken()), ".");
}

std::vector<std::size_t> demo_examples(const DemoRun& made, std::size_t succeeds, std::size_t fails,
                                       std::size_t count) {
  std::vector<std::size_t> chosen;
  for (const attacks::Attempt& attempt : made.attack(succeeds).attempts) chosen.push_back(attempt.sample);
  const auto rank = [&](std::size_t sample) {
    const bool fooled = find_attempt(made.attack(succeeds), sample)->finding.success;
    return !fooled ? 2 : find_attempt(made.attack(fails), sample)->finding.success ? 1 : 0;
  };
  std::ranges::stable_sort(chosen, {}, rank);
  chosen.resize(std::min(count, chosen.size()));
  return chosen;
}

const attacks::Attempt* cheapest_attempt(const DemoNet& net) {
  const std::vector<int>& labels = net.jsma.found().samples.labels;
  const attacks::Attempt* best = nullptr;
  const auto cost = [&](const attacks::Attempt& attempt) {
    return std::pair(labels[attempt.sample] != 4, attempt.finding.distance.l0);
  };
  for (const attacks::Attempt& attempt : net.jsma.attack(0).attempts) {
    if (attempt.finding.success && (best == nullptr || cost(attempt) < cost(*best))) best = &attempt;
  }
  return best;
}

}  // namespace hans::apps
