// Goals, and the registry of attacks.
#include <hans/attacks/attack.hpp>

#include <hans/attacks/fgsm.hpp>
#include <hans/attacks/jsma.hpp>
#include <hans/core/error.hpp>

namespace hans {
namespace attacks {
namespace {

template <class... As>
struct Registry {
  static std::vector<AttackInfo> list() { return {describe_attack<As>()...}; }
  static Attack find(const Spec& spec) {
    Attack found;
    (void)(take<As>(spec, found) || ...);
    return found;
  }

 private:
  template <class A>
  static bool take(const Spec& spec, Attack& found) {
    std::string_view version;
    if constexpr (requires { A::version; }) version = A::version;
    if (spec.name != A::name || spec.version != version) return false;
    found = from_spec<A>(spec);
    return true;
  }
};

// One line adds an attack.
using All = Registry<Fgsm, FgsmCleverhans100, Jsma, JsmaCleverhans100>;

}  // namespace

Attack Attack::from_spec(const Spec& spec) {
  Attack found = All::find(spec);
  if (!found.present()) {
    std::string names;
    for (const AttackInfo& info : All::list()) {
      append(names, text(names.empty() ? "" : ", ", info.name, info.version.empty() ? "" : "@", info.version));
    }
    throw UsageError(
        text("there is no attack '", spec.name, spec.version.empty() ? "" : "@", spec.version, "'; there are ", names));
  }
  return found;
}

std::vector<AttackInfo> list_attacks() { return All::list(); }

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
