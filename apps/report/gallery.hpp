// What attacks made of images, as pictures for people: a row for each attack, or a grid of originals and targets.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <hans/attacks/evaluate.hpp>
#include <hans/nn/classifier.hpp>
#include "sheet.hpp"

namespace hans::apps {

/// The attempt that starts from `sample` and aims at `target`, or null.
const attacks::Attempt* find_attempt(const attacks::AttackResult& result, std::size_t sample,
                                     std::optional<int> target = {});

/// For each class the first of the samples that is of it and is read correctly, else their count.
std::vector<std::size_t> first_of_each(const attacks::Evaluation& found);

/// "7 -> 9" and "98 %": label and prediction (the label alone, where they are equal), and how sure the model is.
std::vector<std::string> reading(const nn::Classifier& model, std::span<const real> image, int label);

/// Of an attack with all targets: for each class its first image that is read correctly, and what was made of it for
/// each target. Up to 20 classes. The images must have been kept.
Grid target_grid(const attacks::Evaluation& found, const attacks::AttackResult& result);

/// The picture of a run whose images were kept: with all targets the grid of each attack; else a column for each of the
/// first ten images that were attacked (where none was, of the first ten), originals on top, and for each attack what
/// it made and what it changed.
Picture gallery(const nn::Classifier& model, const attacks::Evaluation& found);

}  // namespace hans::apps
