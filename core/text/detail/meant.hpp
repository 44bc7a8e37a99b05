// What somebody means by a word that is no name here: another spelling, another library's name, a typing error.
#pragma once

#include <concepts>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hans {

/// Which of `names` is meant by `word`, as it is to be written ("pgd:start=original"); empty where nobody knows.
std::string meant_by(std::string_view word, std::span<const std::string_view> names);

/// The same without names: only for words that are others' names for something, such as "c&w".
std::string meant_by(std::string_view word);

/// "; did you mean --data? " if meant_by knows, else "; ": what stands between an unknown word and the list of names.
/// Names are written behind `dashes`.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> names, std::string_view dashes = {});

/// The same of the names that `name_of` says of each of `all`.
template <class All, class Name>
requires(!std::convertible_to<Name, std::string_view>) std::string
    did_you_mean(std::string_view word, const All& all, Name name_of, std::string_view dashes = {}) {
  std::vector<std::string_view> names;
  for (const auto& one : all) names.push_back(std::invoke(name_of, one));
  return did_you_mean(word, names, dashes);
}

}  // namespace hans
