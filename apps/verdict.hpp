// Whether a number can be believed, for machines (JSON) and for people.
#pragma once

#include <string>

#include <hans/attacks/indicators.hpp>
#include <hans/core/json.hpp>

namespace hans::apps {

/// Measures on some of the samples what the indicators need: `whole` is how many the benchmark has, of which these may
/// be a part; `data` is the set they are from.
std::vector<attacks::Probe> probe_some(const nn::Classifier& model, const attacks::Evaluation& found,
                                       const data::Dataset& data, std::size_t whole, std::uint64_t seed);

/// One line to follow the sentence, and one for each reason: "Indicators of failure: SUSPECT (...)".
std::string verdict_text(const attacks::Reliability& reliability, const attacks::Budget& budget);

/// Puts `verdict`, `indicators` and `next` (the attacks to try) into the JSON of a result.
void set_verdict(Json& json, const attacks::Reliability& reliability, const attacks::Budget& budget);

/// The exit code: 3 for a number that is not to be believed.
int verdict_code(const attacks::Reliability& reliability);

}  // namespace hans::apps
