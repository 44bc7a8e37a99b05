// Carrying out a plan.
#include "run.hpp"

#include <algorithm>

#include "progress.hpp"

namespace hans::apps {
namespace {

/// Puts the attacks of another run of the same images to it, and sums up.
void add_attacks(Run& all, Run more) {
  const std::size_t before = all.plan.attacks.size();
  const auto append_to = [](auto& to, auto& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  append_to(all.plan.attacks, more.plan.attacks);
  append_to(all.found.attacks, more.found.attacks);
  for (attacks::ProbedBall& ball : more.probes.balls) {
    if (ball.attack) *ball.attack += before;
    const bool known = std::ranges::any_of(all.probes.balls, [&](const attacks::ProbedBall& other) {
      return other.ball == ball.ball && other.attack == ball.attack;
    });
    if (!known) all.probes.balls.push_back(std::move(ball));
  }
  sum_up(all.found);
  settle(all.certified, all.found);
}

/// The balls of a plan that are certified: the ball of its attacks, or one for each distinct radius.
std::vector<CertifiedBall> certified_balls(const Plan& plan) {
  std::vector<CertifiedBall> all;
  if (!plan.certify) return all;
  const attacks::Budget budget = threat_model(plan).budget;
  for (const float eps : plan.radii.empty() ? std::vector{static_cast<float>(budget.size)} : plan.radii) {
    const auto same = [eps](const CertifiedBall& ball) { return float{ball.asked.eps} == eps; };
    if (std::ranges::any_of(all, same)) continue;
    all.push_back({{.norm = budget.norm, .eps = eps, .method = plan.certify->method, .nodes = plan.certify->nodes}});
  }
  return all;
}

/// The attacks that the verdicts ask for and that the plan has not.
std::vector<attacks::Attack> wanted(const Plan& plan, const attacks::Judgement& judgement) {
  std::vector<std::string> known;
  for (const attacks::Attack& attack : plan.attacks) known.push_back(text(attack.spec()));
  std::vector<attacks::Attack> all;
  for (const attacks::Reliability* one : worst_cases(judgement)) {
    for (const attacks::Attack& attack : one->next) {
      attacks::Attack resolved = attack.resolved(plan.subject.box);
      const std::string spec = text(resolved.spec());
      if (std::ranges::find(known, spec) != known.end()) continue;
      known.push_back(spec);
      all.push_back(std::move(resolved));
    }
  }
  return all;
}

}  // namespace

Run begin_run(Plan plan) {
  Run run{std::move(plan), {}, {}};
  attacks::Evaluation& found = run.found;
  found.samples.images = Tensor(run.plan.image.with_front(0));
  found.samples.box = run.plan.subject.box;
  found.classes = run.plan.classes;
  found.targets = run.plan.targets;
  for (const attacks::Attack& attack : run.plan.attacks) {
    attacks::AttackResult result;
    result.attack = attack;
    result.budget = attack.budget(run.plan.image, run.plan.subject.box);
    found.attacks.push_back(std::move(result));
  }
  run.probes.balls = attacks::balls_of(found, run.plan.radii);
  run.certified = certified_balls(run.plan);
  return run;
}

attacks::ProbeOptions probe_options(const Plan& plan, const data::Dataset& data) {
  constexpr std::size_t for_means = 1000;  // images of which the class means are taken
  return {plan.subject.seed, attacks::probe_every(plan.slice.whole, plan.probes), data.first(for_means)};
}

attacks::Judgement judgement_of(const Run& run) {
  std::vector<attacks::Proved> proved;
  for (const CertifiedBall& ball : run.certified) {
    proved.push_back({double{float{ball.asked.eps}}, ball.counts().certified().part(), {}});
    for (const defenses::Certificate& one : ball.all) {
      proved.back().fooled.push_back(one.certainty == defenses::Certainty::attacked);
    }
  }
  return attacks::judge_numbers(run.found, run.plan.radii, run.probes, proved);
}

std::optional<attacks::Judgement> verdicts_of(const Run& run) {
  return run.slice().complete() ? std::optional(judgement_of(run)) : std::nullopt;
}

std::vector<const attacks::Reliability*> worst_cases(const attacks::Judgement& judgement) {
  std::vector<const attacks::Reliability*> all;
  const auto is_part = [&](const attacks::Reliability& one) {
    return std::ranges::any_of(judgement.together, [&](const attacks::Reliability& several) {
      return several.number.radius == one.number.radius &&
             std::ranges::find(several.number.attacks, one.number.attacks.front()) != several.number.attacks.end();
    });
  };
  for (const std::vector<attacks::Reliability>& radii : judgement.attacks) {
    for (const attacks::Reliability& one : radii) {
      if (!is_part(one)) all.push_back(&one);
    }
  }
  for (const attacks::Reliability& several : judgement.together) all.push_back(&several);
  return all;
}

void run_on(Run& run, const nn::Classifier& model, const data::Dataset& data, const data::Samples& samples,
            const Keep& keep,
            const std::function<void(std::size_t attack, std::size_t done, std::size_t total)>& progress, Tape* tape) {
  const attacks::EvaluateOptions options{
      run.plan.targets, run.plan.subject.seed, keep.images, keep.hashes, progress, tape};
  attacks::Evaluation part = attacks::evaluate(model, samples, run.plan.attacks, options);
  attacks::ProbeOptions probing = probe_options(run.plan, data);
  probing.tape = tape;
  attacks::extend(run.probes, attacks::probe(model, samples, part, run.plan.radii, probing), run.found.size());
  attacks::extend(run.found, std::move(part));
}

Run run_all(const Plan& plan, const nn::Sequential& model, const data::Dataset& data, const Keep& keep,
            std::size_t at_once, const std::function<void(std::size_t done, std::size_t attack)>& shown,
            ProgressFile* progress, std::span<const std::uint32_t> which) {
  Run run = begin_run(plan);
  Tape tape;
  if (progress != nullptr) progress->load(run);
  const std::size_t attacks = plan.attacks.size(), steps = attacks + run.certified.size();
  const std::size_t count = which.empty() ? plan.slice.count : which.size();
  while (run.found.size() < count) {
    const std::size_t done = run.found.size(), next = std::min(at_once, count - done);
    const auto at = [&](std::size_t attack, std::size_t attempts, std::size_t total) {
      shown(done + next * (attack * total + attempts) / (steps * std::max<std::size_t>(total, 1)), attack);
    };
    const data::Samples samples =
        which.empty() ? data.samples(plan.slice.first + done, next) : data.gather(which.subspan(done, next));
    run_on(run, model, data, samples, keep, at, &tape);
    certify_more(run.certified, run.found, model, samples,
                 [&](std::size_t ball, std::size_t images, std::size_t total) { at(attacks + ball, images, total); });
    if (progress != nullptr && run.found.size() < count) progress->save(run);
  }
  sum_up(run.found);
  return run;
}

std::string work_text(const Plan& plan, std::size_t attack) {
  const std::size_t attacks = plan.attacks.size();
  return attack < attacks ? text("attack ", attack + 1, " of ", attacks) : std::string("certificates");
}

Run carry_out(const Setup& setup, const Plan& plan, const Keep& keep, const RunOptions& options,
              const ProgressFiles& progress) {
  const std::string label = setup.plans.size() > 1 ? text("eps ", radius_of(plan)) : "";
  const auto run_plan = [&](const Plan& one, ProgressFile* file) {
    ProgressBar bar(label, "images", options.quiet);
    const auto shown = [&](std::size_t done, std::size_t attack) {
      bar.update(done, one.slice.count, work_text(one, attack));
    };
    return run_all(one, setup.named.model.net, setup.data, keep, images_at_once, shown, file);
  };
  Run run = run_plan(plan, progress.plan);
  if (!options.adaptive) return run;
  Plan more = plan;
  more.attacks = wanted(plan, judgement_of(run));
  more.certify.reset();
  if (more.attacks.empty()) return run;
  if (progress.plan != nullptr) progress.plan->save(run);
  add_attacks(run, run_plan(more, progress.adaptive));
  return run;
}

}  // namespace hans::apps
