// How attacks go through their samples.
#pragma once

#include <functional>
#include <optional>

#include <hans/attacks/attack.hpp>

namespace hans::attacks {

/// The part of an attack's samples that goes through the model together, and where its results go.
struct Batch {
  const nn::Classifier& model;
  const data::Samples& samples;
  std::span<const int> classes;  ///< the goal's, one per sample
  bool targeted;
  Tape& tape;      ///< nobody else's meanwhile, reused from batch to batch
  Tensor& images;  ///< starts as a copy of the originals
  std::span<Note> notes;
  Crafted& count;                                             ///< forwards and gradients are added here
  const std::function<void(std::size_t finished)>& progress;  ///< counts the batch's samples
};

/// All samples, which several threads go through, each with a Flow of its own, and what is this one's own: tape, count
/// and progress. A thread writes the images (which no other tensor shares) and notes of the samples it took.
struct Flow : Batch {
  std::size_t together;                                     ///< so many are to be in work at once
  const std::function<std::optional<std::size_t>()>& take;  ///< a sample that nobody took before; nothing: none is left
};

/// Checks samples and goal, and calls `craft` for one batch of samples after the other, as nn::for_pieces cuts them: by
/// several threads at the same time where the model allows it. What it does to a sample must not depend on the others
/// of its batch. Throws Error for a model that gives no gradient, shapes it does not take, classes that do not
/// exist or a goal of the wrong length, and what `craft` throws.
Crafted in_batches(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                   const CraftOptions& options, const std::function<void(const Batch&)>& craft);

/// The same for attacks whose samples finish at different times: `craft` keeps Flow::together of them in work, so that
/// a finished one makes room for the next, until there are none to take.
Crafted in_flow(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                const CraftOptions& options, const std::function<void(const Flow&)>& craft);

/// The range of the attack's settings, or the data's for an end that was left open. Throws UsageError for an empty
/// range.
data::Box clip_box(std::optional<float> clip_min, std::optional<float> clip_max, data::Box box);

}  // namespace hans::attacks
