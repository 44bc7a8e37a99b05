// The built-in models.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <hans/nn/sequential.hpp>

namespace hans::nn {

struct ModelInfo {
  std::string_view name, meaning, architecture;
};

/// The built-in models, each an architecture for 28x28x1 images and ten classes.
std::span<const ModelInfo> list_models();

/// The built-in model called `name`, with weights started from `rng`. Throws UsageError listing all names.
Sequential make_model(std::string_view name, Rng rng);

}  // namespace hans::nn
