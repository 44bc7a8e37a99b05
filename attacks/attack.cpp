// Goals, and attacks as values of parameters.
#include <hans/attacks/attack.hpp>

namespace hans {
namespace attacks {
void read_value(std::string_view word, Attack& out) { out = Attack::from_spec(Spec::parse(word)); }
void append_value(std::string& out, const Attack& value) { append(out, value.spec()); }
std::string value_help(const Attack&) { return "[attack]"; }

Goal Goal::select(std::span<const std::size_t> which) const {
  Goal part{targeted, {}};
  for (const std::size_t sample : which) part.classes.push_back(of(sample));
  return part;
}

Goal usual_goal(const AttackInfo& info, std::span<const int> labels, std::size_t classes) {
  Goal goal{info.targets_by_default, {labels.begin(), labels.end()}};
  if (goal.targeted) {
    const int last = static_cast<int>(classes) - 1;
    for (int& target : goal.classes) target = target < last ? target + 1 : 0;
  }
  return goal;
}

}  // namespace attacks

attacks::Goal away_from(std::vector<int> labels) { return {false, std::move(labels)}; }
attacks::Goal towards(int target) { return {true, {target}}; }
attacks::Goal towards(std::vector<int> targets) { return {true, std::move(targets)}; }

}  // namespace hans
