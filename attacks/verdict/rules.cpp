// The rules of verdicts on one number: what each indicator says, and whether probes could have contradicted the number.
#include "detail/rules.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <hans/core/error.hpp>
#include <hans/core/text.hpp>
#include <hans/nn/evaluate.hpp>

namespace hans::attacks {
namespace {

constexpr std::size_t least_right = 20;
constexpr double nearer = 0.9;  // share of the distance that counts as nearer

bool is_inside(data::Box inner, data::Box outer) { return inner.lo >= outer.lo && inner.hi <= outer.hi; }

/// Applies the rules to one number.
class Rules {
 public:
  Rules(const Evaluation& evaluation, Number number, const Probes& probes, std::span<const BallProbe> inside,
        const Proved* proved)
      : evaluation_(evaluation), probes_(probes), inside_(inside), proved_(proved) {
    made_.number = std::move(number);
    made_.probed = inside_.size();
    for (const std::size_t k : made_.number.attacks) results_.push_back(&evaluation.attacks[k]);
    const data::Samples& samples = evaluation.samples;
    for (std::size_t i = 0; i < evaluation.size(); ++i) {
      right_.push_back(evaluation.predictions[i] == samples.labels[i]);
    }
    survived_ = right_;
    for (const AttackResult* result : results_) {
      for (const Attempt& attempt : result->attempts) {
        if (fools(*result, attempt)) survived_[attempt.sample] = false;
      }
    }
    made_.robust = evaluation.of_all(static_cast<std::size_t>(std::ranges::count(survived_, true)));
    for (const IndicatorInfo& info : list_indicators()) made_.indicators.push_back({&info});
  }

  Reliability run() {
    about_model();
    about_attempts();
    about_eps();
    about_ball();
    about_other_attacks();
    about_distances();
    about_stages();
    made_.opposed = opposed();
    conclude();
    advise();
    return std::move(made_);
  }

 private:
  const Budget& ball() const { return made_.number.ball; }
  bool nearest() const { return !std::isfinite(ball().size); }
  bool is_targeted(const AttackResult& result) const {
    return attacks::is_targeted(result.attack.info(), evaluation_.targets);
  }
  bool targeted() const { return is_targeted(*results_.front()); }

  /// Whether an attempt of one of the number's attacks is a success against it.
  bool fools(const AttackResult& result, const Attempt& attempt) const {
    const bool near = result.budget == ball() || attempt.finding.distance.of(ball().norm) <= ball().size;
    return attempt.finding.evades && near;
  }

  /// Whether an indicator applies to this number; decided nowhere else.
  bool speaks(const IndicatorInfo& info) const {
    const bool above_zero = made_.robust.part() > 0;
    switch (info.speaks) {
      case Speaks::always:
        return true;
      case Speaks::above_zero:
        return above_zero && !nearest();
      case Speaks::gradients:
        return above_zero && std::ranges::any_of(results_, [](const AttackResult* result) {
                 return result->attack.info().knowledge == Knowledge::gradients;
               });
      case Speaks::nearest:
        break;
    }
    return nearest();
  }

  void blame(std::string_view name, Verdict verdict, std::string reason) {
    const auto found =
        std::ranges::find_if(made_.indicators, [&](const Indicator& one) { return one.info->name == name; });
    if (verdict > found->verdict && speaks(*found->info)) *found = {found->info, verdict, std::move(reason)};
  }
  /// Blames by a share, `count` of `of`: suspect above one threshold, unreliable above the other.
  void blame(std::string_view name, std::size_t count, std::size_t of, double suspect, double unreliable,
             std::string_view what) {
    const double share = of > 0 ? static_cast<double>(count) / static_cast<double>(of) : 0;
    if (!(share > suspect)) return;
    blame(name, share > unreliable ? Verdict::unreliable : Verdict::suspect, text(what, " for ", count, " of ", of));
  }
  /// Blames by the share of survivors that another attack fools; fewer than 3 images are suspect at most.
  void blame_survivors(std::string_view name, std::string_view what, std::size_t fooled, std::size_t survived) {
    if (fooled == 0) return;
    blame(name, 2 * fooled > survived && fooled >= 3 ? Verdict::unreliable : Verdict::suspect,
          text(what, " fools ", fooled, " of ", survived, " images that survived"));
  }

  template <class Rule>
  std::size_t count(Rule rule) const {
    return static_cast<std::size_t>(std::ranges::count_if(inside_, rule));
  }
  std::size_t count_model(bool ModelProbe::*flag) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(probes_.model, [flag](const ModelProbe& probe) { return probe.*flag; }));
  }

