// Running what a manifest describes, the first time and again.
#pragma once

#include <functional>
#include <string_view>

#include <hans/apps/manifest.hpp>

namespace hans::apps {

/// What the benchmark's attacks, and probes for the indicators, make of these samples of `data`.
attacks::Evaluation rerun(const Benchmark& benchmark, const nn::Classifier& model, const data::Dataset& data,
                          const data::Samples& samples,
                          const std::function<void(std::size_t attack, std::size_t done, std::size_t total)>& progress);

/// The half of a manifest that is of this run alone: names, paths, seconds, sentences. Model and data as they were
/// given: what `hans reproduce` looks for first.
Json run_json(const Benchmark& benchmark, std::string_view model_given, std::string_view data_given);

}  // namespace hans::apps
