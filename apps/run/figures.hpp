// Formats numbers of results: counts, shares with intervals, JSON columns.
#pragma once

#include <cstdint>
#include <functional>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <hans/attacks/evaluate.hpp>
#include <hans/core/json.hpp>
#include "../../core/text/detail/table.hpp"

namespace hans::apps {

/// 10000 as "10,000".
std::string with_commas(std::uint64_t value);

/// "1 thread", "2 threads".
std::string counted(std::uint64_t count, std::string_view what);

/// In percent with two decimals, without " %": "9.31".
std::string percent_of(attacks::Share share);

/// Both ends of a robust accuracy: "certified 95.20 % <= true <= 95.60 %", with ": EXACT" where they meet.
std::string ends_words(attacks::Share certified, attacks::Share attacked);

/// The 95 % interval in percent: "8.76 to 9.90".
std::string interval_text(attacks::Share share);

/// "9.31 % (8.76 to 9.90)".
std::string share_text(attacks::Share share);

/// An eps for people: as k/255 if that is the nearest float and no decimal of up to four digits is (8/255); else as the
/// shortest decimal.
std::string eps_text(float eps);

/// `words` with a backslash before each of the characters `special`.
std::string escaped(std::string_view words, std::string_view special);

/// Sets `key` to the share and `key`_interval to its 95 % interval; returns `json`.
Json& set_accuracy(Json& json, std::string_view key, attacks::Share share);

/// 0, 1, ... count - 1, to walk several lists at once. (clang 14 cannot compile std::views.)
inline std::vector<std::size_t> places(std::size_t count) {
  std::vector<std::size_t> all(count);
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

/// The JSON array of get(one) for each of `all`.
template <class All, class Get>
Json column(const All& all, Get get) {
  Json::Array items;
  items.reserve(static_cast<std::size_t>(std::end(all) - std::begin(all)));
  for (const auto& one : all) items.emplace_back(std::invoke(get, one));
  return Json::array(std::move(items));
}

/// The value, or null.
template <class T>
Json optional_json(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

}  // namespace hans::apps
