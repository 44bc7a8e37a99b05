// Lists of verification instances, as VNN-COMP's instances.csv.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace hans::apps::vnnlib {

/// A model, a property of it, and the seconds an answer may take.
struct Instance {
  std::filesystem::path model, property;
  double timeout = 0;
};

/// Reads lines of model,property,seconds from `csv`, the content of the file `list`; relative paths are in its folder.
/// Blank lines are skipped. Throws Error with the line of anything else, or if there are no instances.
std::vector<Instance> read_instances(std::string_view csv, const std::filesystem::path& list);

}  // namespace hans::apps::vnnlib
