// The proofs of a file as the checker takes them.
#pragma once

#include <hans/data/dataset.hpp>
#include <hans/defenses/proof_file.hpp>
#include "../checker/proof.hpp"

namespace hans::apps {

/// What the file claims. `samples` are the images at `index` of the data set. They and the file must outlive the
/// result.
checker::Proofs claimed_proofs(const defenses::ProofFile& file, const data::Samples& samples);

}  // namespace hans::apps
