// Goals, and attacks as parameter values.
#include <hans/attacks/attack.hpp>

#include <algorithm>

#include <hans/core/error.hpp>

namespace hans {
namespace attacks {
void read_value(std::string_view word, Attack& out) { out = Attack::from_spec(Spec::parse(word)); }
void append_value(std::string& out, const Attack& value) { append(out, value.spec()); }
std::string value_help(const Attack&) { return "[attack]"; }

namespace {
std::string side_by_side(const std::vector<Attack>& all, Spec (Attack::*spec)() const) {
  std::string out;
  for (const Attack& one : all) append(out, text(out.empty() ? "" : "]/[", (one.*spec)()));
  return out;
}
}  // namespace

void read_value(std::string_view word, Attacks& out) {
  out.all.clear();
  std::size_t start = 0;
  int depth = 0;
  for (std::size_t at = 0; at <= word.size(); ++at) {
    const bool end = at == word.size();
    if (!end) depth += word[at] == '[' ? 1 : word[at] == ']' ? -1 : 0;
    if (!end && depth >= 0) continue;
    out.all.push_back(Attack::from_spec(Spec::parse(word.substr(start, at - start))));
    start = at + 3;  // behind ]/[
    at += 2;
    depth = 0;
  }
}
void append_value(std::string& out, const Attacks& value) { append(out, side_by_side(value.all, &Attack::spec)); }
std::string value_help(const Attacks&) { return "[attack]/[attack]..."; }

Spec Attack::pinned() const {
  Spec spec = this->spec();
  spec.version = info().specification;
  for (Spec::Item& item : spec.items) {
    if (!item.nested) continue;
    Attacks parts;
    read_value(item.value, parts);
    item.value = side_by_side(parts.all, &Attack::pinned);
  }
  return spec;
}

void AttackInfo::follow(const std::vector<Attack>& parts) {
  knowledge = Knowledge::labels;
  for (const Attack& part : parts) {
    const AttackInfo info = part.info();
    knowledge = std::max(knowledge, info.knowledge);
    targets_by_default = targets_by_default || info.targets_by_default;
    takes_targets = takes_targets && info.takes_targets;
    for_random_models = for_random_models || info.for_random_models;
  }
}

namespace detail {

void check_targets(std::string_view attack, bool taken, bool needed, const Goal& goal) {
  check_usage(taken || !goal.targeted, attack, " takes no targets");
  check_usage(!needed || goal.targeted, attack, " needs a target: changing features towards a class is what it does");
}

void check_crafted(std::string_view attack, const Crafted& crafted, const data::Samples& samples) {
  check(crafted.images.shape() == samples.images.shape() && crafted.notes.size() == samples.size(), attack,
        " gave images of shape ", crafted.images.shape(), " and ", crafted.notes.size(), " notes for images of shape ",
        samples.images.shape(), "; it must give an image and a note for each");
}

}  // namespace detail

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