  void about_model() {
    const std::size_t n = probes_.model.size(), size = evaluation_.size(), classes = evaluation_.classes;
    const std::string wrong_images = clean_accuracy_reason({evaluation_.right, size}, classes);
    if (!wrong_images.empty()) blame("clean_accuracy", Verdict::suspect, wrong_images);
    const auto unpredicted = static_cast<std::size_t>(std::ranges::count(evaluation_.predictions, nn::no_prediction));
    blame("no_prediction", unpredicted, size, 0, 0.1, "no class (NaN), unmodified,");
    if (n == 0) return;
    blame("zero_gradient", count_model(&ModelProbe::zero_gradient), n, 0, 0.1, "no gradient");
    double roughness = 0;
    for (const ModelProbe& probe : probes_.model) roughness += probe.roughness / static_cast<double>(n);
    if (roughness > 0.1) {
      blame("rough_loss", roughness > 0.5 ? Verdict::unreliable : Verdict::suspect,
            text("the margin changes by ", fixed(100 * roughness, 1), " % of itself nearby"));
    }
    const bool expected = std::ranges::any_of(
        results_, [](const AttackResult* result) { return result->attack.info().for_random_models; });
    if (!expected) blame("varies", count_model(&ModelProbe::varies), n, 0, 0, "other logits when asked again");
    blame("depends_on_others", count_model(&ModelProbe::depends_on_others), n, 0, 0, "other logits in a batch");
    if (count_model(&ModelProbe::probabilities) == n) blame("probabilities", n, n, 0, 0, "outputs are probabilities");
    blame("unconstrained_fails", n - count_model(&ModelProbe::unconstrained), n, 1 / static_cast<double>(classes), 0.5,
          "no change of any size was found");
  }

  void about_attempts() {
    std::size_t attempts = 0, unpredicted = 0, silent = 0, without_gradient = 0, out_of_reach = 0;
    for (const AttackResult* result : results_) {
      for (const Attempt& attempt : result->attempts) {
        const Reason reason = attempt.finding.reason;
        const Stop stop = attempt.note.stop;
        ++attempts;
        unpredicted += reason == Reason::not_a_number ? 1U : 0U;
        const bool thought = stop == Stop::misclassified || stop == Stop::target_reached;
        silent += thought && (reason == Reason::unchanged_prediction || reason == Reason::other_class) ? 1U : 0U;
        without_gradient += stop == Stop::zero_gradient && !attempt.finding.success ? 1U : 0U;
        out_of_reach += reason == Reason::outside_box || reason == Reason::outside_ball ? 1U : 0U;
      }
    }
    blame("no_prediction", unpredicted, attempts, 0, 0.1, "no class (NaN)");
    blame("silent_success", silent, attempts, 0, 0, "the goal was reached and lost");
    blame("eps_range", out_of_reach, attempts, 0, 0.5, "no image inside ball and box");
    blame("zero_gradient", without_gradient, attempts, 0.1, 0.1, "the attack found no gradient");
  }

  void about_eps() {
    const Budget& b = ball();
    const double range = static_cast<double>(b.box.hi) - static_cast<double>(b.box.lo);
    if (!(range > 0) || !std::isfinite(range) || nearest() || b.prediction_only) return;
    const double whole = diameter(b.norm, b.box, evaluation_.samples.images.shape().row_elements());
    const std::string of =
        text("eps is ", static_cast<float>(b.size), ", features go from ", b.box.lo, " to ", b.box.hi);
    if (b.size >= whole && b.norm != Norm::l0) blame("eps_range", Verdict::unreliable, of);
    if (b.norm == Norm::linf && b.size > 0 && b.size < range / 510) blame("eps_range", Verdict::suspect, of);
  }

  /// Blames by the survivors that a probe fools.
  template <class Fools>
  void compare(std::string_view name, std::string_view what, Fools fools) {
    std::size_t survived = 0, fooled = 0;
    for (std::size_t k = 0; k < inside_.size(); ++k) {
      if (!survived_[probes_.samples[k]]) continue;
      ++survived;
      fooled += fools(inside_[k]) ? 1U : 0U;
    }
    blame_survivors(name, what, fooled, survived);
  }

