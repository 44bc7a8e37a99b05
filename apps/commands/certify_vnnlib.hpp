// hans certify --vnnlib: decides VNN-LIB properties.
#pragma once

#include "../commands.hpp"
#include "../inputs.hpp"

namespace hans::apps {

/// What is asked for.
struct VnnlibRequest {
  std::string vnnlib;                ///< a property, or a list of instances: .csv
  std::optional<std::string> model;  ///< of the property; the list names its own
  std::optional<PreprocessChoice> preprocess;
  std::uint64_t nodes;
  std::optional<double> timeout;
  std::optional<std::string> out;  ///< the result file of a property
};

/// Decides the property, or each of the list, prints the answers and returns the exit code. An instance of the list
/// that fails does not end the run, only makes the exit code 1.
int certify_vnnlib(const Common& common, const VnnlibRequest& request);

}  // namespace hans::apps
