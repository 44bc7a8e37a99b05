// Runs an attack on many samples at once, each independent of the others.
#pragma once

#include <functional>

#include <hans/attacks/oracle.hpp>

namespace hans::attacks {

/// Runs the coroutine that `begin` makes on each sample. The image of a sample is
/// - in a finite budget: the first that reaches the goal; the search ends there;
/// - without a limit: of all that reach the goal, the nearest to the original in the budget's norm;
/// - if none reached the goal, and with CraftOptions::to_the_end: the attack's last.
/// As many samples are in work as fit in one batch of the model, on several threads if the model allows it. A finished
/// sample makes room for the next, so the result of a sample never depends on others. Throws Error for shapes that do
/// not fit the model, classes that do not exist, a goal of the wrong length, NaN in logits or gradients, a model
/// without gradient if the attack needs one; and whatever the coroutines throw.
Crafted drive(const nn::Classifier& model, const data::Samples& samples, const Goal& goal, const CraftOptions& options,
              const Budget& budget, Knowledge knowledge, const std::function<Task<Stop>(GradientOracle&)>& begin);

/// Throws what drive() throws for arguments that do not fit together, without running anything.
void check_call(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                const CraftOptions& options, Knowledge knowledge);

/// How Attack runs an attack that has `Task<Stop> search(Oracle&) const`.
template <class A>
Crafted craft_alone(const A& attack, const Budget& budget, const nn::Classifier& model, const data::Samples& samples,
                    const Goal& goal, CraftOptions options) {
  if constexpr (requires { A::to_the_end; }) options.to_the_end = A::to_the_end;
  return drive(model, samples, goal, options, budget, knowledge_of<A>,
               [&](GradientOracle& sample) { return attack.search(sample); });
}

}  // namespace hans::attacks