  void about_ball() {
    const std::size_t n = inside_.size();
    if (n == 0 || nearest()) return;
    const auto by_gradient = [](const BallProbe& p) { return p.iterative || p.other_loss; };
    compare("incomplete", ball().norm == Norm::l0 ? "sigma-zero or fmn" : "pgd, fab or apgd-t",
            [&](const BallProbe& p) { return by_gradient(p) || p.boundary || p.other_classes; });
    // What a gradient attack also finds shows a weak attack, not misleading gradients.
    const auto only = [&](bool BallProbe::*flag) {
      return [by_gradient, flag](const BallProbe& p) { return p.*flag && !by_gradient(p); };
    };
    compare("start_matters", "pgd from an end of the ball", only(&BallProbe::other_start));
    compare("masked", "pgd past what has no gradient", only(&BallProbe::straight_through));
    compare("black_box_wins", "square with 300 queries", only(&BallProbe::black_box));
    compare("transfer_wins", "an image made against another model", only(&BallProbe::transfer));
    compare("noise_wins", "noise", [](const BallProbe& p) { return p.noise; });
    const std::size_t noise = count([](const BallProbe& p) { return p.noise; });
    std::size_t fallen = 0;
    for (const std::size_t sample : probes_.samples) fallen += survived_[sample] ? 0U : 1U;
    if (noise >= fallen && 10 * noise >= n && noise > 0) {
      blame("noise_wins", Verdict::unreliable, text("noise fools ", noise, " of ", n, " images, the attack ", fallen));
    }
    if (ball().norm == Norm::l0) return;  // l0 has no single step and no other radii
    blame("single_step_wins", count([](const BallProbe& p) { return p.single_step && !p.iterative && !p.other_loss; }),
          n, 0.05, 0.2, "one step fools what 40 do not");
    blame("not_falling", count([](const BallProbe& p) { return p.half_eps && !p.iterative && !p.other_loss; }), n, 0.05,
          0.2, "half of eps fools what eps does not");
    blame("not_falling", count([](const BallProbe& p) { return p.iterative && !p.double_eps; }), n, 0.05, 0.2,
          "eps fools what twice of it does not");
  }

  /// The other attacks of the evaluation with the same goal, whose images this number allows.
  std::vector<const AttackResult*> buffers() const {
    std::vector<const AttackResult*> all;
    for (std::size_t k = 0; k < evaluation_.attacks.size(); ++k) {
      const AttackResult& other = evaluation_.attacks[k];
      if (std::ranges::find(made_.number.attacks, k) != made_.number.attacks.end()) continue;
      if (other.budget.prediction_only != ball().prediction_only || !is_inside(other.budget.box, ball().box)) continue;
      if (is_targeted(other) == targeted()) all.push_back(&other);
    }
    return all;
  }

  void about_other_attacks() {
    const std::size_t survived = made_.robust.part();
    std::vector<bool> fooled(evaluation_.size());
    std::string names;
    for (const AttackResult* other : buffers()) {
      bool wins = false;
      for (const Attempt& attempt : other->attempts) {
        if (!survived_[attempt.sample] || !fools(*other, attempt)) continue;
        wins = fooled[attempt.sample] = true;
      }
      if (wins) append(names, text(names.empty() ? "" : " and ", other->attack.info().name));
    }
    if (proved_ != nullptr) {
      bool wins = false;
      for (std::size_t i = 0; i < fooled.size(); ++i) {
        if (!survived_[i] || fooled[i] || !proved_->fooled[i]) continue;
        wins = fooled[i] = true;
      }
      if (wins) append(names, text(names.empty() ? "" : " and ", "the search for proofs"));
    }
    blame_survivors("other_attack_wins", names, static_cast<std::size_t>(std::ranges::count(fooled, true)), survived);
  }

  /// For each sample, the distance of the nearest image that one of these attacks found.
  std::vector<double> distances_of(std::span<const AttackResult* const> results) const {
    std::vector<double> all(evaluation_.size(), std::numeric_limits<double>::infinity());
    for (const AttackResult* result : results) {
      for (const Attempt& attempt : result->attempts) {
        double& least = all[attempt.sample];
        if (attempt.finding.evades) least = std::min(least, attempt.finding.distance.of(ball().norm));
      }
    }
    return all;
  }

  void about_distances() {
    if (!nearest()) return;
    blame("nearer_exists", count([](const BallProbe& probe) { return probe.any(); }), inside_.size(), 0.05, 0.5,
          "a probe finds an image at most nine tenths as far");
    const std::vector<double> own = distances_of(results_);
    for (const AttackResult* other : buffers()) {
      if (other->budget.norm != ball().norm || !(other->budget.box == ball().box)) continue;
      const std::vector<double> distances = distances_of({&other, 1});
      std::size_t closer = 0;
      for (std::size_t i = 0; i < own.size(); ++i)
        closer += distances[i] <= nearer * own[i] && own[i] > 0 && std::isfinite(distances[i]) ? 1U : 0U;
      blame("nearer_exists", closer, evaluation_.right, 0.05, 0.5,
            text(other->attack.info().name, " finds an image at most nine tenths as far"));
    }
  }

