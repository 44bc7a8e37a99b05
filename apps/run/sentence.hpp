// The sentence to cite: one number with everything needed to reproduce it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <hans/attacks/indicators.hpp>
#include "figures.hpp"

namespace hans::apps {

/// What a number is about: model, data and seed.
struct Subject {
  std::string model, model_sha256, architecture, preprocessing = "none";
  std::string data, data_sha256;
  std::size_t data_size = 0;  ///< images in the part of the data set, used or not
  data::Box box;
  std::uint64_t seed = 0;
};

/// The keys that every result has: version, model, data, box, seed, sample_count, clean_accuracy.
Json clean_json(const Subject& subject, attacks::Share right);

/// "the 10,000 images of mnist/test" or "the first 100 of the 10,000 images of mnist/test"; with `first` > 0 "images 50
/// to 99 of the 10,000 images of mnist/test".
std::string images_text(const Subject& subject, std::size_t count, std::size_t first = 0);

/// " | data ... | preprocessing ... | architecture ... | model ... | seed ...", with the hashes.
std::string provenance_text(const Subject& subject);

/// "v1.2.0 of hans", with what is special about this build.
std::string hans_text(std::string_view version);

/// The number that a sentence states.
struct Claim {
  std::string version;     ///< of the hans that measured it
  attacks::Attack attack;  ///< resolved
  attacks::Budget budget;
  std::string targets;                           ///< as --targets takes it
  std::optional<float> radius = {};              ///< for an attack without eps: accuracy within this radius
  attacks::Share robust, right;                  ///< of all samples: robust, and correct when clean
  std::optional<attacks::Verdict> verdict = {};  ///< none for a part of a run
  std::size_t first = 0;                         ///< position of the first sample in the data set
};

/// The attack as a person would write it: without the parameters that follow from the others and from the box, and with
/// eps as eps_text() writes it; `shortest` also without those that have their default.
Spec as_written(const attacks::Attack& attack, data::Box box, bool shortest = false);

/// Two lines: the sentence; then canonical SPEC, targets, data, preprocessing, architecture, model and seed.
std::string sentence(const Subject& subject, const Claim& claim);

}  // namespace hans::apps
