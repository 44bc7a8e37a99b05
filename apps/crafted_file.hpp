// The .npz file of adversarial images that `hans attack --out` writes.
#pragma once

#include <string>

#include <hans/apps/sentence.hpp>

namespace hans::apps {

/// The bytes of the file, one row for each attempt, attack after attack: `images`, `originals` (float32), `labels`,
/// `targets`
/// (-1: none), `index` in the data set, `attack` (which one, from 0; int64), `success` (uint8); `spec` (the canonical
/// SPECs, a space between two) and `model_sha256` as text. The images must have been kept.
std::string crafted_file(const Subject& subject, const attacks::Evaluation& found);

}  // namespace hans::apps
