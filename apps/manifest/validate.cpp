// What no evaluation can have come to.
#include <algorithm>
#include <cmath>

#include "manifest.hpp"

namespace hans::apps {
namespace {

using attacks::Attempt;
using attacks::Distances;

bool is_hash(std::string_view word) {
  return word.size() == 64 && word.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// Sums in double are exact to this share.
constexpr double rounding = 1e-9;

bool at_most(double value, double most) { return value <= most * (1 + rounding); }

/// Distances of one change of so many features: each norm bounds the others.
bool possible(const Distances& d, std::size_t features) {
  const auto changed = static_cast<double>(d.l0);
  return d.linf >= 0 && d.l2 >= 0 && d.l1 >= 0 && d.l0 <= features && at_most(d.linf, d.l2) && at_most(d.l2, d.l1) &&
         at_most(d.l1, changed * d.linf) && at_most(d.l2 * d.l2, d.l1 * d.linf);
}

/// Why an outcome cannot be; empty if it can.
std::string_view contradiction(const Attempt& attempt, int label, const attacks::Budget& budget, const Plan& plan) {
  const attacks::Finding& finding = attempt.finding;
  const Distances& distance = finding.distance;
  const int prediction = finding.prediction, classes = static_cast<int>(plan.classes);
  if (prediction < -1 || prediction >= classes) return "its prediction is no class";
  const bool numbers = std::isfinite(distance.linf) && std::isfinite(distance.l2) && std::isfinite(distance.l1);
  const bool number = finding.reason != attacks::Reason::not_a_number;
  if (number != (prediction >= 0 && numbers)) return "a logit or a feature is no number, or its reason says so wrongly";
  if (distance.l0 > plan.image.elements()) return "more features changed than there are";
  if (!number) return "";
  if (!possible(distance, plan.image.elements())) return "no change has these distances";
  if (finding.reason == attacks::Reason::outside_box) return budget.prediction_only ? "it has no box" : "";
  const double farthest = std::max(static_cast<double>(budget.box.hi) - static_cast<double>(plan.subject.box.lo),
                                   static_cast<double>(plan.subject.box.hi) - static_cast<double>(budget.box.lo));
  if (!budget.prediction_only && !at_most(distance.linf, farthest)) return "it is outside of the box";
  const bool inside = budget.prediction_only || distance.of(budget.norm) <= budget.size;
  if ((finding.reason == attacks::Reason::outside_ball) == inside) return "its distance and its reason disagree";
  if (!inside) return "";
  const bool reached = attempt.target ? prediction == *attempt.target : prediction != label;
  const attacks::Reason reason = reached               ? attacks::Reason::success
                                 : prediction == label ? attacks::Reason::unchanged_prediction
                                                       : attacks::Reason::other_class;
  return finding.reason == reason ? "" : "its prediction and its reason disagree";
}

void check_certificates(const Run& run) {
  for (const CertifiedBall& ball : run.certified) {
    const std::vector<bool> fooled = fooled_within(ball, run.found);
    check(ball.all.size() == fooled.size(), "there are certificates of ", ball.all.size(), " images, of ",
          fooled.size());
    for (std::size_t k = 0; k < fooled.size(); ++k) {
      const std::string_view wrong = apps::contradiction(ball.all[k], fooled[k], ball.asked);
      check(wrong.empty(), "the certificate of image ", run.found.samples.index[k], " within ", float{ball.asked.eps},
            ": ", wrong);
    }
  }
  check_consistent(run.certified);
}

void check_attack(const Run& run, const attacks::AttackResult& result) {
  const attacks::Evaluation& found = run.found;
  const attacks::AttackInfo info = result.attack.info();
  const std::size_t goals =
      found.targets.kind == attacks::Targets::Kind::all ? std::max<std::size_t>(found.classes, 1) - 1 : 1;
  check(result.attempts.size() + result.no_attempts == found.right * goals, info.name, " made ", result.attempts.size(),
        " attempts, not ", goals, " for each of the ", found.right, " images that are right");
  const attacks::PlannedAttempts planned = attacks::plan_attempts(info, found.targets, found.samples, found.predictions,
                                                                  found.classes, run.plan.subject.seed);
  const auto same = [](const Attempt& a, const Attempt& b) { return a.sample == b.sample && a.target == b.target; };
  check(std::ranges::equal(result.attempts, planned.attempts, same) && result.no_attempts == planned.without_attempt,
        info.name, ": its attempts are not those that the right images and the targets ask for");
  for (const Attempt& attempt : result.attempts) {
    const std::uint32_t index = found.samples.index[attempt.sample];
    const std::string_view wrong =
        contradiction(attempt, found.samples.labels[attempt.sample], result.budget, run.plan);
    check(wrong.empty(), info.name, " on image ", index, ": ", wrong);
    check(is_hash(attempt.image_sha256), info.name, " on image ", index, ": its hash is none");
  }
  check(info.knowledge == attacks::Knowledge::gradients || result.gradients == 0, info.name,
        " sees no gradients, and took ", result.gradients);
  std::size_t left = found.right;
  for (const attacks::StageResult& stage : result.stages) {
    check(stage.robust.part() <= left, info.name, ": more images are left after ", stage.attack.info().name,
          " than before it");
    left = stage.robust.part();
  }
  const bool untargeted = found.targets.kind == attacks::Targets::Kind::by_attack && !info.targets_by_default;
  check(result.stages.empty() || left == result.robust_count || (!untargeted && left > result.robust_count), info.name,
        ": its last stage leaves ", left, " images, its outcomes ", result.robust_count);
}

}  // namespace

std::string_view contradiction(const defenses::Certificate& one, bool fooled, const defenses::CertifyOptions& asked) {
  using defenses::Certainty, defenses::CertifyMethod, defenses::Doubt, defenses::Step;
  const CertifyMethod method = asked.method;
  const bool wrong = one.certainty == Certainty::wrong, attacked = one.certainty == Certainty::attacked;
  const bool unknown = one.certainty == Certainty::unknown, certified = one.certainty == Certainty::certified;
  if (wrong != (one.prediction != one.label)) return "it is wrong exactly if its prediction is";
  if (one.step.has_value() == wrong) return "all but wrong images have a method";
  if (fooled != (one.step == Step::attack)) return "the attacks say otherwise";
  if (fooled && !attacked) return "an attack fooled it";
  if (attacked && !fooled && one.step != Step::branching) return "nothing found an adversarial image";
  if (one.doubt.has_value() != unknown) return "unknown images, and no others, have a reason";
  if (one.real != (one.bound > 0)) return "its bound and `real` disagree";
  if (one.float32 != certified || (certified && !one.real)) return "certified are those with both flags";
  const bool unbounded = wrong || (fooled && !asked.second);  // the second attack comes after bounds
  if (unbounded && !std::isnan(one.bound)) return "nothing was bounded";
  const bool complete = method == CertifyMethod::complete;
  if (one.nodes > 0 && (!complete || one.step != Step::branching)) return "nothing was branched";
  const bool minimisers = attacked && (method == CertifyMethod::alpha ||
                                       method == CertifyMethod::joint);  // are tried without branching, too
  const std::span<const Step> steps = defenses::steps_of(method);
  if (one.step && !fooled && !minimisers && std::ranges::find(steps, *one.step) == steps.end()) {
    return "its method was not asked for";
  }
  if (!unknown) return "";
  if (one.doubt == Doubt::time) return asked.seconds > 0 ? "" : "there is no clock";
  if (one.real != (one.doubt == Doubt::rounding)) return "its reason and `real` disagree";
  if (one.doubt == Doubt::nan) return std::isnan(one.bound) ? "" : "it has a bound";
  if (*one.step != steps.back()) return "not every method was tried";
  return one.doubt == (complete ? Doubt::bound : Doubt::nodes) ? "its reason belongs to another method" : "";
}

void validate(const Run& run) {
  const attacks::Evaluation& found = run.found;
  const int classes = static_cast<int>(found.classes);
  check(is_hash(run.plan.subject.model_sha256) && is_hash(run.plan.subject.data_sha256),
        "the hash of its model or of its data is none");
  for (std::size_t i = 0; i < found.size(); ++i) {
    const int label = found.samples.labels[i], prediction = found.predictions[i];
    check(label >= 0 && label < classes, "image ", found.samples.index[i], " has the label ", label, " of ", classes,
          " classes");
    check(prediction >= -1 && prediction < classes, "image ", found.samples.index[i], " has the prediction ",
          prediction, " of ", classes, " classes");
  }
  for (const attacks::AttackResult& result : found.attacks) check_attack(run, result);
  check_certificates(run);
}

}  // namespace hans::apps
