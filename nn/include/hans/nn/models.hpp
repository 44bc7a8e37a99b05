// The built-in models.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <hans/nn/sequential.hpp>

namespace hans::nn {

struct ModelInfo {
  std::string_view name, meaning, architecture;

  /// Height x width x channels of an image, as text.
  std::string_view input() const { return architecture.substr(0, architecture.find(';')); }
};

/// The built-in models, each for ten classes.
std::span<const ModelInfo> list_models();

/// Whether `word` is an architecture (see Sequential::parse) rather than a name: it begins with a digit and contains a
/// ';'.
bool is_architecture(std::string_view word);

/// A model from the name of a built-in one or from an architecture, with weights initialised by `rng`. Throws
/// UsageError with all names for an unknown one, and whatever Sequential::parse throws.
Sequential make_model(std::string_view word, Rng rng);

}  // namespace hans::nn
