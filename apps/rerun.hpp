// Running what a manifest describes, the first time and again.
#pragma once

#include <functional>
#include <string_view>

#include <hans/apps/inputs.hpp>
#include <hans/apps/manifest.hpp>

namespace hans::apps {

/// What the benchmark's attacks, and probes for the indicators, make of these samples of `data`.
attacks::Evaluation rerun(const Benchmark& benchmark, const nn::Classifier& model, const data::Dataset& data,
                          const data::Samples& samples,
                          const std::function<void(std::size_t attack, std::size_t done, std::size_t total)>& progress);

/// The model of the manifest at `path`: where it says, beside it, or, if that is not empty, at `model`. Throws Error
/// that lists what was tried if none has the manifest's hash.
NamedModel find_model(const Manifest& manifest, const std::string& path, const std::string& model);

/// Its data: what it says, or, if that is not empty, what `given` says. Throws Error if they have not its hash.
data::Dataset find_data(const Manifest& manifest, const std::string& given, const NamedModel& model);

/// The half of a manifest that is of this run alone: names, paths, seconds, sentences. Model and data as they were
/// given: what `hans reproduce` looks for first.
Json run_json(const Benchmark& benchmark, std::string_view model_given, std::string_view data_given);

}  // namespace hans::apps
