// How attacks go through their samples.
#pragma once

#include <functional>

#include <hans/attacks/attack.hpp>

namespace hans::attacks {

/// So many samples go through the model together: enough to keep the kernels busy.
constexpr std::size_t most_together = 128;

/// The part of an attack's samples that goes through the model together, and where its results go.
struct Batch {
  const nn::Classifier& model;
  const data::Samples& samples;
  std::span<const int> classes;  ///< the goal's, one per sample
  bool targeted;
  Tape& tape;      ///< the attack's, reused from batch to batch
  Tensor& images;  ///< starts as a copy of the originals
  std::span<Note> notes;
  Crafted& count;                                             ///< forwards and gradients are added here
  const std::function<void(std::size_t finished)>& progress;  ///< may be empty; counts the batch's samples
};

/// Checks samples and goal, and calls `craft` for one batch of most_together samples after the other. What it does to a
/// sample must not depend on the others of its batch. Throws Error for shapes the model does not take, classes that do
/// not exist or a goal of the wrong length.
Crafted in_batches(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                   const CraftOptions& options, const std::function<void(const Batch&)>& craft);

/// The same for attacks whose samples finish at different times: one batch of all samples, of which `craft` keeps
/// most_together in work, so that a finished one makes room for the next.
Crafted in_flow(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                const CraftOptions& options, const std::function<void(const Batch&)>& craft);

/// The range of the attack's settings, or the data's for an end that was left open. Throws UsageError for an empty
/// range.
data::Box clip_box(std::optional<float> clip_min, std::optional<float> clip_max, data::Box box);

}  // namespace hans::attacks
