// The .npz file of adversarial images that `hans attack --out` writes and `hans transfer` and `hans check` read.
#pragma once

#include <string>
#include <vector>

#include "../run/run.hpp"

namespace hans::apps {

/// The bytes of the file: one row for each attempt, attack after attack, in the arrays `images`, `originals` (float32),
/// `labels`, `targets` (-1: none), `index` in the data set, `attack` (its number from 0; int64) and `success` (uint8);
/// and as text `spec` (the canonical SPECs, separated by spaces) and `model_sha256`. The run must have kept its images.
std::string crafted_file(const Run& run);

/// The contents of such a file, one row for each attempt.
struct CraftedSet {
  data::Samples originals;
  Tensor images;
  std::vector<int> targets;         ///< -1: none
  std::vector<std::size_t> attack;  ///< index into `attacks`
  std::vector<bool> success;        ///< on the model attacked; empty: not in the file
  std::vector<attacks::Attack> attacks;
  std::string model_sha256;  ///< of the model attacked; empty: not in the file

  /// The images of these rows.
  Tensor images_at(std::span<const std::size_t> rows) const {
    data::Samples crafted = originals;
    crafted.images = images;
    return crafted.select(rows).images;
  }
};

/// Reads such a file for a model. `images`, `originals` (float32) and `labels` are required; `data` can supply the last
/// two, by `index`. Files of other tools may lack the rest: then row k is about sample k, and all rows belong to one
/// attack without name and ball. Their images may also be channels x height x width and, with one channel, lack that
/// extent or be flat. Throws Error that says what is missing or does not fit.
CraftedSet read_crafted(const std::string& path, const nn::Classifier& model, const data::Dataset* data = nullptr);

}  // namespace hans::apps
