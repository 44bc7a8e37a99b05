// Substitute models: gradients for attacks on a model that only gives classes.
#pragma once

#include <functional>

#include <hans/nn/fit.hpp>

namespace hans::attacks {

/// How a substitute is trained.
struct SubstituteOptions {
  unsigned rounds = 6;  ///< of training; the images are doubled before each but the first
  float lambda = 0.1F;  ///< step from an image to the new one, in data units
  unsigned period = 3;  ///< the step changes sign after so many rounds
  nn::FitOptions fit = {.epochs = 10, .optimizer = nn::Adam{}};           ///< in each round
  std::function<void(unsigned round, std::size_t images)> progress = {};  ///< called before each round
};

/// Trains `start` to predict what `oracle` predicts, seeing only its classes (Papernot 2017, arXiv:1602.02697,
/// algorithm 1). In each round the oracle labels the new images and the substitute continues training on all; then
/// every image x adds a new one, x + lambda * sign(gradient of the substitute's output for the class of x), clipped to
/// the samples' box, with -lambda in every second `period`. The labels of `samples` are ignored. Asks the oracle once
/// for each image, size * 2^(rounds - 1) in all. Throws Error if the two differ in image shape or number of classes.
nn::Sequential train_substitute(const nn::Classifier& oracle, nn::Sequential start, const data::Samples& samples,
                                const SubstituteOptions& options = {});

}  // namespace hans::attacks
