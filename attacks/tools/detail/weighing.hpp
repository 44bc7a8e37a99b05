// What attacks share that weigh distance against margin: the search for the weight, and when a run may end early.
#pragma once

#include <algorithm>
#include <limits>

#include <hans/attacks/losses.hpp>
#include <hans/attacks/steps.hpp>

namespace hans::attacks {

/// The margin, with a gradient of 0 from kappa upwards.
struct HingedMargin {
  Climb margin;
  real kappa;
  real operator()(std::span<const real> logits, std::span<real> seed) const {
    const real found = margin(logits, seed);
    if (found >= kappa) std::ranges::fill(seed, real{0});
    return found;
  }
};

/// Ends runs that no longer improve. Every tenth of the steps a run counts as stalled if neither the objective nor the
/// missing margin has fallen by 0.01 % since the last check.
class Stalling {
 public:
  Stalling(bool watched, unsigned steps) : watched_(watched), tenth_(steps / 10 + (steps % 10 != 0 ? 1 : 0)) {}

  bool stalled(unsigned step, double objective, double missing) {
    if (!watched_ || step % tenth_ != 0) return false;
    if (objective > 0.9999 * objective_ && missing > 0.9999 * missing_) return true;
    objective_ = objective;
    missing_ = missing;
    return false;
  }

 private:
  bool watched_;
  unsigned tenth_;
  double objective_ = std::numeric_limits<double>::infinity();
  double missing_ = std::numeric_limits<double>::infinity();
};

/// Binary search for the smallest weight c that reaches the goal: calls `run(c)`, a Task<bool> that returns whether it
/// did, `searches` times, with c times 10 until a run succeeds and halving the interval from then on. Then
/// refine_best().
template <class Run>
Task<Stop> search_weight(const LabelOracle& sample, unsigned searches, real c, unsigned refine, const Run run) {
  real low = 0;
  real high = std::numeric_limits<real>::infinity();
  for (unsigned k = 0; k < searches; ++k) {
    const Task<bool> one = run(c);
    const bool reached = co_await one;
    (reached ? high : low) = c;
    c = high == std::numeric_limits<real>::infinity() ? c * 10 : (low + high) / 2;
  }
  const Task<Stop> back = refine_best(sample, refine);
  co_return co_await back;
}

}  // namespace hans::attacks
