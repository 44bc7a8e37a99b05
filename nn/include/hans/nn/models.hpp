// The built-in models.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <hans/nn/sequential.hpp>

namespace hans::nn {

struct ModelInfo {
  std::string_view name, meaning, architecture;

  /// Height x width x channels of an image, as text: the architecture begins with it.
  std::string_view input() const { return architecture.substr(0, architecture.find(';')); }
};

/// The built-in models, each for ten classes.
std::span<const ModelInfo> list_models();

/// Whether `word` is an architecture (see Sequential::parse), not a name: it begins with a digit and holds a ';'.
bool is_architecture(std::string_view word);

/// The model that `word` means, the name of a built-in one or an architecture, with weights started from `rng`. Throws
/// UsageError listing all names, or what Sequential::parse throws.
Sequential make_model(std::string_view word, Rng rng);

}  // namespace hans::nn
