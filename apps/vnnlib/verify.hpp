// Decides properties of networks.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <hans/nn/model_file.hpp>
#include "answer.hpp"
#include "property.hpp"

namespace hans::apps::vnnlib {

/// The answer to a property of a network.
struct Verdict {
  Answer answer = Answer::unsat;
  std::optional<defenses::Doubt> doubt = {};     ///< why it is unknown or a timeout
  std::uint64_t nodes = 0;                       ///< of branch and bound
  std::size_t cases = 0, empty = 0;              ///< boxes looked at; those whose bounds contradict each other
  std::vector<float> inputs = {}, outputs = {};  ///< of a counterexample
  std::string counterexample = {};               ///< its text

  std::string result() const { return result_text(answer, counterexample); }
};

/// Reads the property in a file, which may be gzipped. Throws Error for anything else.
Property load_property(const std::filesystem::path& path);

/// Decides the cases in turn. X_0, X_1, ... are the model's input in the order of its ONNX graph: channels first,
/// unless its preprocessing says nhwc. Nodes and seconds are for all cases together. Throws what defenses::refute
/// throws, and Error for a property of other numbers of inputs or outputs.
Verdict verify(const nn::Model& model, const Property& property, const defenses::RefuteOptions& options);

}  // namespace hans::apps::vnnlib
