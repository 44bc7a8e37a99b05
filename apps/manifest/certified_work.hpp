// The work of `hans certify --eps`: it keeps its progress, to go on from after a kill.
#pragma once

#include <span>
#include <string>

#include "../run/progress.hpp"
#include "certified_part.hpp"

namespace hans::apps {

/// What is known of the images done.
struct CertifiedWork {
  CertifiedPart part;               ///< with counterexamples, if they are kept
  defenses::ProofFile proofs = {};  ///< of the first ball, if they are kept
};

/// What a run keeps, and where.
struct Kept {
  bool proofs = false, counterexamples = false;
  std::string progress = {};  ///< the file of its progress; "": none
};

/// The work on the images from `slice.first` on, none of which is done. `is_part`: --shard was given.
CertifiedWork work_of(const Subject& subject, const Slice& slice, std::span<const defenses::CertifyOptions> asked,
                      bool is_part);

/// Does `count` images, but for those that the progress knows, and shows how far it is. Throws what defenses::certify()
/// and check_consistent() throw, and Error for progress that is damaged or of another run.
void certify_slice(CertifiedWork& work, const nn::Sequential& net, const data::Dataset& data, std::size_t count,
                   const Kept& kept, bool quiet);

/// The file of the adversarial images that were found.
std::string counterexamples_file(const CertifiedPart& part, const data::Dataset& data);

}  // namespace hans::apps
