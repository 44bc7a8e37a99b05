// Manifests that were edited and whose hashes were made to fit again.
#pragma once

#include <array>
#include <functional>
#include <hans/core/hash.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include "../../apps/manifest/manifest.hpp"

namespace hans::manifests {

/// `json` with other members or items.
inline Json with_member(const Json& json, std::size_t place, Json value) {
  Json::Object members = json.members();
  members[place].second = std::move(value);
  return Json::object(std::move(members));
}
inline Json with_item(const Json& json, std::size_t place, Json value) {
  Json::Array items = json.items();
  items[place] = std::move(value);
  return Json::array(std::move(items));
}

/// The manifest with this result and judgement, and all its hashes as they must be.
inline Json with_hashes(const Json& manifest, const Json& result, Json judgement) {
  Json all = Json::object({{"manifest", manifest.at("manifest")}, {"name", sha256(result.dump())}, {"result", result}});
  if (judgement.is_object()) {
    Json::Object members;
    for (const auto& member : judgement.members()) {
      if (member.first != "sha256") members.push_back(member);
    }
    judgement = Json::object(std::move(members));
    const std::string hash = sha256(judgement.dump());
    judgement.set("sha256", hash);
  }
  if (!judgement.is_null()) all.set("judgement", judgement);
  all.set("run", manifest.at("run"));
  const std::string hash = sha256(all.dump());
  return all.set("sha256", hash);
}

using Use = std::function<void(const std::string& where, const Json& edited)>;

/// Another word of the same list: what a liar would write.
inline std::string other_word(const std::string& word) {
  static const std::vector<std::vector<std::string>> lists{
      {"RELIABLE", "UNCHECKED", "SUSPECT", "UNRELIABLE"},
      {"success", "unchanged_prediction", "outside_ball", "not_a_number", "other_class", "outside_box"},
      {"finished", "misclassified", "zero_gradient"},
      {"linf", "l2", "l1", "l0"},
      {"labels", "gradients", "scores"},
      {"untargeted", "targets next"},
      {"certified", "attacked", "unknown", "wrong"},
      {"attack", "ibp", "crown", "alpha", "branching", "complete", "zonotope", "joint"}};
  for (const std::vector<std::string>& list : lists) {
    for (std::size_t k = 0; k < list.size(); ++k) {
      if (list[k] == word) return list[(k + 1) % list.size()];
    }
  }
  std::string other = word;
  const std::size_t digit = other.find_last_of("0123456789");
  if (digit != std::string::npos) other[digit] = other[digit] == '9' ? '8' : static_cast<char>(other[digit] + 1);
  return digit == std::string::npos ? word + "x" : other;
}

/// Every edit of a value: of each leaf, of each key, and of the first and last item of each array.
inline void for_each_edit(const Json& json, const std::string& where, const Use& use) {
  const std::string before = json.dump();
  const auto edit = [&](std::string_view what, const Json& edited) {
    if (edited.dump() != before) use(text(where, ": ", what), edited);
  };
  if (json.is_object()) {
    const Json::Object& members = json.members();
    for (std::size_t k = 0; k < members.size(); ++k) {
      Json::Object fewer = members;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(k));
      edit(text("without ", members[k].first), Json::object(std::move(fewer)));
      for_each_edit(members[k].second, text(where, ".", members[k].first),
                    [&](const std::string& inside, const Json& value) { use(inside, with_member(json, k, value)); });
    }
    edit("another key", Json(json).set("another", 0));
  } else if (json.is_array()) {
    const Json::Array& items = json.items();
    Json::Array more = items;
    more.push_back(items.empty() ? Json(0) : items.back());
    edit("one more", Json::array(std::move(more)));
    if (items.empty()) return;
    edit("one less", Json::array(Json::Array(items.begin(), items.end() - 1)));
    Json::Array turned(items.rbegin(), items.rend());
    edit("turned around", Json::array(std::move(turned)));
    for (std::size_t k = 0; k < items.size(); ++k) {
      if (k != 0 && k != items.size() - 1) continue;
      for_each_edit(items[k], text(where, "[", k, "]"),
                    [&](const std::string& inside, const Json& value) { use(inside, with_item(json, k, value)); });
    }
  } else if (json.is_bool()) {
    edit("turned", !json.boolean());
    edit("a number", json.boolean() ? 1 : 0);
  } else if (json.is_string()) {
    edit("another word", other_word(json.string()));
    edit("longer", json.string() + "0");
    edit("a number", 1);
  } else if (json.is_integer()) {
    edit("one more", json.integer() + 1);
    edit("negative", -1 - json.integer());
    edit("a word", "1");
  } else {
    edit("another number", json.is_null() ? 0.5 : json.number() * 1.25);
    edit("null or zero", json.is_null() ? Json(0) : Json());
  }
}

}  // namespace hans::manifests
