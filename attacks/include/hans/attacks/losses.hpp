// What attacks that follow gradients climb: losses of one row of logits.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include <hans/attacks/oracle.hpp>

namespace hans::attacks {

/// A loss that is large where an attack has what it wants, with y the label and t the target:
/// - ce: cross entropy of y (Goodfellow 2014); targeted the negative of t's.
/// - margin: max over j != y of z_j, minus z_y; targeted z_t minus the max over j != t. > 0 where the goal is reached.
/// - cw: the smaller of margin and 0, so that nothing pulls any more once the goal is reached (Carlini 2017, f_6).
/// - dlr: margin divided by z_1 - z_3, logits in falling order, so that scaling the logits changes nothing; targeted
///   (z_t - z_y) / (z_1 - (z_3 + z_4) / 2) (Croce 2020, eq. 6 and 7; + 1e-12 below). Needs 3 classes, targeted 4.
/// - kl: KL(p || softmax z), p the model's probabilities for the original (Zhang 2019, eq. 3): whatever differs from
///   its answer there, right or wrong. Flat at the original. Has no target.
enum class Loss { ce, margin, dlr, cw, kl };
constexpr std::array<std::string_view, 5> enum_names(Loss) { return {"ce", "margin", "dlr", "cw", "kl"}; }

/// One of them, of the classes of one sample.
struct Climb {
  Loss loss = Loss::ce;
  int label = 0;  ///< to get away from
  bool targeted = false;
  int target = 0;              ///< to reach, if targeted
  std::vector<real> original;  ///< kl: the log probabilities of the original

  Climb(Loss which, const LabelOracle& sample)
      : loss(which),
        label(sample.targeted() ? sample.label() : sample.goal()),
        targeted(sample.targeted()),
        target(sample.goal()) {}
  Climb(Loss which, int from, int to) : loss(which), label(from), targeted(true), target(to) {}

  /// For kl: `logits` are the original's.
  void depart_from(std::span<const real> logits);

  /// The loss, and its gradient with respect to the logits.
  real operator()(std::span<const real> logits, std::span<real> seed) const;

  /// The loss alone.
  real value(std::span<const real> logits) const;
};

/// Throws UsageError if the loss needs more classes, or has no target where there is one.
void check_classes(std::string_view attack, Loss loss, bool targeted, std::size_t classes);

/// The logit of `up` minus that of `down`; adds its gradient to `seed`.
real difference(std::span<const real> logits, int up, int down, std::span<real> seed);

/// The classes in falling order of their logits, the lower index first among equals.
std::vector<int> falling(std::span<const real> logits);

/// The class with the largest logit but for one; the lowest index among equals.
int largest_but(std::span<const real> logits, int but);

}  // namespace hans::attacks
