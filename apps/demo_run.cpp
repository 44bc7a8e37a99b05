// What the demo computes: two networks, two attacks, on the embedded digits.
#include <algorithm>
#include <hans/apps/demo_run.hpp>
#include <hans/apps/inputs.hpp>
#include <hans/apps/training.hpp>
#include <hans/core/hash.hpp>
#include <hans/defenses/adversarial.hpp>
#include <hans/nn/fit.hpp>
#include <hans/nn/models.hpp>
#include <utility>

namespace hans::apps {
namespace {

constexpr std::string_view defense = "adversarial:attack=[fgsm:eps=0.3]";

// Trained as `hans train` does it, so that its file would have the same hash.
NamedModel train(const DemoPlan& plan, const data::Dataset& data, bool adversarial, const DemoProgress& progress) {
  nn::FitOptions fit;
  fit.epochs = plan.epochs;
  fit.batch = plan.batch;
  fit.seed = plan.seed;
  if (adversarial) fit.loss = defenses::from_spec(Spec::parse(defense));
  const std::uint64_t total = static_cast<std::uint64_t>(data.size()) * plan.epochs;
  fit.progress = [&progress, total, adversarial](const nn::Progress& at) {
    progress(adversarial ? "adversarial training" : "training", at.samples, total, text("loss ", fixed(at.loss, 4)));
  };
  NamedModel made{text(plan.model, adversarial ? "-adversarial" : "", ".hans"), "",
                  nn::Model{nn::make_model(plan.model, Rng(plan.seed))}};
  made.path = made.name;
  made.model.training = training_record(plan.model, data, fit);
  nn::fit(made.model.net, data, fit);
  made.model.sha256 = sha256(nn::dump_model(made.model));
  return made;
}

attacks::Evaluation evaluate(const NamedModel& model, const data::Dataset& data, const Request& request,
                             std::size_t limit, const DemoPlan& plan, std::string_view part,
                             const DemoProgress& progress) {
  attacks::EvaluateOptions options;
  options.targets = request.targets;
  options.seed = plan.seed;
  options.keep_images = true;
  options.progress = [&](std::size_t attack, std::size_t done, std::size_t total) {
    progress(part, attack * total + done, request.attacks.size() * total, "");
  };
  return attacks::evaluate(model.model.net, data.first(limit), request.attacks, options);
}

// How many of the first images there are to be so that each class has one among them that is read correctly; ten at
// least. A class of which none is read does not count.
std::size_t images_for_all(const attacks::Evaluation& found, std::size_t classes) {
  std::size_t needed = 10;
  for (std::size_t label = 0; label < classes; ++label) {
    for (std::size_t i = 0; i < found.predictions.size(); ++i) {
      if (found.samples.labels[i] != static_cast<int>(label) || found.predictions[i] != static_cast<int>(label))
        continue;
      needed = std::max(needed, i + 1);
      break;
    }
  }
  return std::min(needed, found.predictions.size());
}

std::vector<std::size_t> first_of_each(const attacks::Evaluation& found, std::size_t classes) {
  std::vector<std::size_t> sources(classes, found.samples.size());
  for (std::size_t i = found.samples.size(); i-- > 0;) {
    const int label = found.samples.labels[i];
    if (found.predictions[i] == label) sources[static_cast<std::size_t>(label)] = i;
  }
  return sources;
}

DemoNet make_net(const DemoPlan& plan, bool adversarial, const data::Dataset& train_data, const data::Dataset& test,
                 std::size_t jsma_limit, const DemoProgress& progress) {
  const NamedModel model = train(plan, train_data, adversarial, progress);
  DemoNet net;
  net.parameters = model.model.net.parameters();
  net.subject = subject_of(model, test, plan.seed);
  net.command =
      text("hans train --data ", demo_data, " --model ", plan.model, " --epochs ", plan.epochs, " --batch ", plan.batch,
           " --seed ", plan.seed, adversarial ? text(" --defense '", defense, "'") : "", " --out ", model.name);
  for (const std::string_view eps : demo_eps) {
    net.fgsm_request.attacks.push_back(attacks::Attack::from_spec(Spec::parse(text("fgsm:eps=", eps))));
  }
  net.fgsm = evaluate(model, test, net.fgsm_request, test.size(), plan, "fgsm", progress);
  net.jsma_request.attacks.push_back(attacks::Attack::from_spec(Spec::parse(demo_jsma)));
  net.jsma_request.targets.kind = attacks::Targets::Kind::all;
  if (jsma_limit == 0) jsma_limit = images_for_all(net.fgsm, test.classes());
  net.jsma = evaluate(model, test, net.jsma_request, jsma_limit, plan, "jsma", progress);
  return net;
}

}  // namespace

DemoFindings run_demo(const DemoPlan& plan, const DemoProgress& progress) {
  const data::Dataset train_data = data::load(demo_data, data::Part::train);
  const data::Dataset test = data::load(demo_data, data::Part::test);
  DemoFindings found;
  found.plan = plan;
  found.train_data = train_data.name();
  found.train_sha256 = train_data.sha256();
  found.train_size = train_data.size();
  found.plain = make_net(plan, false, train_data, test, 0, progress);
  found.jsma_limit = found.plain.jsma.samples.size();
  found.sources = first_of_each(found.plain.jsma, test.classes());
  found.trained = make_net(plan, true, train_data, test, found.jsma_limit, progress);
  return found;
}

std::vector<DemoCommand> demo_commands(const DemoFindings& found) {
  const std::array<std::pair<std::string_view, const DemoNet*>, 2> nets{
      {{"the plain network", &found.plain}, {"the adversarially trained network", &found.trained}}};
  std::vector<DemoCommand> commands;
  for (const auto& [name, net] : nets) commands.push_back({std::string(name), net->command});
  for (const auto& [name, net] : nets) {
    const std::string attack =
        text("hans attack ", net->subject.model, " --data ", demo_data, " --seed ", found.plan.seed);
    std::string fgsm;
    for (const std::string_view eps : demo_eps) append(fgsm, text(" --attack fgsm:eps=", eps));
    commands.push_back({text("fgsm on ", name), attack + fgsm});
    commands.push_back(
        {text("jsma on ", name), text(attack, " --limit ", found.jsma_limit, " --targets all --attack ", demo_jsma)});
  }
  return commands;
}

const attacks::Attempt* find_attempt(const attacks::AttackResult& result, std::size_t sample, int target) {
  for (const attacks::Attempt& attempt : result.attempts) {
    if (attempt.sample == sample && attempt.target == target) return &attempt;
  }
  return nullptr;
}

const attacks::Attempt* cheapest_attempt(const DemoNet& net) {
  const attacks::Attempt* best = nullptr;
  const auto is_four = [&net](const attacks::Attempt& attempt) { return net.jsma.samples.labels[attempt.sample] == 4; };
  for (const attacks::Attempt& attempt : net.saliency().attempts) {
    if (!attempt.finding.success) continue;
    const bool better = best == nullptr || is_four(attempt) > is_four(*best) ||
                        (is_four(attempt) == is_four(*best) && attempt.finding.distance.l0 < best->finding.distance.l0);
    if (better) best = &attempt;
  }
  return best;
}

}  // namespace hans::apps
