// Distance and margin weighed against each other: what the attacks of Carlini and Wagner and the elastic net share.
#pragma once

#include <algorithm>
#include <limits>

#include <hans/attacks/losses.hpp>
#include <hans/attacks/steps.hpp>

namespace hans::attacks {

/// The margin, whose gradient is 0 from kappa on.
struct HingedMargin {
  Climb margin;
  real kappa;
  real operator()(std::span<const real> logits, std::span<real> seed) const {
    const real found = margin(logits, seed);
    if (found >= kappa) std::ranges::fill(seed, real{0});
    return found;
  }
};

/// Whether a run is worth going on with: asked every tenth of its steps, no if neither the objective nor what is
/// missing of the margin has fallen by 0.01 % since.
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

/// `run(c)`, a Task<bool> that says whether the goal was reached, for `searches` weights c of the margin: times 10
/// while none reached it, then halving the rest. Then refine_kept().
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
  const Task<Stop> back = refine_kept(sample, refine);
  co_return co_await back;
}

}  // namespace hans::attacks
