// Every attack on every sample the model classifies correctly, judged and summed up.
#include <hans/attacks/evaluate.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <limits>

#include <hans/core/error.hpp>
#include <hans/core/hash.hpp>
#include <hans/core/rng.hpp>
#include <hans/nn/evaluate.hpp>

namespace hans::attacks {
namespace {

constexpr std::size_t chunk = 1024;  // attempts crafted and judged together

// The targets of a sample; none means one untargeted attempt.
std::vector<int> goals_of(const Targets& targets, const AttackInfo& info, int label, std::uint32_t index,
                          std::size_t classes, Rng rng) {
  const int count = static_cast<int>(classes);
  switch (targets.kind) {
    case Targets::Kind::by_attack:
      if (!info.targets_by_default) return {};
      return {(label + 1) % count};
    case Targets::Kind::next:
      return {(label + 1) % count};
    case Targets::Kind::random: {
      // One of the other classes, with equal probability.
      const auto drawn =
          static_cast<int>(rng.stream("random target", index).below(static_cast<std::uint32_t>(count - 1)));
      return {drawn < label ? drawn : drawn + 1};
    }
    case Targets::Kind::one:
      return {targets.target};
    case Targets::Kind::all:
      break;
  }
  std::vector<int> all;
  for (int target = 0; target < count; ++target) {
    if (target != label) all.push_back(target);
  }
  return all;
}

std::vector<bool> who_is_right(const Evaluation& evaluation) {
  std::vector<bool> right(evaluation.size());
  for (std::size_t i = 0; i < right.size(); ++i) {
    right[i] = evaluation.predictions[i] == evaluation.samples.labels[i];
  }
  return right;
}

std::size_t count_of(const std::vector<bool>& flags) {
  return static_cast<std::size_t>(std::ranges::count(flags, true));
}

Summary summarize(const std::vector<Attempt>& attempts, double (*distance)(const Distances&)) {
  if (attempts.empty()) return {};
  std::vector<double> sorted;
  double total = 0;
  std::size_t successes = 0;
  for (const Attempt& attempt : attempts) {
    const bool success = attempt.finding.success;
    const double d = distance(attempt.finding.distance);
    sorted.push_back(success ? d : std::numeric_limits<double>::infinity());
    total += success ? d : 0;
    successes += success ? 1U : 0U;
  }
  std::ranges::sort(sorted);
  const std::size_t n = sorted.size();
  const double median = n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
  Summary summary;
  if (std::isfinite(median)) summary.median = median;
  if (successes > 0) summary.mean = total / static_cast<double>(successes);
  return summary;
}

void check_targets(const AttackInfo& info, const Targets& targets, std::size_t classes) {
  if (targets.kind == Targets::Kind::by_attack) return;
  check_usage(info.takes_targets, "the attack ", info.name, info.version.empty() ? "" : "@", info.version,
              " takes no targets");
  check_usage(classes > 1, "a model with one class leaves no target");
  if (targets.kind != Targets::Kind::one) return;
  check_usage(targets.target >= 0 && static_cast<std::size_t>(targets.target) < classes, "the target ", targets.target,
              " is not one of the ", classes, " classes 0 to ", classes - 1);
}

/// Crafts and judges `part` of the result's attempts.
Crafted craft_and_judge(AttackResult& result, std::span<Attempt> part, const nn::Classifier& model,
                        const data::Samples& samples, const EvaluateOptions& options, CraftOptions craft) {
  std::vector<std::size_t> which;
  Goal goal{part.front().target.has_value(), {}};
  for (const Attempt& attempt : part) {
    which.push_back(attempt.sample);
    goal.classes.push_back(attempt.target.value_or(samples.labels[attempt.sample]));
  }
  const data::Samples originals = samples.select(which);
  Crafted crafted = result.attack(model, originals, goal, craft);
  const Outcome outcome = judge(model, originals, crafted.images, goal, result.budget, {}, craft.tape);
  for (std::size_t k = 0; k < part.size(); ++k) {
    part[k].finding = outcome.findings[k];
    part[k].note = crafted.notes[k];
    if (options.hash_images) part[k].image_sha256 = Sha256().add(crafted.images.rows(k, 1).values()).hex();
    if (options.keep_images) part[k].image = crafted.images.rows(k, 1);
  }
  result.forwards += crafted.forwards;
  result.gradients += crafted.gradients;
  return crafted;
}

void run(AttackResult& result, const nn::Classifier& model, const data::Samples& samples,
         const std::vector<bool>& right, const EvaluateOptions& options, std::size_t number) {
  Tape own;
  std::vector<Attack> stages;
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t first = 0; first < result.attempts.size(); first += chunk) {
    const std::size_t count = std::min(chunk, result.attempts.size() - first);
    const auto report = [&](std::size_t done) {
      if (options.progress) options.progress(number, first + done, result.attempts.size());
    };
    Crafted crafted = craft_and_judge(result, std::span(result.attempts).subspan(first, count), model, samples, options,
                                      {options.seed, report, options.tape == nullptr ? &own : options.tape});
    if (crafted.stages.size() > stages.size()) stages = std::move(crafted.stages);
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  for (std::size_t k = 0; k < stages.size(); ++k) {
    std::vector<bool> robust = right;
    for (const Attempt& attempt : result.attempts) {
      if (attempt.note.withstood <= k) robust[attempt.sample] = false;
    }
    result.stages.push_back({stages[k], {count_of(robust), robust.size()}});
  }
}

/// How many are left in a stage that no sample reached: the robust ones of the last stage that ran.
std::size_t left_behind(const Evaluation& evaluation, const AttackResult& result) {
  return result.stages.empty() ? count_of(who_is_right(evaluation)) : result.stages.back().robust.part();
}

/// Adds the stage results of attack `a` on the samples of `part`.
void extend_stages(Evaluation& all, const Evaluation& part, std::size_t a) {
  std::vector<StageResult>& stages = all.attacks[a].stages;
  const std::vector<StageResult>& more = part.attacks[a].stages;
  if (stages.empty() && more.empty()) return;
  const std::size_t left = left_behind(all, all.attacks[a]), part_left = left_behind(part, part.attacks[a]);
  for (std::size_t k = 0; k < std::max(stages.size(), more.size()); ++k) {
    const std::size_t robust =
        (k < stages.size() ? stages[k].robust.part() : left) + (k < more.size() ? more[k].robust.part() : part_left);
    if (k == stages.size()) stages.push_back({more[k].attack, {}});
    stages[k].robust = {robust, all.size() + part.size()};
  }
}

template <class T>
void append_to(std::vector<T>& all, std::vector<T>&& part) {
  all.insert(all.end(), std::make_move_iterator(part.begin()), std::make_move_iterator(part.end()));
}

Tensor joined(const Tensor& one, const Tensor& other) {
  const std::size_t rows = one.shape()[0] + other.shape()[0];
  Tensor both(other.shape().without_front().with_front(rows));
  std::ranges::copy(one.values(), both.mutable_data());
  std::ranges::copy(other.values(), both.mutable_data() + one.size());
  return both;
}

void sum_up(AttackResult& result, const std::vector<bool>& right) {
  result.robust = right;
  result.successes = result.narrow = 0;
  for (const Attempt& attempt : result.attempts) {
    if (attempt.finding.evades) result.robust[attempt.sample] = false;
    result.successes += attempt.finding.success ? 1U : 0U;
    result.narrow += attempt.finding.narrow ? 1U : 0U;
  }
  result.robust_count = count_of(result.robust);
  result.l0 = summarize(result.attempts, [](const Distances& d) { return static_cast<double>(d.l0); });
  result.l1 = summarize(result.attempts, [](const Distances& d) { return d.l1; });
  result.l2 = summarize(result.attempts, [](const Distances& d) { return d.l2; });
  result.linf = summarize(result.attempts, [](const Distances& d) { return d.linf; });
}

}  // namespace

Targets read_targets(std::string_view word) {
  if (word == "next") return {Targets::Kind::next, 0};
  if (word == "all") return {Targets::Kind::all, 0};
  if (word == "random") return {Targets::Kind::random, 0};
  std::uint64_t target = 0;
  check_usage(read_number(word, target) && target < 1000000, "targets are next, all, random or a class number, not '",
              word, "'");
  return {Targets::Kind::one, static_cast<int>(target)};
}

bool is_targeted(const AttackInfo& attack, const Targets& targets) {
  return targets.kind != Targets::Kind::by_attack || attack.targets_by_default;
}

PlannedAttempts plan_attempts(const AttackInfo& attack, const Targets& targets, const data::Samples& samples,
                              std::span<const int> predictions, std::size_t classes, std::uint64_t seed) {
  check_targets(attack, targets, classes);
  check(predictions.size() == samples.size() && samples.index.size() == samples.size(), samples.size(),
        " labels came with ", samples.index.size(), " positions and ", predictions.size(), " predictions");
  check_labels(samples, classes);
  PlannedAttempts plan;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const int label = samples.labels[i];
    if (predictions[i] != label) continue;
    const std::vector<int> goals = goals_of(targets, attack, label, samples.index[i], classes, Rng(seed));
    if (goals.empty() && !is_targeted(attack, targets)) plan.attempts.push_back({.sample = i});
    for (const int target : goals) {
      if (target == label) {
        ++plan.without_attempt;
      } else {
        plan.attempts.push_back({.sample = i, .target = target});
      }
    }
  }
  return plan;
}

