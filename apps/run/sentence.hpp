// The sentence to cite: one number with everything needed to make it again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <hans/attacks/indicators.hpp>

namespace hans::apps {

/// What a number is about: model, data and seed.
struct Subject {
  std::string model, model_sha256, architecture, preprocessing = "none";
  std::string data, data_sha256;
  std::size_t data_size = 0;  ///< images in the data set part, of which perhaps only some were used
  data::Box box;
  std::uint64_t seed = 0;
};

/// "the 10,000 images of mnist/test" or "the first 100 of the 10,000 images of mnist/test"; from another than the first
/// on, "images 50 to 99 of the 10,000 images of mnist/test".
std::string images_text(const Subject& subject, std::size_t count, std::size_t first = 0);

/// One number, for the sentence.
struct Claim {
  std::string version;     ///< of hans, that measured it
  attacks::Attack attack;  ///< resolved
  attacks::Budget budget;
  std::string targets;                         ///< as --targets takes it
  std::optional<float> radius = {};            ///< of an attack without eps: accuracy within it
  attacks::Share robust, right;                ///< of all samples, attacked and as they are
  std::optional<attacks::Trust> verdict = {};  ///< none: a part of a run, which has none
  std::size_t first = 0;                       ///< of the samples: its position in the data set
};

/// The attack as a person would write it: without the parameters that follow from the others and from the box, and with
/// eps as eps_text() writes it.
Spec as_written(const attacks::Attack& attack, data::Box box);

/// Two lines: the sentence, and behind it canonical SPEC, targets, data, preprocessing, architecture, model and seed.
std::string sentence(const Subject& subject, const Claim& claim);

}  // namespace hans::apps
