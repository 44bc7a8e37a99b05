// The sentence to cite: one number with everything needed to make it again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <hans/attacks/evaluate.hpp>

namespace hans::apps {

/// What a number is about: model, data and seed.
struct Subject {
  std::string model, model_sha256, architecture, preprocessing = "none";
  std::string data, data_sha256;
  std::size_t data_size = 0;  ///< images in the data set part, of which perhaps only the first were used
  data::Box box;
  std::uint64_t seed = 0;
};

/// 10000 as "10,000".
std::string with_commas(std::uint64_t value);

/// right / n in percent with two decimals, without the sign: "9.31". n > 0.
std::string percent_of(std::size_t right, std::size_t n);

/// The 95 % interval of that share: "8.76 to 9.90".
std::string interval_text(std::size_t right, std::size_t n);

/// "the 10,000 images of mnist/test" or "the first 100 of the 10,000 images of mnist/test".
std::string images_text(const Subject& subject, std::size_t count);

/// At what a run was aimed, as --targets takes it: "none", "next", "all", "random", "3".
std::string targets_text(attacks::Targets targets, const attacks::Attack& attack);

/// What one attack did, for the sentence.
struct Claim {
  attacks::Attack given;     ///< as it was asked for: what was left open is not spelled out
  attacks::Attack resolved;  ///< with every parameter
  attacks::Targets targets;
  std::size_t robust = 0, right = 0, samples = 0;
};

/// Two lines: the sentence, and behind it canonical SPEC, targets, data, preprocessing, architecture, model and seed.
std::string sentence(const Subject& subject, const Claim& claim);

}  // namespace hans::apps