void check_request(std::span<const Attack> attacks, const Targets& targets, const Shape& image, std::size_t classes,
                   data::Box box) {
  for (const Attack& attack : attacks) {
    check_targets(attack.info(), targets, classes);
    attack.resolved(box).budget(image, box);
  }
}

Evaluation evaluate(const nn::Classifier& model, const data::Samples& samples, std::span<const Attack> attacks,
                    const EvaluateOptions& options) {
  check(samples.images.shape() == model.input().with_front(samples.size()), "the model takes images of ", model.input(),
        ", ", samples.size(), " samples came with images of shape ", samples.images.shape());
  check_request(attacks, options.targets, model.input(), model.classes(), samples.box);
  Evaluation evaluation;
  evaluation.samples = samples;
  check_labels(samples, model.classes());
  if (!options.keep_images) evaluation.samples.images = Tensor(model.input().with_front(0));
  evaluation.classes = model.classes();
  evaluation.targets = options.targets;
  evaluation.predictions = nn::predict(model, samples.images, options.tape);
  for (const Attack& attack : attacks) {
    AttackResult result;
    result.attack = attack.resolved(samples.box);
    result.budget = result.attack.budget(model.input(), samples.box);
    PlannedAttempts plan = plan_attempts(result.attack.info(), options.targets, samples, evaluation.predictions,
                                         model.classes(), options.seed);
    result.attempts = std::move(plan.attempts);
    result.no_attempts = plan.without_attempt;
    evaluation.attacks.push_back(std::move(result));
  }
  const std::vector<bool> right = who_is_right(evaluation);
  for (std::size_t k = 0; k < attacks.size(); ++k) {
    run(evaluation.attacks[k], model, samples, right, options, k);
  }
  sum_up(evaluation);
  return evaluation;
}

