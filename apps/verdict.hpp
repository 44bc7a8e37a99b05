// Whether a number can be believed, for machines (JSON) and for people.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <hans/attacks/indicators.hpp>
#include <hans/core/json.hpp>

namespace hans::apps {

/// Measures on some of the samples what the indicators need, inside the ball of `budget`: `whole` is how many samples
/// there are, of which these may be a part; `data` is the set they are from.
std::vector<attacks::Probe> probe_some(const nn::Classifier& model, const attacks::Evaluation& found,
                                       const attacks::Budget& budget, const data::Dataset& data, std::size_t whole,
                                       std::uint64_t seed);

/// What is to be said of each attack on its own, probed inside its own ball. Attacks of one ball share the probes.
/// `progress` is told how many attacks are done.
std::vector<attacks::Reliability> judge_each(const nn::Classifier& model, const attacks::Evaluation& found,
                                             const data::Dataset& data, std::uint64_t seed,
                                             const std::function<void(std::size_t done)>& progress);

/// One line to follow the sentence, and one for each reason: "Indicators of failure: SUSPECT (...)".
std::string verdict_text(const attacks::Reliability& reliability, const attacks::Budget& budget);

/// Puts `verdict`, `indicators` and `next` (the attacks to try) into the JSON of a result.
void set_verdict(Json& json, const attacks::Reliability& reliability, const attacks::Budget& budget);

/// The exit code: 3 for a number that is not to be believed.
int verdict_code(const attacks::Reliability& reliability);

}  // namespace hans::apps
