// The .npz file of adversarial images that `hans attack` and `hans certify` write, and `hans transfer` and `hans check`
// read.
#pragma once

#include <string>
#include <vector>

#include <hans/data/npz.hpp>
#include "../run/run.hpp"

namespace hans::apps {

/// What made some images of a file, and the ball and box that they are to be in.
struct CraftedBy {
  std::string name;  ///< the canonical SPEC of an attack, or of a ball alone: "linf within 0.1"
  attacks::Budget budget;
};

/// The contents of such a file, one row for each attempt.
struct CraftedSet {
  data::Samples originals;
  Tensor images;
  std::vector<int> targets;         ///< -1: none
  std::vector<std::size_t> attack;  ///< index into `made_by`
  std::vector<bool> success;        ///< on the model attacked; empty: not in the file
  std::vector<CraftedBy> made_by;   ///< empty: not in the file
  std::string model_sha256;         ///< of the model attacked; empty: not in the file

  /// The images of these rows.
  Tensor images_at(std::span<const std::size_t> rows) const {
    data::Samples crafted = originals;
    crafted.images = images;
    return crafted.select(rows).images;
  }
};

/// The bytes of a file: the arrays `images`, `originals` (float32), `labels`, `targets` (-1: none), `index` in the data
/// set, `attack` (its number from 0; int64), `success` (uint8) and the text `model_sha256`; and `more`, which says what
/// the attacks are: the text `spec` (canonical SPECs, separated by spaces), or balls as the text `norm` (one for all)
/// and float32 `eps` (one for each attack). `made_by` is not written.
std::string crafted_file(const CraftedSet& set, std::vector<data::NamedArray> more);

/// The file of a run, attack after attack. The run must have kept its images.
std::string crafted_file(const Run& run);

/// Reads such a file for a model. `images`, `originals` (float32) and `labels` are required; `data` can supply the last
/// two, by `index`. Files of other tools may lack the rest: then row k is about sample k, and all rows belong to one
/// attack without name and ball. Their images may also be channels x height x width and, with one channel, lack that
/// extent or be flat. Throws Error that says what is missing or does not fit.
CraftedSet read_crafted(const std::string& path, const nn::Classifier& model, const data::Dataset* data = nullptr);

}  // namespace hans::apps
