// Runs attacks: many samples at a time, each on its own.
#pragma once

#include <functional>

#include <hans/attacks/oracle.hpp>

namespace hans::attacks {

/// Puts all samples through the coroutines that `begin` makes, and gives back
/// - within a finite budget the first image that reaches the goal, and asks nothing after it;
/// - without a limit, of all images that reach the goal the one nearest to the original in the budget's norm;
/// - otherwise, and with CraftOptions::to_the_end, the image the attack has in the end.
/// As many at a time as go through the model together, on
/// several threads where the model allows it. A sample that is finished makes room for the next, so what is done to one
/// never depends on others. Throws Error for shapes the model does not take, classes that do not exist, a goal of the
/// wrong length, logits or gradients that are not numbers, a model without gradient for an attack that needs one, and
/// what the coroutines throw.
Crafted drive(const nn::Classifier& model, const data::Samples& samples, const Goal& goal, const CraftOptions& options,
              const Budget& budget, Knowledge knowledge, const std::function<Task<Stop>(GradientOracle&)>& begin);

/// Throws what drive() throws for arguments that do not fit together.
void check_call(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                const CraftOptions& options, Knowledge knowledge);

/// What Attack calls for attacks that have `Task<Stop> search(Oracle&) const`.
template <class A>
Crafted craft_alone(const A& attack, const Budget& budget, const nn::Classifier& model, const data::Samples& samples,
                    const Goal& goal, CraftOptions options) {
  if constexpr (requires { A::to_the_end; }) options.to_the_end = A::to_the_end;
  return drive(model, samples, goal, options, budget, knowledge_of<A>,
               [&](GradientOracle& sample) { return attack.search(sample); });
}

}  // namespace hans::attacks
