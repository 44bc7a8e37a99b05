// Running several attacks in stages.
#pragma once

#include <span>

#include <hans/attacks/attack.hpp>

namespace hans::attacks {

/// Runs several attacks in stages. Each starts from the originals, on the samples that by the judge withstood those
/// before it, within `budget`; without a limit each runs on all samples. The image of a sample is that of the attack it
/// fell to (the nearest in the budget's norm if several), and its note is that attack's, or the last one's if none.
/// Counts include all attacks and the judge's forward passes. Crafted::stages are the attacks that some sample reached,
/// Note::withstood the number of them that failed on the sample.
Crafted run_stages(std::span<const Attack> attacks, const Budget& budget, const nn::Classifier& model,
                   const data::Samples& samples, const Goal& goal, const CraftOptions& options);

}  // namespace hans::attacks
