// A model of one's own that answers as another does: how a model that only gives classes is attacked by gradients.
#pragma once

#include <functional>

#include <hans/nn/fit.hpp>

namespace hans::attacks {

/// How a substitute is trained.
struct SubstituteOptions {
  unsigned rounds = 6;  ///< of training; before each but the first the images are doubled
  float lambda = 0.1F;  ///< size of the step that makes the new images, in data units
  unsigned period = 3;  ///< rounds after which the step turns round
  nn::FitOptions fit = {.epochs = 10, .optimizer = nn::Adam{}};           ///< of each round
  std::function<void(unsigned round, std::size_t images)> progress = {};  ///< before each round's training
};

/// Trains `start` to answer as `oracle` does, of which it sees classes alone (Papernot 2017, arXiv:1602.02697,
/// algorithm 1). The oracle labels the images; the substitute learns them, going on where it was; then every image
/// x adds x + lambda * sign of the gradient of the substitute's output of its class, clipped to the samples' box, minus
/// lambda in every second `period`. The labels of `samples` are not looked at. Asks the oracle once for each image,
/// size * 2^(rounds - 1) in all. Throws Error where shapes or classes of the two differ.
nn::Sequential train_substitute(const nn::Classifier& oracle, nn::Sequential start, const data::Samples& samples,
                                const SubstituteOptions& options = {});

}  // namespace hans::attacks
