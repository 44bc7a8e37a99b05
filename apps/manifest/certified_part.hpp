// The results of `hans certify --eps` on a part of the images, and how parts become a whole.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <hans/defenses/proof_file.hpp>
#include "../run/certified.hpp"
#include "shard.hpp"

namespace hans::apps {

struct CertifiedPart {
  Subject subject;
  Slice slice;              ///< the images done
  bool per_sample = false;  ///< whether the results of the whole have every certificate
  std::vector<CertifiedBall> balls;
};

/// What a file of results says, of a part or of a whole.
struct CertifiedResults {
  Subject subject;
  Slice slice;                                   ///< its images
  std::vector<BallCounts> balls;                 ///< at least one
  std::vector<CertifiedBall> certificates = {};  ///< of each ball; empty without --per-sample
};

inline constexpr std::string_view runs_of_certify = "runs of hans certify";

/// What all parts of a run of hans certify share: version, seed, model and data.
Json subject_json(const Subject& subject);

/// The key `part` of a part. Throws Error for JSON without that key.
Json slice_json(const Slice& slice);
void check_is_part(const Json& all);

/// What results say of themselves, read back; without the key `part` they are of all their images. Throws Error for
/// another version, and for a slice that does not fit.
void read_subject(const Json& all, Subject& subject, Slice& slice);

/// The text of results, without what finish() adds to them.
std::string without_reservation(const Json& all);

/// What two runs must share to be parts of one.
Json question_json(const CertifiedPart& part);

/// The results of the part, as certified_json() gives them, with every certificate and the key `part`.
Json part_json(const CertifiedPart& part);

/// The results of the whole.
Json whole_json(const CertifiedPart& whole);

/// Whether JSON holds results of `hans certify --eps`, of a part or of a whole.
bool is_certified(const Json& json);

/// A part back from the bytes of its JSON. Throws Error that says what is wrong: no part, of another version, a
/// certificate that cannot be, or a number that does not follow from the certificates.
CertifiedPart parse_certified_part(std::string_view bytes);

/// The same of a part or of a whole, with certificates or with counts alone; also refuses an image that is certified
/// within a radius and attacked within a smaller one, and counts that say so of any.
CertifiedResults parse_certified(std::string_view bytes);

/// parse_certified_part() of a file, whose name is put in front of errors.
CertifiedPart read_certified_part(const std::filesystem::path& path);

/// Joins parts, in any order, to a whole. Throws what in_order() throws, and Error if an image is certified within a
/// radius and attacked within a smaller one. `names`: the file of each part.
CertifiedPart merge(std::span<const CertifiedPart> parts, std::span<const std::string> names);

/// Joins files of proofs: to the bytes of the file that the whole run writes.
defenses::ProofFile merge(std::span<const defenses::ProofFile> parts, std::span<const std::string> names);

}  // namespace hans::apps
