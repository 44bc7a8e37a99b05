// What defences share: their record, and attacks on a batch.
#include <hans/defenses/defense.hpp>

#include <algorithm>

namespace hans::defenses {

std::string Defense::Concept::record() const {
  Spec spec = this->spec();
  const auto smoothing = std::ranges::find(spec.items, "smoothing", &Spec::Item::key);
  if (smoothing == spec.items.end()) return text(spec);
  const std::string behind = text(" smoothing=", smoothing->value);
  spec.items.erase(smoothing);
  return text(spec, behind);
}

void read_value(std::string_view word, Defense& out) { out = Defense::from_spec(Spec::parse(word)); }
void append_value(std::string& out, const Defense& value) { append(out, value.spec()); }
std::string value_help(const Defense&) { return "[defence]"; }

Tensor attacked(const nn::RunStep& step, const attacks::Attack& attack, std::string_view purpose) {
  const attacks::Attack crafting = attack.in_training();
  const attacks::Goal goal = usual_goal(crafting.info(), step.batch.labels, step.net.classes());
  Stream seeds = step.rng.stream(purpose, 0, step.step);
  const std::uint64_t low = seeds.word();
  const attacks::CraftOptions options{
      .seed = low | std::uint64_t{seeds.word()} << 32U, .tape = &step.aside, .to_the_end = true};
  return crafting(step.net, step.batch, goal, options).images;
}

}  // namespace hans::defenses
