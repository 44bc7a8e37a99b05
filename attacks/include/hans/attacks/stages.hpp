// Several attacks, one behind the other.
#pragma once

#include <span>

#include <hans/attacks/attack.hpp>

namespace hans::attacks {

/// Each attack begins at the originals of the samples that the judge finds to have withstood those before it, within
/// `budget`; in a budget without limit at all originals. A sample's image is that of the attack it fell to, of several
/// the nearest in the budget's norm; its note is that attack's, or the last one's. Counts are of all, the judge's
/// forward passes included. Crafted::stages are the attacks that a sample came to, Note::withstood says how many of
/// them it withstood.
Crafted in_stages(std::span<const Attack> attacks, const Budget& budget, const nn::Classifier& model,
                  const data::Samples& samples, const Goal& goal, const CraftOptions& options);

}  // namespace hans::attacks
