// An evaluation for machines (JSON) and for people (a table).
#pragma once

#include <span>
#include <string>
#include <vector>

#include <hans/apps/sentence.hpp>
#include <hans/attacks/indicators.hpp>
#include <hans/core/json.hpp>

namespace hans::apps {

/// What an attack run was asked to do, beside the model and the data.
struct Request {
  std::vector<attacks::Attack> attacks;  ///< as given
  attacks::Targets targets;
  bool per_sample = false;        ///< every attempt in the JSON, too
  std::vector<float> radii = {};  ///< accuracy within each, for attacks without eps
};

/// The keys that every result has: version, model, data, box, seed, sample_count and clean_accuracy.
Json clean_json(const Subject& subject, std::size_t right, std::size_t samples);

/// Sets `key`, and `key`_interval: the share right of n and its 95 % interval.
void set_accuracy(Json& json, const std::string& key, std::size_t right, std::size_t n);

/// What was found with attack k, as far as it is the same on every machine: no seconds.
Json figures_json(const Request& request, const attacks::Evaluation& found, std::size_t k);

/// The whole result of an attack run, with what is to be said of each attack (none: not measured). The keys are stable.
Json results_json(const Subject& subject, const Request& request, const attacks::Evaluation& found,
                  std::span<const attacks::Reliability> verdicts);

/// The table, a line for the clean images, one for each attack and, with several, one for the worst case.
std::string results_table(const Subject& subject, const Request& request, const attacks::Evaluation& found);

/// The sentence of each attack, an empty line between two, followed by its verdict where there are verdicts.
std::string results_sentences(const Subject& subject, const Request& request, const attacks::Evaluation& found,
                              std::span<const attacks::Reliability> verdicts = {});

/// Rows of equal length, columns aligned; the last column is left as it is, the others are set to the right.
std::string table_text(std::span<const std::vector<std::string>> rows);

}  // namespace hans::apps
