// The .npz file of proofs, which hans check verifies: apps/manifest/FORMAT.md says what its numbers mean.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <hans/data/dataset.hpp>
#include <hans/data/npz.hpp>
#include <hans/defenses/certify.hpp>

namespace hans::defenses {

/// The contents of a file of proofs: of n images, `index.size()`, in one ball of norm linf. For each list there are
/// n + 1 offsets: image i owns list[list_of[i]] up to list[list_of[i + 1]].
struct ProofFile {
  std::string version = {};  ///< of hans that made it
  std::string model_sha256 = {}, data_sha256 = {};
  float eps = 0;
  data::Box box = {};
  std::vector<std::int64_t> index = {};            ///< position in the data set, strictly rising
  std::vector<std::int64_t> labels = {};           ///< of each image
  std::vector<std::string> image_sha256 = {};      ///< of each image, as Sha256 gives it
  std::vector<double> bound = {};                  ///< for each image: how far the label's logit stays above the others
  std::vector<std::int32_t> ties = {};             ///< 2 * unit + slope; units strictly rising
  std::vector<std::int64_t> ties_of = {0};         ///< offsets into `ties`
  std::vector<std::int32_t> tree = {};             ///< nodes in preorder: a unit, -1 or -2
  std::vector<std::int64_t> tree_of = {0};         ///< offsets into `tree`
  std::vector<std::int32_t> slope_units = {};      ///< strictly rising for each image
  std::vector<std::int64_t> slope_units_of = {0};  ///< offsets into `slope_units`
  std::vector<std::uint8_t> slopes = {};           ///< 255ths, one for each of the image's slope_units in each leaf -2
  std::vector<float> multipliers = {};             ///< for each leaf, one for each split above it, from the root down
  /// Of a part of a run: its first image, how many it has, and those of the whole.
  std::optional<std::array<std::int64_t, 3>> part = {};
};

/// Adds the proof of a certificate, which must have one, at the end. `image`: the pixels of its sample. Images are
/// added in rising order of `index`.
void add_proof(ProofFile& file, const Certificate& certificate, std::span<const float> image);

/// Adds the proofs of more images, all behind those of `file`.
void extend(ProofFile& file, const ProofFile& more);

/// Whether a file is one of proofs rather than of adversarial images, by the names of its arrays. false if it is
/// damaged. Throws Error if it cannot be read.
bool is_proof(const std::string& path);

/// Reads the bytes of such a file. Throws Error if an array is missing, or has another type or shape than the others
/// ask for, if offsets do not rise from 0 to the size of their list, if `index` does not rise, for a norm other than
/// linf, and for a radius or box that is none. What is claimed may be wrong in every other way.
ProofFile parse_proof(std::string_view file);

/// parse_proof() of a file, whose name is put in front of errors.
ProofFile read_proof(const std::string& path);

/// The arrays of the file. Throws Error if read_proof would refuse it.
std::vector<data::NamedArray> proof_arrays(const ProofFile& proofs);

/// The bytes of the file. Throws Error if read_proof would refuse it.
std::string proof_file(const ProofFile& proofs);

}  // namespace hans::defenses
