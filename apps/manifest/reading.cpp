// What the readers of JSON files share.
#include "reading.hpp"

#include <algorithm>

#include <hans/core/error.hpp>
#include <hans/core/version.hpp>

namespace hans::apps {

std::string dump_without(const Json& json, std::span<const std::string_view> names) {
  std::string out = "{";
  for (const auto& [key, value] : json.members()) {
    if (std::ranges::find(names, key) != names.end()) continue;
    append(out, text(out.size() > 1 ? "," : "", Json(key).dump(), ":"));
    out += value.dump();
  }
  return out + "}";
}

void check_follows(const Json& made, std::string_view said, std::string_view what, std::string_view made_by) {
  const Json::Object& members = made.members();
  said.remove_prefix(1);
  for (std::size_t k = 0; k < members.size(); ++k) {
    const auto& [key, value] = members[k];
    const std::string member = text(Json(key).dump(), ":", value.dump(), k + 1 == members.size() ? "}" : ",");
    check(said.starts_with(member), what, " does not follow from its outcomes: see ", key,
          made_by == build_version() ? "" : text("; hans ", made_by, " made it"));
    said.remove_prefix(member.size());
  }
}

}  // namespace hans::apps
