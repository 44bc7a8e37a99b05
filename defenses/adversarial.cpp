// Adversarial training, and the list of defences.
#include <hans/defenses/adversarial.hpp>

#include <hans/core/error.hpp>
#include "../core/text/detail/registry.hpp"

namespace hans::defenses {

nn::Loss Adversarial::loss(float smoothing) const {
  check_fields(*this);
  check_usage(attack.value().present(), "adversarial training needs an attack");
  check_usage(smoothing >= 0 && smoothing < 1, "label smoothing must be in [0, 1), not ", smoothing);
  // The record shows the attack with everything that training resolves.
  const attacks::Attack crafting = attack.value().in_training();
  const Adversarial shown{crafting, clean_weight};
  return {text(to_spec(shown), " smoothing=", smoothing),
          [crafting, weight = static_cast<real>(clean_weight), smoothing](const nn::TrainStep& step) {
            // The images come first, from the weights as they stand, in evaluation mode.
            const attacks::Goal goal = usual_goal(crafting.info(), step.batch.labels, step.net.classes());
            // Whatever the attack draws, it draws anew in each step, and it does all of its own steps.
            Stream seeds = step.rng.stream("adversarial", 0, step.step);
            const std::uint64_t low = seeds.word();
            const attacks::CraftOptions options{
                .seed = low | std::uint64_t{seeds.word()} << 32U, .tape = &step.aside, .to_the_end = true};
            const Tensor attacked = crafting(step.net, step.batch, goal, options).images;
            const auto smooth = static_cast<real>(smoothing);
            const Var clean = cross_entropy(step.logits(step.batch.images), step.batch.labels, smooth);
            const Var adversarial = cross_entropy(step.logits(attacked), step.batch.labels, smooth);
            return clean * weight + adversarial * (1 - weight);
          }};
}

nn::Loss adversarial_training(attacks::Attack attack, AdversarialOptions options) {
  return Adversarial{std::move(attack), options.clean_weight}.loss(options.smoothing);
}

namespace {

// One type adds a defence.
constexpr const auto& defenses = kinds_of<Adversarial, DefenseInfo, Adversarial>;

}  // namespace

nn::Loss from_spec(const Spec& spec, float smoothing) {
  return make_kind<Adversarial, DefenseInfo>("defence", defenses, spec).loss(smoothing);
}

std::vector<DefenseInfo> list_defenses() { return list_kinds<Adversarial, DefenseInfo>(defenses); }

}  // namespace hans::defenses
