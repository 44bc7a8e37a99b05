// Indicators of failure: can a robustness number be believed?
#include <hans/attacks/indicators.hpp>

#include <algorithm>
#include <cmath>

#include <hans/attacks/ball.hpp>
#include <hans/core/error.hpp>
#include <hans/core/text.hpp>

namespace hans::attacks {
namespace {

constexpr std::string_view pintor = "Pintor 2022, arXiv:2106.09947";
constexpr std::string_view croce = "Croce 2020, arXiv:2003.01690, flags of its code";
constexpr std::string_view carlini = "Carlini 2019, arXiv:1902.06705";
constexpr std::string_view athalye = "Athalye 2018, arXiv:1802.00420";
constexpr std::string_view overstated_suspect = "it fools an image that survived the benchmark and pgd with 40 steps";
constexpr std::string_view overstated_unreliable = "it fools so more than half of those that survived, at least 3";

// What each compares is in its rule below, under the same name.
constexpr std::array<IndicatorInfo, 18> indicators{{
    {"zero_gradient", "the gradient at the image is zero, or there is none", "for one image",
     "for more than a tenth of the images, or more than a tenth of the attempts ended so", pintor,
     "square:eps=EPS,norm=NORM"},
    {"rough_loss", "the margin of the logits jumps within 4/255 of the box (mean change, as a share of itself)",
     "more than 0.1", "more than 0.5", pintor, "square:eps=EPS,norm=NORM"},
    {"varies", "the same image gives other logits when it is asked again", "-",
     "for one image, unless the attack is eot or AutoAttack's version rand", croce,
     "eot:attack=[pgd:eps=EPS,norm=NORM],draws=20"},
    {"depends_on_others", "an image has other logits in a batch than alone: the model is in training mode", "-",
     "for one image", carlini, ""},
    {"probabilities", "the outputs are probabilities instead of logits", "-", "for all images", croce,
     "square:eps=EPS,norm=NORM"},
    {"no_prediction", "the model gives no class (a logit that is no number) for an image that was made",
     "for one image", "for more than a tenth of the attempts", carlini, ""},
    {"silent_success", "the attack had reached its goal, and the image that it returned has not", "-",
     "for one attempt", pintor, ""},
    {"clean_accuracy", "the model is hardly better than chance: other preprocessing, or not in evaluation",
     "at most 1.5 / classes", "-", carlini, ""},
    {"eps_range", "eps does not fit the range of the features", "below half a step of 8 bit (linf)",
     "as large as the range: every image is in reach", carlini, ""},
    {"single_step_wins", "one step fools images that 40 do not", "more than a twentieth of the images",
     "more than a fifth", carlini, "apgd:eps=EPS,norm=NORM"},
    {"incomplete", "pgd with 40 steps and cross entropy or margin: the attack was not at its end",
     "it fools an image that survived the benchmark", "it fools more than half of those that survived, at least 3",
     pintor, "apgd:eps=EPS,norm=NORM,loss=dlr"},
    {"start_matters", "pgd from where all features are raised, or lowered: gradients are flat around the original",
     overstated_suspect, overstated_unreliable, athalye,
     "composite:attacks=[pgd:eps=EPS,norm=NORM,start=bright]/[pgd:eps=EPS,norm=NORM,start=dark]"},
    {"masked", "pgd past what lets no gradient through (BPDA), over several draws", overstated_suspect,
     overstated_unreliable, athalye, "bpda:attack=[pgd:eps=EPS,norm=NORM]"},
    {"black_box_wins", "square, which sees no gradients",
     "it fools an image that survived the benchmark and pgd with 40 steps, or, as a stage of AutoAttack, lowers "
     "accuracy by more than 0.2 points behind the attacks with gradients",
     overstated_unreliable, croce, "square:eps=EPS,norm=NORM"},
    {"transfer_wins", "images made against another model, nearest class mean", overstated_suspect,
     overstated_unreliable, pintor, "square:eps=EPS,norm=NORM"},
    {"noise_wins", "noise, not aimed at anything", "it fools an image that survived",
     "it fools as many of the images as the benchmark, and at least a tenth", carlini, "square:eps=EPS,norm=NORM"},
    {"not_falling", "accuracy does not fall with eps",
     "lower at eps / 2, or at eps than at 2 eps, by more than a twentieth", "by more than a fifth", carlini,
     "apgd:eps=EPS,norm=NORM"},
    {"unconstrained_fails", "pgd without a ball: every model must fall", "more than 1 / classes survive",
     "more than half survive", pintor, "square:eps=EPS,norm=NORM"},
}};

/// The benchmark as the rules see it.
class Judgement {
 public:
  Judgement(const Evaluation& evaluation, std::span<const AttackResult> attacks, std::span<const Probe> probes)
      : evaluation_(evaluation), attacks_(attacks), probes_(probes) {
    std::vector<bool> robust(evaluation.samples.size(), true);
    for (const AttackResult& result : attacks_) {
      for (std::size_t i = 0; i < robust.size(); ++i) robust[i] = robust[i] && result.robust[i];
    }
    for (const Probe& probe : probes_) survived_.push_back(robust[probe.sample]);
    made_.probed = probes_.size();
    made_.ball = ball();
    for (const IndicatorInfo& info : indicators) made_.indicators.push_back({&info});
  }

