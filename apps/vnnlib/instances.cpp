// Lists of verification instances, as VNN-COMP's instances.csv.
#include "instances.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <hans/core/error.hpp>

namespace hans::apps::vnnlib {
namespace {

std::string_view without_blanks(std::string_view word) {
  constexpr std::string_view blanks = " \t\r";
  const std::size_t first = word.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return word.substr(first, word.find_last_not_of(blanks) - first + 1);
}

Instance read_instance(std::string_view line, const std::filesystem::path& folder) {
  const auto plain = [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != '"' && c != '\x7f'; };
  check(std::all_of(line.begin(), line.end(), plain), in_quotes(line), " has a quote or a control character");
  const auto count = 1 + std::count(line.begin(), line.end(), ',');
  std::array<std::string_view, 3> fields;
  check(count == 3, "write model,property,seconds, not ", count, count == 1 ? " field" : " fields");
  for (std::string_view& field : fields) {
    const std::size_t comma = std::min(line.find(','), line.size());
    field = without_blanks(line.substr(0, comma));
    line.remove_prefix(std::min(comma + 1, line.size()));
  }
  check(!fields[0].empty() && !fields[1].empty(), "the name of the ", fields[0].empty() ? "model" : "property",
        " is missing");
  Instance out{folder / fields[0], folder / fields[1], 0};
  check(read_number(fields[2], out.timeout) && out.timeout > 0 && std::isfinite(out.timeout), in_quotes(fields[2]),
        " is no number of seconds above 0");
  return out;
}

}  // namespace

std::vector<Instance> read_instances(std::string_view csv, const std::filesystem::path& list) {
  std::vector<Instance> out;
  for (std::size_t number = 1; !csv.empty(); ++number) {
    const std::size_t end = std::min(csv.find('\n'), csv.size());
    const std::string_view line = without_blanks(csv.substr(0, end));
    csv.remove_prefix(std::min(end + 1, csv.size()));
    if (line.empty()) continue;
    try {
      out.push_back(read_instance(line, list.parent_path()));
    } catch (const Error& error) {
      throw Error(text(list.string(), ", line ", number, ": ", error.what()));
    }
  }
  check(!out.empty(), list.string(), ": no instances; write lines of model,property,seconds");
  return out;
}

}  // namespace hans::apps::vnnlib
