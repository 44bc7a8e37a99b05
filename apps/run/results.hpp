// The results of a run for machines (JSON) and for people (a table, sentences, verdicts).
#pragma once

#include <string>

#include "figures.hpp"
#include "run.hpp"

namespace hans::apps {

/// The result of attack k without seconds: equal on every machine.
Json figures_json(const Run& run, std::size_t k);

/// Sets the keys of a verdict: verdict, probed images, whether probes opposed it, indicators, attacks to try next.
/// Returns `json`.
Json& set_reliability(Json& json, const attacks::Reliability& reliability);

/// The whole result with its verdicts, and with `per_sample` every attempt. The keys are stable. `judgement` is empty
/// for a part of a run, which has no verdict.
Json results_json(const Run& run, const std::optional<attacks::Judgement>& judgement, bool per_sample);

/// The table: a line for the clean images, one for each attack, stage and radius, with several attacks the worst case,
/// each with its verdict, and both ends of what is certified.
std::string results_table(const Run& run, const std::optional<attacks::Judgement>& judgement);

/// The sentences of all numbers, separated by empty lines; each is followed by what its verdict rests on and what to
/// try next. Those of certificates come last.
std::string results_sentences(const Run& run, const std::optional<attacks::Judgement>& judgement);

/// What the verdict on one number rests on, a line for each reason: "Verdict: SUSPECT (2 of 20 indicators of failure,
/// 100 images probed)".
std::string verdict_text(const attacks::Reliability& reliability);

/// The exit code of commands that publish a number: 3 if it is UNRELIABLE, else 0.
int verdict_code(attacks::Verdict verdict);

}  // namespace hans::apps