  Reliability run() {
    about_model();
    about_attempts();
    about_eps();
    if (made_.ball) about_ball();
    stages();
    for (const Indicator& one : made_.indicators) made_.trust = std::max(made_.trust, one.trust);
    return std::move(made_);
  }

 private:
  const Budget& budget() const { return attacks_.front().budget; }

  /// Whether the probes' ball and goal are the benchmark's.
  bool ball() const {
    const auto untargeted = [](const AttackResult& result) {
      return std::ranges::none_of(result.attempts, [](const Attempt& attempt) { return attempt.target.has_value(); });
    };
    return !probes_.empty() && probes_ball(budget()) && std::ranges::all_of(attacks_, untargeted);
  }

  void blame(std::string_view name, Trust trust, std::string reason) {
    const auto found =
        std::ranges::find_if(made_.indicators, [&](const Indicator& one) { return one.info->name == name; });
    if (trust > found->trust) *found = {found->info, trust, std::move(reason)};
  }
  /// By how many of how many: suspect above the one share, unreliable above the other.
  void blame(std::string_view name, std::size_t count, std::size_t of, double suspect, double unreliable,
             std::string_view what) {
    const double share = of > 0 ? static_cast<double>(count) / static_cast<double>(of) : 0;
    if (!(share > suspect)) return;
    blame(name, share > unreliable ? Trust::unreliable : Trust::suspect, text(what, " for ", count, " of ", of));
  }

  template <class Rule>
  std::size_t count(Rule rule) const {
    return static_cast<std::size_t>(std::ranges::count_if(probes_, rule));
  }
  std::size_t count(bool Probe::*flag) const {
    return count([flag](const Probe& probe) { return probe.*flag; });
  }

  bool expects_randomness() const {
    return std::ranges::any_of(attacks_, [](const AttackResult& result) {
      const std::string spec = text(result.attack.spec());
      return spec.find("eot:") != std::string::npos || spec.find("version=rand") != std::string::npos;
    });
  }

  void about_model() {
    const std::size_t n = probes_.size();
    if (n == 0) return;
    blame("zero_gradient", count(&Probe::zero_gradient), n, 0, 0.1, "no gradient");
    double roughness = 0;
    for (const Probe& probe : probes_) roughness += probe.roughness / static_cast<double>(n);
    if (roughness > 0.1) {
      blame("rough_loss", roughness > 0.5 ? Trust::unreliable : Trust::suspect,
            text("the margin changes by ", fixed(100 * roughness, 1), " % of itself nearby"));
    }
    if (!expects_randomness()) blame("varies", count(&Probe::varies), n, 0, 0, "other logits when asked again");
    blame("depends_on_others", count(&Probe::depends_on_others), n, 0, 0, "other logits in a batch");
    if (count(&Probe::probabilities) == n) blame("probabilities", n, n, 0, 0, "outputs are probabilities");
    const std::size_t classes = evaluation_.classes;
    blame("unconstrained_fails", n - count(&Probe::unconstrained), n, 1 / static_cast<double>(classes), 0.5,
          "no change of any size was found");
    const double samples = static_cast<double>(evaluation_.samples.size());
    if (static_cast<double>(evaluation_.right) <= 1.5 / static_cast<double>(classes) * samples) {
      blame("clean_accuracy", Trust::suspect,
            text(evaluation_.right, " of ", evaluation_.samples.size(), " unmodified images are right, with ", classes,
                 " classes"));
    }
  }

  void about_attempts() {
    std::size_t attempts = 0, unpredicted = 0, silent = 0, without_gradient = 0;
    for (const AttackResult& result : attacks_) {
      for (const Attempt& attempt : result.attempts) {
        const Reason reason = attempt.finding.reason;
        const Stop stop = attempt.note.stop;
        ++attempts;
        unpredicted += reason == Reason::not_a_number ? 1U : 0U;
        const bool thought = stop == Stop::misclassified || stop == Stop::target_reached;
        silent += thought && (reason == Reason::unchanged_prediction || reason == Reason::other_class) ? 1U : 0U;
        without_gradient += stop == Stop::zero_gradient && !attempt.finding.success ? 1U : 0U;
      }
    }
    blame("no_prediction", unpredicted, attempts, 0, 0.1, "no class");
    blame("silent_success", silent, attempts, 0, 0, "the goal was reached and lost");
    blame("zero_gradient", without_gradient, attempts, 0.1, 0.1, "the attack found no gradient");
  }

  void about_eps() {
    const Budget& b = budget();
    const data::Box box = evaluation_.samples.box;
    const double range = static_cast<double>(box.hi) - static_cast<double>(box.lo);
    if (!(range > 0) || !std::isfinite(range) || !std::isfinite(b.size) || b.prediction_only) return;
    const double whole = diameter(b.norm, box, evaluation_.samples.images.shape().row_elements());
    const std::string of = text("eps is ", static_cast<float>(b.size), ", features go from ", box.lo, " to ", box.hi);
    if (b.size >= whole && b.norm != Norm::l0) blame("eps_range", Trust::unreliable, of);
    if (b.norm == Norm::linf && b.size > 0 && b.size < range / 510) blame("eps_range", Trust::suspect, of);
  }

