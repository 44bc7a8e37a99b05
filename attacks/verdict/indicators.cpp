// The indicators of failure, and which attack each advises to try next.
#include <hans/attacks/indicators.hpp>

#include <cmath>

#include <hans/attacks/apgd.hpp>
#include <hans/attacks/bpda.hpp>
#include <hans/attacks/composite.hpp>
#include <hans/attacks/eot.hpp>
#include <hans/attacks/fab.hpp>
#include <hans/attacks/pgd.hpp>
#include <hans/attacks/sigma_zero.hpp>
#include <hans/attacks/square.hpp>

namespace hans::attacks {
namespace {

/// `attack` in the ball. Its box is named only if it differs from the data's.
template <class A>
A inside(const Budget& ball, data::Box data, A attack) {
  attack.eps = static_cast<float>(ball.size);
  attack.norm = ball.norm;
  if (!(ball.box == data)) {
    attack.clip_min = ball.box.lo;
    attack.clip_max = ball.box.hi;
  }
  return attack;
}

/// An attack in the ball; for nearest images fab (which takes no clip_min), in l0 sigma-zero.
template <class A>
Attack searching(const Budget& ball, data::Box data, const A& attack) {
  if (std::isfinite(ball.size)) return ball.norm == Norm::l0 ? Attack() : Attack(inside(ball, data, attack));
  return ball.norm == Norm::l0 ? Attack(SigmaZero{}) : Attack(Fab{.norm = ball.norm});
}

Attack square(const Budget& ball, data::Box data) { return searching(ball, data, Square{.eps = 0.0F}); }
Attack apgd(const Budget& ball, data::Box data) { return searching(ball, data, Apgd{.eps = 0.0F}); }
Attack apgd_margin(const Budget& ball, data::Box data) {
  return searching(ball, data, Apgd{.eps = 0.0F, .loss = Loss::margin});
}
Attack pgd(const Budget& ball, data::Box data) { return searching(ball, data, Pgd{.eps = 0.0F}); }
Attack eot(const Budget& ball, data::Box data) {
  const Attack attack = pgd(ball, data);
  return attack.present() ? Attack(Eot{attack, 20}) : attack;
}
Attack bpda(const Budget& ball, data::Box data) {
  const Attack attack = pgd(ball, data);
  return attack.present() ? Attack(Bpda{attack}) : attack;
}
Attack from_both_ends(const Budget& ball, data::Box data) {
  const Attack bright = searching(ball, data, Pgd{.eps = 0.0F, .start = Start::bright});
  const Attack dark = searching(ball, data, Pgd{.eps = 0.0F, .start = Start::dark});
  return std::isfinite(ball.size) && bright.present() ? Attack(Composite{Attacks{{bright, dark}}}) : bright;
}

constexpr std::string_view pintor = "Pintor 2022, arXiv:2106.09947";
constexpr std::string_view croce = "Croce 2020, arXiv:2003.01690, flags of its code";
constexpr std::string_view carlini = "Carlini 2019, arXiv:1902.06705";
constexpr std::string_view athalye = "Athalye 2018, arXiv:1802.00420";
constexpr std::string_view overstated_suspect = "it fools an image that survived the attack and pgd with 40 steps";
constexpr std::string_view overstated_unreliable = "it fools so more than half of those that survived, at least 3";

// The rules are in attacks/rules.cpp, under the same names.
constexpr std::array<IndicatorInfo, 20> indicators{{
    {"zero_gradient", "the gradient at the image is zero, or there is none", Speaks::gradients, "for one image",
     "for more than a tenth of the images, or more than a tenth of the attempts ended so", pintor,
     "square:eps=EPS,norm=NORM", square},
    {"rough_loss", "the margin of the logits jumps within 4/255 of the box (mean change, as a share of itself)",
     Speaks::gradients, "more than 0.1", "more than 0.5", pintor, "square:eps=EPS,norm=NORM", square},
    {"varies", "the same image gives other logits when it is asked again", Speaks::always, "-",
     "for one image, unless the attack is eot or AutoAttack's version rand", croce,
     "eot:attack=[pgd:eps=EPS,norm=NORM],draws=20", eot},
    {"depends_on_others", "an image has other logits in a batch than alone: the model is in training mode",
     Speaks::always, "-", "for one image", carlini, "", nullptr},
    {"probabilities", "the outputs are probabilities instead of logits", Speaks::gradients, "-", "for all images",
     croce, "square:eps=EPS,norm=NORM", square},
    {"no_prediction", "the model gives no class: a logit is no number (NaN)", Speaks::always,
     "for one image, as it was or as the attack made it", "for more than a tenth of either", carlini, "", nullptr},
    {"silent_success", "the attack had reached its goal, and the image that it returned has not", Speaks::always, "-",
     "for one attempt", pintor, "", nullptr},
    {"clean_accuracy", "the model is hardly better than chance: other preprocessing, or not in evaluation",
     Speaks::always, "at most 1.5 / classes", "-", carlini, "", nullptr},
    {"eps_range", "eps does not fit the range of the features", Speaks::always,
     "below half a step of 8 bit (linf), or one image has none inside ball and box",
     "as large as the range: every image is in reach; or more than half of the images have none inside", carlini, "",
     nullptr},
    {"single_step_wins", "one step fools images that 40 do not", Speaks::above_zero,
     "more than a twentieth of the images", "more than a fifth", carlini, "apgd:eps=EPS,norm=NORM", apgd},
    {"incomplete", "pgd with 40 steps, fab, apgd-t (l0: sigma-zero, fmn): the attack was not at its end",
     Speaks::above_zero, "it fools an image that survived the attack",
     "it fools more than half of those that survived, at least 3", pintor, "apgd:eps=EPS,norm=NORM,loss=margin",
     apgd_margin},
    {"start_matters", "pgd from where all features are raised, or lowered: gradients are flat around the original",
     Speaks::above_zero, overstated_suspect, overstated_unreliable, athalye,
     "composite:attacks=[pgd:eps=EPS,norm=NORM,start=bright]/[pgd:eps=EPS,norm=NORM,start=dark]", from_both_ends},
    {"masked", "pgd past what lets no gradient through (BPDA), over several draws", Speaks::above_zero,
     overstated_suspect, overstated_unreliable, athalye, "bpda:attack=[pgd:eps=EPS,norm=NORM]", bpda},
    {"black_box_wins", "square, which sees no gradients", Speaks::above_zero,
     "it fools an image that survived the attack and pgd with 40 steps, or, as a stage of AutoAttack, lowers "
     "accuracy by more than 0.2 points behind the attacks with gradients",
     overstated_unreliable, croce, "square:eps=EPS,norm=NORM", square},
    {"transfer_wins", "images made against another model, nearest class mean", Speaks::above_zero, overstated_suspect,
     overstated_unreliable, pintor, "square:eps=EPS,norm=NORM", square},
    {"noise_wins", "noise, not aimed at anything", Speaks::above_zero, "it fools an image that survived",
     "it fools as many of the images as the attack, and at least a tenth", carlini, "square:eps=EPS,norm=NORM", square},
    {"not_falling", "accuracy does not fall with eps", Speaks::above_zero,
     "lower at eps / 2, or at eps than at 2 eps, by more than a twentieth", "by more than a fifth", carlini,
     "apgd:eps=EPS,norm=NORM", apgd},
    {"other_attack_wins", "another attack of the same command", Speaks::above_zero,
     "it fools an image that survived, inside the ball", "it fools more than half of those that survived, at least 3",
     carlini, "", nullptr},
    {"nearer_exists", "another attack finds an image at most nine tenths as far", Speaks::nearest,
     "for more than a twentieth of the images probed, or of those right", "for more than half", carlini,
     "fab:norm=NORM", apgd},
    {"unconstrained_fails", "pgd without a ball: every model must fall", Speaks::gradients,
     "more than 1 / classes survive", "more than half survive", pintor, "square:eps=EPS,norm=NORM", square},
}};

}  // namespace

std::span<const IndicatorInfo> list_indicators() { return indicators; }

}  // namespace hans::attacks
