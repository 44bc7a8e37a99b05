// Images held out of training: what the network makes of them after each epoch, and the best of its weights.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include <hans/nn/fit.hpp>

namespace hans::defenses {

/// Shares of the held-out images after an epoch.
struct HeldOutFigures {
  double clean = 0;                      ///< right
  std::optional<double> certified = {};  ///< certified by intervals; none without a radius or a rule for a layer
  std::optional<double> attacked = {};   ///< right under 10 steps of pgd; none without a radius
};

/// The weights that a run ends with: the last ones, or those of the epoch with the largest share of held-out images
/// that are right, certified or right under attack; the first of equal ones.
enum class Select { last, clean, certified, attacked };
constexpr std::array<std::string_view, 4> enum_names(Select) { return {"last", "clean", "certified", "attacked"}; }

struct HeldOut {
  data::Samples samples;  ///< the last of the data; nn::FitOptions::held_out keeps them out of the training
  float eps = 0;          ///< radius of the linf ball; 0: only clean accuracy
  Select select = Select::last;
  /// Called after each epoch with the figures of all epochs so far, also of those before an interruption.
  std::function<void(std::span<const HeldOutFigures> epochs)> shown = {};
};

/// Options for nn::fit() that train as `options` and look at the held-out images after each epoch: figures and best
/// weights are state of the run, so that an interrupted run resumes with them. `size`: of the whole data set. Sets
/// held_out, and the recipe says what was selected by. Throws UsageError if nothing or everything is held out, and for
/// a selection by what is not measured. Cost of an epoch: two passes of the held-out images, and 11 gradients.
nn::FitOptions watching(nn::FitOptions options, HeldOut held_out, std::size_t size);

}  // namespace hans::defenses
