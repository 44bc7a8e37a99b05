// Parts of one whole: whether they fit together.
#include "parts.hpp"

#include <algorithm>

#include <hans/core/error.hpp>
#include <hans/core/text.hpp>
#include <hans/core/version.hpp>
#include "../run/figures.hpp"

namespace hans::apps {
namespace {

std::string images_of(const Slice& slice) {
  return slice.count == 0 ? "none" : text(slice.first, " to ", slice.first + slice.count - 1);
}

}  // namespace

std::vector<std::size_t> in_order(std::span<const Part> parts, std::string_view wholes) {
  check_usage(!parts.empty(), "there is nothing to join");
  std::vector<std::size_t> order = places(parts.size());
  std::ranges::stable_sort(order, {}, [&](std::size_t k) { return parts[k].slice.first; });
  const Part& front = parts[order[0]];
  const std::string& version = front.question.at("hans").string();
  check(version == build_version(), front.name, " was made by hans ", version, ", this is ", build_version(),
        "; join parts with the version that made them");
  const auto missing = [](std::size_t first, std::size_t end) {
    return text("images ", first, " to ", end - 1, " are missing");
  };
  check(front.slice.first == 0, missing(0, front.slice.first), ": there is nothing in front of ", front.name);
  std::size_t end = front.slice.count;
  for (std::size_t k = 1; k < order.size(); ++k) {
    const Part &before = parts[order[k - 1]], &next = parts[order[k]];
    for (const auto& [key, value] : front.question.members()) {
      const Json& other = next.question.at(key);
      check(value.dump() == other.dump(), front.name, " and ", next.name, " are parts of different ", wholes, ": ", key,
            " is ", value.dump(), " and ", other.dump());
    }
    check(next.slice.first <= end, missing(end, next.slice.first), " between ", before.name, " and ", next.name);
    check(next.slice.first >= end, before.name, " (images ", images_of(before.slice), ") and ", next.name, " (images ",
          images_of(next.slice), ") overlap");
    end += next.slice.count;
  }
  check(end == front.slice.whole, missing(end, front.slice.whole), ": there is nothing behind ",
        parts[order.back()].name);
  return order;
}

std::string part_text(const Slice& slice) {
  return text("This is a part: images ", images_of(slice), " of the first ", with_commas(slice.whole),
              "; hans merge joins all parts.");
}

}  // namespace hans::apps