  /// For attacks in stages (AutoAttack): what black-box stages find after the others.
  void about_stages() {
    for (const AttackResult* result : results_) {
      for (std::size_t k = 1; k < result->stages.size(); ++k) {
        const StageResult& stage = result->stages[k];
        const AttackInfo info = stage.attack.info();
        if (info.knowledge == Knowledge::gradients) continue;
        const std::size_t before = result->stages[k - 1].robust.part(), n = stage.robust.whole();
        const std::size_t fooled = before > stage.robust.part() ? before - stage.robust.part() : 0;
        if (static_cast<double>(fooled) > 0.002 * static_cast<double>(n)) {
          blame("black_box_wins", Verdict::suspect,
                text(info.name, " fools ", fooled, " of ", n, " images that survived all attacks with gradients"));
        }
      }
    }
  }

  /// Whether anything made for it tried to contradict the number: the probes in its ball. Other attacks of the
  /// evaluation can only speak against it, since nobody knows how hard they tried.
  bool opposed() const {
    // In l0 all probes need gradients.
    const auto tried = [&](const ModelProbe& probe) { return ball().norm != Norm::l0 || !probe.zero_gradient; };
    return !inside_.empty() && std::ranges::any_of(probes_.model, tried);
  }

  void conclude() {
    if (proved_ != nullptr && made_.robust.part() == proved_->certified) {
      made_.verdict = Verdict::exact;
      return;
    }
    if (evaluation_.right < least_right) {
      made_.why_unchecked = text(evaluation_.right, evaluation_.right == 1 ? " image is" : " images are", " right, ",
                                 least_right, " are needed");
      return;
    }
    made_.verdict = Verdict::reliable;
    for (const Indicator& one : made_.indicators) made_.verdict = std::max(made_.verdict, one.verdict);
    if (made_.verdict != Verdict::reliable || made_.opposed || made_.robust.part() == 0) return;
    made_.verdict = Verdict::unchecked;
    made_.why_unchecked = text("nothing was probed: ", targeted()               ? "the attack has targets"
                                                       : ball().prediction_only ? "it is judged by the prediction alone"
                                                       : probes_.samples.empty() ? "no image was asked for"
                                                                                 : "no image has a gradient to follow");
  }

  void advise() {
    if (ball().prediction_only || made_.verdict == Verdict::exact) return;
    Budget threat = ball();
    if (made_.number.radius) threat.size = std::numeric_limits<double>::infinity();
    const auto add = [&](const IndicatorInfo& info) {
      if (info.advise == nullptr) return;
      const Attack attack = info.advise(threat, evaluation_.samples.box);
      if (!attack.present() || (targeted() && !attack.info().takes_targets)) return;
      const auto same = [&](const Attack& other) { return other.spec() == attack.spec(); };
      if (std::ranges::none_of(made_.next, same)) made_.next.push_back(attack);
    };
    for (const Indicator& one : made_.indicators) {
      if (one.verdict != Verdict::reliable) add(*one.info);
    }
    const bool unopposed = made_.verdict == Verdict::unchecked && evaluation_.right >= least_right;
    if (unopposed) add(*std::ranges::find(list_indicators(), "incomplete", &IndicatorInfo::name));  // its opponent
  }

  const Evaluation& evaluation_;
  const Probes& probes_;
  std::span<const BallProbe> inside_;  ///< in the number's ball
  const Proved* proved_;               ///< in the number's ball; null: nothing
  std::vector<const AttackResult*> results_;
  std::vector<bool> right_, survived_;  ///< for all samples
  Reliability made_;
};

}  // namespace

std::string clean_accuracy_reason(Share right, std::size_t classes) {
  const double most = 1.5 / static_cast<double>(classes) * static_cast<double>(right.whole());
  if (right.whole() == 0 || static_cast<double>(right.part()) > most) return "";
  return text(right.part(), " of ", right.whole(), " unmodified images are right, with ", classes, " classes");
}

Reliability judge_number(const Evaluation& evaluation, Number number, const Probes& probes,
                         std::span<const BallProbe> inside, const Proved* proved) {
  return Rules(evaluation, std::move(number), probes, inside, proved).run();
}

}  // namespace hans::attacks
