// The .npz file of adversarial images that `hans attack --out` writes and `hans transfer` and `hans check` read.
#pragma once

#include <string>
#include <vector>

#include "../run/run.hpp"

namespace hans::apps {

/// The bytes of the file, one row for each attempt, attack after attack: `images`, `originals` (float32), `labels`,
/// `targets` (-1: none), `index` in the data set, `attack` (which one, from 0; int64), `success` (uint8); `spec` (the
/// canonical SPECs, a space between two) and `model_sha256` as text. The images must have been kept.
std::string crafted_file(const Run& run);

/// What such a file holds, one row for each attempt.
struct CraftedSet {
  data::Samples originals;
  Tensor images;
  std::vector<int> targets;         ///< -1: none
  std::vector<std::size_t> attack;  ///< which of `attacks`
  std::vector<bool> success;        ///< on the model it was made against; empty: the file does not say
  std::vector<attacks::Attack> attacks;
  std::string model_sha256;  ///< of that model; empty: the file does not say

  /// The images of these rows.
  Tensor images_at(std::span<const std::size_t> rows) const {
    data::Samples crafted = originals;
    crafted.images = images;
    return crafted.select(rows).images;
  }
};

/// Reads one for a model, from a path. `images`, `originals` (float32) and `labels` must be there, but the last two may
/// come from `data`, at `index`. A file of another tool may lack the rest: then row k is about sample k, and all of it
/// is one attack without a name or a ball; its images may also be channels x height x width, and those of one channel
/// without that extent or flat. Throws Error that says what is missing or does not fit.
CraftedSet read_crafted(const std::string& path, const nn::Classifier& model, const data::Dataset* data = nullptr);

}  // namespace hans::apps