void extend(Evaluation& all, Evaluation part) {
  check(all.attacks.size() == part.attacks.size() && all.classes == part.classes && all.targets == part.targets,
        "an evaluation of ", all.attacks.size(), " attacks and ", all.classes, " classes cannot be extended by one of ",
        part.attacks.size(), " and ", part.classes, ", or they have other targets");
  const std::size_t before = all.size();
  for (std::size_t a = 0; a < all.attacks.size(); ++a) {
    AttackResult &result = all.attacks[a], &more = part.attacks[a];
    extend_stages(all, part, a);
    for (Attempt& attempt : more.attempts) attempt.sample += before;
    append_to(result.attempts, std::move(more.attempts));
    result.no_attempts += more.no_attempts;
    result.forwards += more.forwards;
    result.gradients += more.gradients;
    result.seconds += more.seconds;
  }
  if (part.samples.images.size() > 0) all.samples.images = joined(all.samples.images, part.samples.images);
  append_to(all.samples.labels, std::move(part.samples.labels));
  append_to(all.samples.index, std::move(part.samples.index));
  append_to(all.predictions, std::move(part.predictions));
}

void sum_up(Evaluation& evaluation) {
  const std::vector<bool> right = who_is_right(evaluation);
  evaluation.right = count_of(right);
  std::vector<bool> robust = right;
  for (AttackResult& result : evaluation.attacks) {
    sum_up(result, right);
    for (std::size_t i = 0; i < robust.size(); ++i) robust[i] = robust[i] && result.robust[i];
  }
  evaluation.robust = count_of(robust);
}

Share robust_within(const Evaluation& evaluation, const AttackResult& result, double radius) {
  std::vector<bool> robust = who_is_right(evaluation);
  for (const Attempt& attempt : result.attempts) {
    const bool near = attempt.finding.distance.of(result.budget.norm) <= radius;
    if (attempt.finding.evades && near) robust[attempt.sample] = false;
  }
  return evaluation.of_all(count_of(robust));
}

}  // namespace hans::attacks