  /// What another attack finds among those that survived.
  template <class Fools>
  void compare(std::string_view name, std::string_view what, Fools fools) {
    std::size_t standing = 0, fooled = 0;
    for (std::size_t k = 0; k < probes_.size(); ++k) {
      if (!survived_[k]) continue;
      ++standing;
      fooled += fools(probes_[k]) ? 1U : 0U;
    }
    if (fooled == 0) return;
    // Half of very few is no evidence of more than weakness.
    const bool most = 2 * fooled > standing && fooled >= 3;
    blame(name, most ? Trust::unreliable : Trust::suspect,
          text(what, " fools ", fooled, " of ", standing, " images that survived"));
  }

  void about_ball() {
    const std::size_t n = probes_.size();
    const auto by_gradient = [](const Probe& p) { return p.iterative || p.other_loss; };
    compare("incomplete", "pgd with 40 steps", by_gradient);
    // What gradients find as well says that the attack was weak, not that gradients are misleading.
    const auto only = [&](bool Probe::*flag) {
      return [by_gradient, flag](const Probe& p) { return p.*flag && !by_gradient(p); };
    };
    compare("start_matters", "pgd from an end of the ball", only(&Probe::other_start));
    compare("masked", "pgd past what has no gradient", only(&Probe::straight_through));
    compare("black_box_wins", "square with 300 queries", only(&Probe::black_box));
    compare("transfer_wins", "an image made against another model", only(&Probe::transfer));
    compare("noise_wins", "noise", [](const Probe& p) { return p.noise; });
    const std::size_t noise = count(&Probe::noise);
    const auto fallen = static_cast<std::size_t>(std::ranges::count(survived_, false));
    if (noise >= fallen && 10 * noise >= n && noise > 0) {
      blame("noise_wins", Trust::unreliable, text("noise fools ", noise, " of ", n, " images, the benchmark ", fallen));
    }
    blame("single_step_wins", count([](const Probe& p) { return p.single_step && !p.iterative && !p.other_loss; }), n,
          0.05, 0.2, "one step fools what 40 do not");
    blame("not_falling", count([](const Probe& p) { return p.half_eps && !p.iterative && !p.other_loss; }), n, 0.05,
          0.2, "half of eps fools what eps does not");
    blame("not_falling", count([](const Probe& p) { return p.iterative && !p.double_eps; }), n, 0.05, 0.2,
          "eps fools what twice of it does not");
  }

  /// Stages of one attack, such as AutoAttack: what the one that sees no gradients finds behind the others.
  void stages() {
    for (const AttackResult& result : attacks_) {
      for (std::size_t k = 1; k < result.stages.size(); ++k) {
        const Stage& stage = result.stages[k];
        if (!stage.attack.starts_with("square")) continue;
        const std::size_t before = result.stages[k - 1].standing, n = evaluation_.samples.size();
        const std::size_t fooled = before > stage.standing ? before - stage.standing : 0;  // a file may say anything
        if (static_cast<double>(fooled) > 0.002 * static_cast<double>(n)) {
          blame("black_box_wins", Trust::suspect,
                text("square fools ", fooled, " of ", n, " images that survived all attacks with gradients"));
        }
      }
    }
  }

  const Evaluation& evaluation_;
  std::span<const AttackResult> attacks_;
  std::span<const Probe> probes_;
  std::vector<bool> survived_;  ///< of the probes, the benchmark
  Reliability made_;
};

/// `name` with what it stands for in its place.
void put(std::string& in, std::string_view name, std::string_view value) {
  for (std::size_t at = in.find(name); at != std::string::npos; at = in.find(name, at + value.size())) {
    in.replace(at, name.size(), value);
  }
}

}  // namespace

std::span<const IndicatorInfo> list_indicators() { return indicators; }

Reliability reliability(const Evaluation& evaluation) {
  check(!evaluation.attacks.empty(), "an evaluation without attacks is no number to be believed");
  return Judgement(evaluation, evaluation.attacks, evaluation.probes).run();
}

Reliability reliability(const Evaluation& evaluation, std::size_t attack, std::span<const Probe> probes) {
  return Judgement(evaluation, std::span(evaluation.attacks).subspan(attack, 1), probes).run();
}

std::vector<Attack> Reliability::next(const Budget& budget) const {
  std::vector<std::string> specs;
  for (const Indicator& one : indicators) {
    if (one.trust == Trust::reliable || one.info->next.empty() || !ball) continue;
    std::string spec(one.info->next);
    put(spec, "EPS", text(static_cast<float>(budget.size)));
    put(spec, "NORM", enum_name(budget.norm));
    if (std::ranges::find(specs, spec) == specs.end()) specs.push_back(spec);
  }
  std::vector<Attack> all;
  for (const std::string& spec : specs) all.push_back(Attack::from_spec(Spec::parse(spec)));
  return all;
}

}  // namespace hans::attacks
