// A benchmark: every attack on every sample the model gets right, judged, and summed up.
#include <hans/attacks/evaluate.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include <hans/core/error.hpp>
#include <hans/core/hash.hpp>
#include <hans/core/rng.hpp>
#include <hans/nn/evaluate.hpp>

namespace hans::attacks {
namespace {

constexpr std::size_t chunk = 1024;  // attempts crafted and judged together

// The classes sample i is pushed towards; none means one untargeted attempt.
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
      // One of the others, each equally likely.
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

void check_targets(const Targets& targets, const AttackInfo& info, const Evaluation& evaluation, std::size_t classes) {
  if (targets.kind == Targets::Kind::by_attack) return;
  check_usage(info.takes_targets, "the attack ", info.name, info.version.empty() ? "" : "@", info.version,
              " takes no targets");
  check_usage(classes > 1, "a model with one class leaves no target");
  if (targets.kind != Targets::Kind::one) return;
  check_usage(targets.target >= 0 && static_cast<std::size_t>(targets.target) < classes, "the target ", targets.target,
              " is not one of the ", classes, " classes 0 to ", classes - 1);
  const auto& labels = evaluation.samples.labels;
  check_usage(labels.empty() || !std::ranges::all_of(labels, [&](int label) { return label == targets.target; }),
              "the target ", targets.target, " is the label of every sample: there is nothing to attack");
}

void run(AttackResult& result, const nn::Classifier& model, const Evaluation& evaluation,
         const EvaluateOptions& options, std::size_t number) {
  const AttackInfo info = result.attack.info();
  check_targets(options.targets, info, evaluation, model.classes());
  const data::Samples& samples = evaluation.samples;
  const Budget& budget = result.budget = result.attack.budget(model.input(), samples.box);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (evaluation.predictions[i] != samples.labels[i]) continue;
    const std::vector<int> goals =
        goals_of(options.targets, info, samples.labels[i], samples.index[i], model.classes(), Rng(options.seed));
    if (goals.empty()) result.attempts.push_back({i, std::nullopt, {}, {}, {}});
    for (const int target : goals) {
      if (target == samples.labels[i]) {
        ++result.no_attempts;
      } else {
        result.attempts.push_back({i, target, {}, {}, {}});
      }
    }
  }
  const bool targeted = !result.attempts.empty() && result.attempts.front().target.has_value();
  Tape tape;
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t first = 0; first < result.attempts.size(); first += chunk) {
    const std::size_t count = std::min(chunk, result.attempts.size() - first);
    const std::span<Attempt> part = std::span(result.attempts).subspan(first, count);
    std::vector<std::size_t> which;
    Goal goal{targeted, {}};
    for (const Attempt& attempt : part) {
      which.push_back(attempt.sample);
      goal.classes.push_back(attempt.target.value_or(samples.labels[attempt.sample]));
    }
    const data::Samples originals = samples.select(which);
    const auto report = [&](std::size_t done) {
      if (options.progress) options.progress(number, first + done, result.attempts.size());
    };
    Crafted made = result.attack(model, originals, goal, {options.seed, report, &tape});
    const Verdict verdict = judge(model, originals, made.images, goal, budget);
    for (std::size_t k = 0; k < count; ++k) {
      part[k].finding = verdict.findings[k];
      part[k].note = made.notes[k];
      if (options.hash_images) part[k].image_sha256 = Sha256().add(made.images.rows(k, 1).values()).hex();
      if (options.keep_images) result.images.push_back(made.images.rows(k, 1));
    }
    add_stages(made.stages, result.stages);
    result.forwards += made.forwards;
    result.gradients += made.gradients;
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void sum_up(AttackResult& result, const std::vector<bool>& right) {
  result.robust = right;
  result.successes = 0;
  for (const Attempt& attempt : result.attempts) {
    if (attempt.finding.evades) result.robust[attempt.sample] = false;
    result.successes += attempt.finding.success ? 1U : 0U;
  }
  result.robust_count = static_cast<std::size_t>(std::ranges::count(result.robust, true));
  result.l0 = summarize(result.attempts, [](const Distances& d) { return static_cast<double>(d.l0); });
  result.l1 = summarize(result.attempts, [](const Distances& d) { return d.l1; });
  result.l2 = summarize(result.attempts, [](const Distances& d) { return d.l2; });
  result.linf = summarize(result.attempts, [](const Distances& d) { return d.linf; });
}

std::vector<bool> who_is_right(const Evaluation& evaluation) {
  std::vector<bool> right(evaluation.samples.size());
  for (std::size_t i = 0; i < right.size(); ++i) {
    right[i] = evaluation.predictions[i] == evaluation.samples.labels[i];
  }
  return right;
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

Evaluation evaluate(const nn::Classifier& model, const data::Samples& samples, std::span<const Attack> attacks,
                    const EvaluateOptions& options) {
  Evaluation evaluation;
  evaluation.samples = samples;
  check(samples.images.shape().without_front() == model.input(), "the model takes images of ", model.input(),
        ", the samples are ", samples.images.shape().without_front());
  // Everything that can be refused is refused before the work starts.
  for (const Attack& attack : attacks) {
    check_targets(options.targets, attack.info(), evaluation, model.classes());
    attack.budget(model.input(), samples.box);
  }
  evaluation.classes = model.classes();
  evaluation.predictions = nn::predict(model, samples.images);
  for (const Attack& attack : attacks) {
    AttackResult result;
    result.attack = attack.resolved(samples.box);
    run(result, model, evaluation, options, evaluation.attacks.size());
    evaluation.attacks.push_back(std::move(result));
  }
  sum_up(evaluation);
  return evaluation;
}

void add_stages(const std::vector<Stage>& part, std::vector<Stage>& all) {
  for (std::size_t k = 0; k < part.size(); ++k) {
    if (k == all.size()) all.push_back({part[k].attack, 0});
    all[k].standing += part[k].standing;
  }
}

void sum_up(Evaluation& evaluation) {
  const std::vector<bool> right = who_is_right(evaluation);
  evaluation.right = static_cast<std::size_t>(std::ranges::count(right, true));
  std::vector<bool> robust = right;
  for (AttackResult& result : evaluation.attacks) {
    sum_up(result, right);
    for (std::size_t i = 0; i < robust.size(); ++i) robust[i] = robust[i] && result.robust[i];
  }
  evaluation.robust = static_cast<std::size_t>(std::ranges::count(robust, true));
}

std::size_t robust_within(const Evaluation& evaluation, const AttackResult& result, double radius) {
  std::vector<bool> robust = who_is_right(evaluation);
  for (const Attempt& attempt : result.attempts) {
    const bool near = attempt.finding.distance.of(result.budget.norm) <= radius;
    if (attempt.finding.evades && near) robust[attempt.sample] = false;
  }
  return static_cast<std::size_t>(std::ranges::count(robust, true));
}

Interval wilson(std::size_t right, std::size_t n) {
  if (n == 0) return {0, 1};
  constexpr double z = 1.959963984540054;  // 97.5 % point of the normal distribution
  const auto count = static_cast<double>(n);
  const double share = static_cast<double>(right) / count;
  const double scale = 1 + z * z / count;
  const double middle = (share + z * z / (2 * count)) / scale;
  const double half = z * std::sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / scale;
  return {right == 0 ? 0 : middle - half, right == n ? 1 : middle + half};
}

}  // namespace hans::attacks
