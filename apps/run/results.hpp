// The results of a run for machines (JSON) and for people (a table, sentences, verdicts).
#pragma once

#include <string>

#include "figures.hpp"
#include "run.hpp"

namespace hans::apps {

/// The keys that every result has: version, model, data, box, seed, sample_count and clean_accuracy.
Json clean_json(const Subject& subject, attacks::Share right);

/// What was found with attack k, as far as it is the same on every machine: no seconds.
Json figures_json(const Run& run, std::size_t k);

/// Sets verdict, probed images, whether an opponent ran, indicators, and the attacks to try next; returns `json`.
Json& set_reliability(Json& json, const attacks::Reliability& reliability);

/// The whole result with its verdicts; with `per_sample` also every attempt. The keys are stable. `judgement` is none
/// for a part of a run, which has no verdict.
Json results_json(const Run& run, const std::optional<attacks::Judgement>& judgement, bool per_sample);

/// The table: a line for the clean images, one for each attack, stage and radius, and, with several attacks, the worst
/// case; beside each accuracy its verdict.
std::string results_table(const Run& run, const std::optional<attacks::Judgement>& judgement);

/// The sentence of each number, an empty line between two; behind it what the verdict rests on, and what to try next.
std::string results_sentences(const Run& run, const std::optional<attacks::Judgement>& judgement);

/// What the verdict on one number rests on, a line for each reason: "verdict SUSPECT (100 images probed)".
std::string verdict_text(const attacks::Reliability& reliability);

/// The exit code of the commands that publish a number: 3 for one that is not to be believed.
int verdict_code(attacks::Trust verdict);

}  // namespace hans::apps
