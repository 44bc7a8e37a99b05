// Losses that gradient attacks climb, of one row of logits.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include <hans/attacks/oracle.hpp>

namespace hans::attacks {

/// What a gradient attack maximizes, with y the label, t the target and z the logits:
/// - ce: the cross entropy of y (Goodfellow 2014); targeted, the negative of t's.
/// - margin: max over j != y of z_j, minus z_y; targeted, z_t minus the max over j != t. Above 0 the goal is reached.
/// - cw: the smaller of margin and 0, which has no gradient once the goal is reached (Carlini 2017, f_6).
/// - dlr: margin / (z_1 - z_3) with the logits in falling order, so scaling the logits changes nothing; targeted,
///   z_t - z_y divided by z_1 - (z_3 + z_4) / 2 (Croce 2020, eq. 6 and 7; 1e-12 is added to the divisor). Needs 3
///   classes, targeted 4.
/// - kl: KL(p || softmax z), where p are the model's probabilities on the original (Zhang 2019, eq. 3): leads away from
///   the model's answer, right or wrong. Has no gradient at the original. Untargeted only.
enum class Loss { ce, margin, dlr, cw, kl };
constexpr std::array<std::string_view, 5> enum_names(Loss) { return {"ce", "margin", "dlr", "cw", "kl"}; }

/// A loss with the label and target of one sample.
struct Climb {
  Loss loss = Loss::ce;
  int label = 0;  ///< the class to get away from
  bool targeted = false;
  int target = 0;              ///< the class to reach, if targeted
  std::vector<real> original;  ///< kl: the log probabilities of the original

  Climb(Loss which, const LabelOracle& sample)
      : loss(which),
        label(sample.targeted() ? sample.label() : sample.goal()),
        targeted(sample.targeted()),
        target(sample.goal()) {}
  Climb(Loss which, int from, int to) : loss(which), label(from), targeted(true), target(to) {}

  /// Sets `original` from the logits of the original; required before kl is used.
  void depart_from(std::span<const real> logits);

  /// The loss, and its gradient with respect to the logits.
  real operator()(std::span<const real> logits, std::span<real> seed) const;

  /// The loss alone.
  real value(std::span<const real> logits) const;
};

/// Throws UsageError if the loss needs more classes than these, or is targeted and has no targeted form.
void check_classes(std::string_view attack, Loss loss, bool targeted, std::size_t classes);

/// The logit of `up` minus that of `down`; adds its gradient to `seed`.
real difference(std::span<const real> logits, int up, int down, std::span<real> seed);

/// The classes in falling order of their logits; among equals the lower index first.
std::vector<int> falling(std::span<const real> logits);

/// The class with the largest logit other than `but`; among equals the lowest index.
int largest_but(std::span<const real> logits, int but);

}  // namespace hans::attacks
