// What defences share, and the list of them.
#include <hans/defenses/defense.hpp>

#include <algorithm>

#include <hans/core/error.hpp>
#include <hans/defenses/adversarial.hpp>
#include <hans/defenses/trades.hpp>
#include "../core/text/detail/registry.hpp"

namespace hans::defenses {
namespace {

// One type adds a defence.
constexpr const auto& defenses = kinds_of<Defense, DefenseInfo, Adversarial, Trades>;

}  // namespace

Defense Defense::from_spec(Spec spec, std::optional<float> smoothing) {
  if (smoothing) {
    check_usage(spec.find("smoothing") == nullptr, "the smoothing of ", spec.name,
                " is given twice: in its SPEC and beside it");
    spec.items.push_back({"smoothing", text(*smoothing)});
  }
  return make_kind<Defense, DefenseInfo>("defence", defenses, spec);
}

std::string Defense::Concept::record() const {
  Spec spec = this->spec();
  const auto smoothing = std::ranges::find(spec.items, "smoothing", &Spec::Item::key);
  if (smoothing == spec.items.end()) return text(spec);
  const std::string behind = text(" smoothing=", smoothing->value);
  spec.items.erase(smoothing);
  return text(spec, behind);
}

Tensor attacked(const nn::RunStep& step, const attacks::Attack& attack, std::string_view purpose) {
  const attacks::Attack crafting = attack.in_training();
  const attacks::Goal goal = usual_goal(crafting.info(), step.batch.labels, step.net.classes());
  Stream seeds = step.rng.stream(purpose, 0, step.step);
  const std::uint64_t low = seeds.word();
  const attacks::CraftOptions options{
      .seed = low | std::uint64_t{seeds.word()} << 32U, .tape = &step.aside, .to_the_end = true};
  return crafting(step.net, step.batch, goal, options).images;
}

std::vector<DefenseInfo> list_defenses() { return list_kinds<Defense, DefenseInfo>(defenses); }

}  // namespace hans::defenses
