// What differs between two manifests.
#include <algorithm>
#include <map>

#include "publication.hpp"

namespace hans::apps {
namespace {

/// The first of a hash, by which people tell it from others.
std::string short_hash(std::string_view name, std::string_view hash) {
  return text(name, ", sha256 ", hash.substr(0, 12));
}

/// "pgd", and from the second of the same name on "pgd (2)": by it the attacks of two manifests are held together.
std::vector<std::string> numbered_names(const std::vector<attacks::Attack>& all) {
  std::map<std::string, int> counts;
  std::vector<std::string> names;
  for (const attacks::Attack& attack : all) {
    const std::string name(attack.info().name);
    const int count = ++counts[name];
    names.push_back(count > 1 ? text(name, " (", count, ")") : name);
  }
  return names;
}

/// Each image that withstands all attacks, or does not, by its place in the data.
std::map<std::uint32_t, bool> standing(const attacks::Evaluation& found) {
  std::map<std::uint32_t, bool> all;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const bool right = found.predictions[i] == found.samples.labels[i];
    all[found.samples.index[i]] =
        right && std::ranges::all_of(found.attacks, [i](const auto& result) { return result.robust[i]; });
  }
  return all;
}

}  // namespace

Changes changes(const Publication& one, const Publication& other) {
  Changes found{{{"what", one.file, other.file}}, {}};
  const Plan &left = one.run().plan, &right = other.run().plan;
  const auto add = [&](std::string_view what, const std::string& a, const std::string& b) {
    found.rows.push_back({std::string(what), a, b});
  };
  const auto compare = [&](std::string_view what, const auto& get) {
    const std::string a = get(left), b = get(right);
    if (a != b) return add(what, a, b);
    if (!a.empty()) found.same.emplace_back(what);
  };
  compare("model", [](const Plan& plan) { return short_hash(plan.subject.model, plan.subject.model_sha256); });
  compare("architecture", [](const Plan& plan) { return plan.subject.architecture; });
  compare("preprocessing", [](const Plan& plan) { return plan.subject.preprocessing; });
  compare("data", [](const Plan& plan) { return short_hash(plan.subject.data, plan.subject.data_sha256); });
  compare("images", [](const Plan& plan) { return with_commas(plan.slice.whole); });
  compare("threat model", [](const Plan& plan) { return threat_text(threat_model(plan)); });
  compare("radii", [](const Plan& plan) { return listed(plan.radii, eps_text); });
  compare("seed", [](const Plan& plan) { return text(plan.subject.seed); });
  compare("version of hans", [](const Plan& plan) { return plan.version; });

  const std::vector<std::string> names = numbered_names(left.attacks), others = numbered_names(right.attacks);
  const auto accuracy = [](const Publication& of, std::size_t k) {
    const attacks::Evaluation& all = of.run().found;
    return text(share_text(all.of_all(all.attacks[k].robust_count)), of.run().plan.radii.empty() ? " " : "",
                of.run().plan.radii.empty() ? of.verdict(k, 0) : "");
  };
  TextTable accuracies;
  for (std::size_t k = 0; k < names.size(); ++k) {
    const auto at = static_cast<std::size_t>(std::ranges::find(others, names[k]) - others.begin());
    if (at == others.size()) {
      add(names[k], text(as_written(left.attacks[k], left.subject.box, true)), "-");
      accuracies.push_back({text("accuracy under ", names[k]), accuracy(one, k), "-"});
      continue;
    }
    const Spec a = left.attacks[k].pinned(), b = right.attacks[at].pinned();
    std::vector<std::string> keys{"@"};  // the version
    for (const Spec* spec : {&a, &b}) {
      for (const Spec::Item& item : spec->items) {
        if (std::ranges::find(keys, item.key) == keys.end()) keys.push_back(item.key);
      }
    }
    const std::size_t before = found.rows.size();
    for (const std::string& key : keys) {
      const auto value = [&key](const Spec& spec) {
        const Spec::Item* item = spec.find(key);
        return key == "@" ? spec.version : item != nullptr ? item->value : std::string("-");
      };
      if (value(a) != value(b)) add(text(names[k], " ", key), value(a), value(b));
    }
    if (found.rows.size() == before) found.same.push_back(names[k]);
    accuracies.push_back({text("accuracy under ", names[k]), accuracy(one, k), accuracy(other, at)});
  }
  for (std::size_t k = 0; k < others.size(); ++k) {
    if (std::ranges::find(names, others[k]) != names.end()) continue;
    add(others[k], "-", text(as_written(right.attacks[k], right.subject.box, true)));
    accuracies.push_back({text("accuracy under ", others[k]), "-", accuracy(other, k)});
  }

  const attacks::Evaluation &here = one.run().found, &there = other.run().found;
  add("clean accuracy", share_text(here.of_all(here.right)), share_text(there.of_all(there.right)));
  found.rows.insert(found.rows.end(), accuracies.begin(), accuracies.end());
  add("robust accuracy", text(share_text(here.of_all(here.robust)), " ", one.verdict()),
      text(share_text(there.of_all(there.robust)), " ", other.verdict()));
  const auto certified = [](const Publication& of, std::string_view words) {
    for (const CertifiedBall& ball : of.run().certified) {
      if (ball.words() == words) return share_text(ball.counts().certified());
    }
    return std::string("-");
  };
  std::vector<std::string> balls;
  for (const Publication* of : {&one, &other}) {
    for (const CertifiedBall& ball : of->run().certified) {
      if (std::ranges::find(balls, ball.words()) == balls.end()) balls.push_back(ball.words());
    }
  }
  for (const std::string& ball : balls) {
    add(text("certified within ", ball), certified(one, ball), certified(other, ball));
  }
  if (left.subject.data_sha256 != right.subject.data_sha256) return found;
  std::size_t both = 0, only_here = 0, only_there = 0;
  const std::map<std::uint32_t, bool> stand = standing(there);
  for (const auto& [index, stands] : standing(here)) {
    const auto same = stand.find(index);
    if (same == stand.end()) continue;
    ++both;
    only_here += !stands && same->second ? 1U : 0U;
    only_there += stands && !same->second ? 1U : 0U;
  }
  add("images that fell only here", text(only_here, " of ", both), text(only_there, " of ", both));
  return found;
}

std::string Changes::notes() const {
  return text(same.empty() ? "" : text("The same in both: ", listed(same, std::identity()), ". "),
              "An image fell if the model misreads it, as it is or under an attack.");
}

}  // namespace hans::apps
